"""From a brain network's checkpoint to a model folder: graph, contract, golden example."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.prepare.extraction import intensity_ends
from vasotype_models.brain_contract import (
    BRAIN_INPUTS,
    BRAIN_OUTPUTS,
    BrainContract,
    BrainGrid,
)
from vasotype_models.brain_network import BRIGHTEST, BrainNetwork
from vasotype_models.contract import BRAIN_TISSUES, TrainingSummary, sha256

from vasotype_training.export import OPSET, PARITY, ExportError, Release
from vasotype_training.task import load_weights

Inputs = dict[str, NDArray[np.float32]]

NORMALISATION = (
    "Inside the graph: (image - ends[0]) / (ends[1] - ends[0]), clipped to 0 and "
    f"{BRIGHTEST:g}. Before it, once a head: resample to the grid, crop to the head."
)
MEANINGS = {
    "image": "[1, 1, X, Y, Z] a head of any MR contrast, raw units",
    "ends": "[1, 2] its 1st percentile, and the 99th of the voxels brighter than its mean, both "
    "over the cropped image",
}
ANSWERS = {
    "brain": "[1, 1, X, Y, Z] probability of brain: with the CSF of sulci and ventricles, and with "
    "lesions",
    "tissue": f"[1, 3, X, Y, Z] probabilities of {', '.join(BRAIN_TISSUES)}, which add up to brain",
}


def is_brain(checkpoint: Path) -> bool:
    """Whether a checkpoint is a brain network's."""
    return bool(load_weights(checkpoint)[2]["config"].get("model") == "brain")


def load_brain_network(checkpoint: Path) -> tuple[BrainNetwork, dict[str, Any]]:
    """Network in evaluation mode, and what its training run says of itself."""
    state, architecture, meta = load_weights(checkpoint)
    network = BrainNetwork(architecture)
    network.load_state_dict(state)
    return network.eval(), meta


def export_brain(checkpoint: Path, folder: Path, release: Release) -> Path:
    """Export a checkpoint into a new model folder; its calibration and inference rules are unused.

    Raises FileExistsError when ``folder`` is there already and ExportError when torch and ONNX
    Runtime disagree by more than ``PARITY``.
    """
    if folder.exists():
        raise FileExistsError(f"{folder}: a release is never overwritten; choose a new folder")
    network, meta = load_brain_network(checkpoint)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        draft = Path(scratch) / folder.name
        draft.mkdir()
        model = draft / "model.onnx"
        write_graph(network, model)
        check_parity(network, model)
        contract = describe(network, release, meta, sha256(model))
        (draft / "contract.json").write_text(contract.model_dump_json(indent=2) + "\n")
        inputs = phantom((32, 48, 32), seed=3)
        # Half precision rounds by less than the tolerance, and halves the file.
        answers = {name: a.astype(np.float16) for name, a in run_graph(model, inputs).items()}
        golden: dict[str, Any] = {**inputs, **answers}
        np.savez_compressed(draft / "golden.npz", **golden)
        if release.train_config is not None:
            shutil.copyfile(release.train_config, draft / "train.yaml")
        draft.rename(folder)
    return folder


def write_graph(network: BrainNetwork, path: Path) -> None:
    """Write the network as one ONNX file with dynamic spatial axes, and have it checked."""
    inputs = phantom((4 * network.architecture.multiple,) * 3, seed=0)
    spatial = {2: "x", 3: "y", 4: "z"}
    with warnings.catch_warnings():
        # It warns about its own age and about shape checks; check_parity judges what it wrote.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            tuple(torch.from_numpy(inputs[name]) for name in BRAIN_INPUTS),
            str(path),
            dynamo=False,  # the newer exporter fixes the spatial axes at the skip connections
            opset_version=OPSET,
            input_names=list(BRAIN_INPUTS),
            output_names=list(BRAIN_OUTPUTS),
            dynamic_axes=dict.fromkeys(("image", *BRAIN_OUTPUTS), spatial),
        )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def check_parity(network: BrainNetwork, model: Path) -> float:
    """Largest difference of a probability between torch and ONNX Runtime on two phantoms."""
    worst = 0.0
    for shape, seed in (((32, 48, 32), 1), ((48, 32, 64), 2)):
        inputs = phantom(shape, seed)
        with torch.inference_mode():
            ours = network.eval()(*(torch.from_numpy(inputs[name]) for name in BRAIN_INPUTS))
        theirs = run_graph(model, inputs)
        for mine, name in zip(ours, BRAIN_OUTPUTS, strict=True):
            worst = max(worst, float(np.abs(np.asarray(mine) - theirs[name]).max()))
    if not worst <= PARITY:  # also true of a nan
        raise ExportError(f"{model.name}: differs from the network by {worst:.2g} (> {PARITY:g})")
    return worst


def run_graph(model: Path, inputs: Inputs) -> Inputs:
    """Outputs of an ONNX file on the CPU, by name."""
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return dict(zip(BRAIN_OUTPUTS, session.run(list(BRAIN_OUTPUTS), inputs), strict=True))


def phantom(shape: tuple[int, int, int], seed: int) -> Inputs:
    """A rough head in the graph's own form: scalp, skull, brain; whole numbers, so it packs well.

    ``image`` [1, 1, X, Y, Z] and ``ends`` [1, 2].
    """
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    radius = np.sqrt(np.sum(np.square(axes), axis=0))
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    level = np.select([radius < 0.7, radius < 0.8, radius < 0.92], [300.0, 40.0, 420.0], 5.0)
    image = np.round(level * (1 + 0.5 * texture)).astype(np.float32)
    return {"image": image[None, None], "ends": np.array([intensity_ends(image)], np.float32)}


def describe(
    network: BrainNetwork, release: Release, meta: Mapping[str, Any], digest: str
) -> BrainContract:
    """Contract of a release; ``digest`` is the sha256 of its ONNX file."""
    heads = meta["config"]["heads"]
    right, front, up = (int(side) for side in np.max(heads["shapes"], axis=0))
    return BrainContract(
        name=release.name,
        version=release.version,
        description=release.description,
        inputs=MEANINGS,
        outputs=ANSWERS,
        grid=BrainGrid(
            spacing_mm=heads["spacing_mm"],
            multiple=network.architecture.multiple,
            largest_shape=(right, front, up),
        ),
        normalisation=NORMALISATION,
        training=TrainingSummary(
            data=tuple(Path(path).name for path in heads["labels"]),
            steps=meta["step"],
            seed=meta["seed"],
            config="train.yaml",
        ),
        opset=OPSET,
        onnx_sha256=digest,
    )
