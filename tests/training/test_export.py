import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from vasotype.findings import StudyError
from vasotype_models.contract import CHANNELS, read_calibration, read_contract, sha256
from vasotype_models.network import CLIP, Architecture, Network
from vasotype_models.registry import verify
from vasotype_training.export import (
    INPUTS,
    ExportError,
    Release,
    check_parity,
    export,
    export_network,
    load_network,
    normalisation,
    phantom,
)
from vasotype_training.task import save_weights

META = {"step": 120, "seed": 7, "config": {"data": {"anatomies": ["/data/brains"]}}}
RELEASE = Release(name="tiny", version="0.1.0", description="for the tests")


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(Architecture(widths=(4, 6, 8)))


@pytest.fixture(scope="module")
def released(network, tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    config = root / "config.yaml"
    config.write_text("steps: 120\n")
    release = Release(**{**vars(RELEASE), "train_config": config})
    return export_network(network, root / "tiny", release, META)


def test_release_holds_everything_a_runtime_needs(released):
    assert {p.name for p in released.iterdir()} == {
        "model.onnx", "contract.json", "calibration.json", "golden.npz", "train.yaml",
    }  # fmt: skip
    assert [p.name for p in released.parent.glob(".tiny-*")] == []


def test_contract_describes_the_file_beside_it(released):
    contract = read_contract(released)
    assert contract.onnx_sha256 == sha256(released / "model.onnx")
    assert contract.grid.multiple == 8
    assert tuple(c.name for c in contract.channels) == CHANNELS
    assert contract.training.steps == 120
    assert contract.training.data == ("brains",)


def test_graph_names_its_inputs_and_leaves_space_open(released):
    graph = onnx.load(released / "model.onnx").graph
    assert [i.name for i in graph.input] == list(INPUTS)
    sides = graph.input[0].type.tensor_type.shape.dim[2:]
    assert [d.dim_param for d in sides] == ["x", "y", "z"]


def test_release_passes_the_registry_s_own_verification(released):
    assert verify(released) == []


def test_golden_input_has_absent_channels_and_a_background(released):
    golden = np.load(released / "golden.npz")
    absent = golden["present"][0] == 0
    assert absent.any()
    assert not golden["image"][0, absent].any()
    assert 0 < golden["mask"].mean() < 1


def test_uncalibrated_release_claims_nothing(released):
    calibration = read_calibration(released)
    assert all(t == 1.0 for tier in calibration.conformal_threshold.values() for t in tier.values())
    assert set(calibration.lesions.values()) == {0}


def test_network_and_graph_agree(network, released):
    assert check_parity(network, released / "model.onnx") < 1e-4


def test_parity_check_notices_changed_weights(network, released):
    torch.manual_seed(0)
    other = Network(network.architecture)
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        other.head.bias[3] += 0.01
    with pytest.raises(ExportError, match="differs from the network"):
        check_parity(other, released / "model.onnx")


def test_parity_check_notices_nan(network, released):
    other = Network(network.architecture)
    with torch.no_grad():
        other.head.bias.fill_(float("nan"))
    with pytest.raises(ExportError):
        check_parity(other, released / "model.onnx")


def test_half_precision_checkpoint_becomes_the_same_release(network, tmp_path):
    checkpoint = tmp_path / "weights.pt"
    save_weights(checkpoint, network, META)
    restored, meta = load_network(checkpoint)
    assert meta == META
    assert restored.architecture == network.architecture
    folder = export(checkpoint, tmp_path / "release", RELEASE)
    assert check_parity(restored, folder / "model.onnx") < 1e-4


def test_existing_release_is_never_overwritten(network, tmp_path):
    (tmp_path / "kept").mkdir()
    with pytest.raises(FileExistsError, match="never overwritten"):
        export_network(network, tmp_path / "kept", RELEASE, META)


def test_failed_export_leaves_nothing_behind(network, tmp_path, monkeypatch):
    monkeypatch.setattr("vasotype_training.export.PARITY", -1.0)
    with pytest.raises(ExportError):
        export_network(network, tmp_path / "release", RELEASE, META)
    assert list(tmp_path.iterdir()) == []


def test_normalisation_is_stated_with_the_numbers_of_the_network():
    text = normalisation()
    assert f"±{CLIP:g}" in text
    assert "ktrans: log(1 + min(x, 2) / 0.02)" in text


def test_phantom_has_only_the_channels_it_names_and_only_in_the_mask():
    case = phantom((16, 16, 16), ("t1c", "ktrans"), seed=0)
    assert np.flatnonzero(case["present"][0]).tolist() == [1, 5]
    assert case["image"][0].any(axis=(1, 2, 3)).tolist() == [False, True, *[False] * 3, True, False]
    assert not (case["image"] * (1 - case["mask"])).any()


def test_contract_is_readable_json(released):
    assert json.loads((released / "contract.json").read_text())["name"] == "tiny"


def test_every_calibration_names_the_network_it_lies_beside(network, released, tmp_path):
    digest = read_contract(released).onnx_sha256
    own = read_calibration(released)
    assert own.model_sha256 == digest
    unnamed = own.model_copy(update={"model_sha256": None, "source": "an old file"})
    for number, given in enumerate((unnamed, lambda folder: read_calibration(folder))):
        release = replace(RELEASE, calibration=given)
        folder = export_network(network, tmp_path / str(number), release, META)
        assert read_calibration(folder).model_sha256 == read_contract(folder).onnx_sha256


def test_the_calibration_of_another_network_is_refused(network, released, tmp_path):
    other = read_calibration(released).of_model("b" * 64)
    with pytest.raises(StudyError) as error:
        export_network(network, tmp_path / "new", replace(RELEASE, calibration=other), META)
    assert error.value.code == "calibration-other-model"
    assert not (tmp_path / "new").exists()
