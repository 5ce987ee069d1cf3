"""The brain network from training to a model folder."""

import numpy as np
import pytest
import torch
from vasotype_models.brain_contract import read_brain_contract
from vasotype_models.brain_network import BrainNetwork
from vasotype_models.network import Architecture
from vasotype_models.registry import is_brain_model, list_models, read_any_contract, verify
from vasotype_training.brain.config import BrainConfig
from vasotype_training.brain.export import export_brain, is_brain, phantom, run_graph
from vasotype_training.brain.task import mask_loss, tissue_loss
from vasotype_training.export import Release
from vasotype_training.task import save_weights

SHAPE = (32, 48, 32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return BrainNetwork(Architecture((4, 4, 8, 8))).eval()


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    place = tmp_path_factory.mktemp("brain")
    config = BrainConfig(model="brain", name="b", heads={"labels": ["maps/head_seg_01*"]})
    meta = {"step": 3, "seed": 0, "config": config.model_dump(mode="json")}
    save_weights(place / "weights.pt", network, meta)
    assert is_brain(place / "weights.pt")
    return export_brain(place / "weights.pt", place / "out", Release("mine", "1.0", "a test"))


def test_the_graph_gives_the_network_s_probabilities(network, folder):
    inputs = phantom(SHAPE, seed=5)
    with torch.inference_mode():
        brain, tissue = network(*map(torch.from_numpy, inputs.values()))
    found = run_graph(folder / "model.onnx", inputs)
    # The checkpoint holds half precision.
    assert np.abs(found["brain"] - brain.numpy()).max() < 5e-3
    assert np.abs(found["tissue"] - tissue.numpy()).max() < 5e-3


def test_tissues_add_up_to_brain(folder):
    found = run_graph(folder / "model.onnx", phantom(SHAPE, seed=6))
    assert np.allclose(found["tissue"].sum(axis=1), found["brain"][:, 0], atol=1e-5)


def test_the_scale_of_the_image_does_not_matter(folder):
    inputs = phantom(SHAPE, seed=7)
    scaled = {name: 3.7 * values - 50 for name, values in inputs.items()}
    one, other = (run_graph(folder / "model.onnx", x)["brain"] for x in (inputs, scaled))
    assert np.abs(one - other).max() < 1e-3


def test_a_release_verifies_and_says_what_kind_it_is(folder):
    assert verify(folder) == []
    assert is_brain_model(folder)
    contract = read_brain_contract(folder)
    assert contract == read_any_contract(folder)
    assert contract.training.data == ("head_seg_01*",)


def test_an_altered_graph_does_not_verify(folder, tmp_path):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.onnx").write_bytes((copy / "model.onnx").read_bytes() + b"x")
    assert "sha256" in verify(copy)[0]


def test_a_release_is_never_overwritten(folder):
    weights = folder.parent / "weights.pt"
    with pytest.raises(FileExistsError):
        export_brain(weights, folder, Release("mine", "1.0", "a test"))


def test_the_shipped_models_are_of_both_kinds():
    kinds = {entry.name: entry.contract.kind for entry in list_models()}
    assert kinds["brain"] == "brain"
    assert kinds["default"] == "multitask"


def test_the_multitask_engine_refuses_a_brain_network(folder):
    from vasotype.engine import Engine
    from vasotype.findings import StudyError

    with pytest.raises(StudyError) as refused:
        Engine.load(folder, "cpu")
    assert refused.value.code == "model-damaged"


def test_a_mask_that_leaves_out_a_lesion_costs_more_than_one_that_leaves_out_as_much_brain():
    brain, tumor = torch.ones(1, 8, 8, 8), torch.zeros(1, 8, 8, 8, dtype=torch.bool)
    tumor[:, 0] = True
    without_tumor, without_brain = torch.full((2, 1, 8, 8, 8), 4.0)
    without_tumor[:, 0] = -4.0
    without_brain[:, 7] = -4.0
    losses = [mask_loss(x, brain, tumor, 4.0) for x in (without_tumor, without_brain)]
    assert losses[0] > losses[1]


def test_tissue_is_learned_only_where_it_is_known():
    logits = torch.zeros(1, 3, 4, 4, 4, requires_grad=True)
    tissue = torch.zeros(1, 3, 4, 4, 4)
    tissue[:, 1, 0] = 1
    tissue_loss(logits, tissue).backward()
    assert logits.grad[:, :, 0].abs().sum() > 0
    assert logits.grad[:, :, 1:].abs().sum() == 0


@pytest.mark.slow
def test_a_configuration_trains_and_its_weights_export(tmp_path):
    import nibabel as nib
    from vasotype_training.brain.heads import LABELS
    from vasotype_training.brain.train import train_brain

    away = np.linalg.norm(np.indices((64, 64, 64)).T - 32, axis=-1).T
    labels = np.zeros(away.shape, np.uint8)
    for radius, kind in ((30, "skin"), (27, "bone"), (24, "csf"), (21, "cortex"), (17, "white")):
        labels[away < radius] = LABELS[kind][0]
    nib.save(nib.Nifti1Image(labels, np.eye(4)), tmp_path / "map.nii.gz")
    config = BrainConfig(
        model="brain",
        name="short",
        widths=(4, 4, 8, 8),
        heads={"labels": [tmp_path / "map.nii.gz"], "shapes": [SHAPE], "workers": 0},
        optimiser={"steps": 3, "warm_up": 1},
        checkpoint_every=2,
        output=tmp_path / "runs",
        trainer={"accelerator": "cpu", "devices": 1},
    )
    folder = train_brain(config)
    assert (folder / "last.ckpt").is_file()
    release = export_brain(folder / "weights.pt", tmp_path / "out", Release("s", "1.0", "a test"))
    assert verify(release) == []


def test_a_misspelt_key_of_a_brain_configuration_is_named(tmp_path):
    from typer.testing import CliRunner
    from vasotype.cli import app

    path = tmp_path / "brain.yaml"
    path.write_text("model: brain\nname: b\nheads: {labels: [], spacing: 2}\n")
    answer = CliRunner().invoke(app, ["train", str(path)])
    assert answer.exit_code == 2
    assert "heads.spacing" in answer.output
