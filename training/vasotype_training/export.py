"""From trained weights to a model folder that explains itself.

A release holds ``model.onnx``, ``contract.json``, ``calibration.json``, ``golden.npz`` and
``train.yaml``. It appears as a whole or not at all.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit, softmax
from vasotype.findings import StudyError
from vasotype_models.contract import (
    CHANNELS,
    MODES,
    QUANTITATIVE,
    STRUCTURAL,
    Calibration,
    Channel,
    Contract,
    Grid,
    Inference,
    TrainingSummary,
    sha256,
)
from vasotype_models.network import (
    CLIP,
    QUANTITATIVE_LIMIT,
    QUANTITATIVE_SCALE,
    Network,
)
from vasotype_models.registry import INPUTS, OUTPUTS

from vasotype_training.config import DataConfig
from vasotype_training.task import load_weights

OPSET = 17
PARITY = 1e-4
"""Largest difference of any probability between torch and ONNX Runtime."""

TIERS = ("structural", "dsc", "dce", "both")

Inputs = dict[str, NDArray[np.float32]]
Outputs = dict[str, NDArray[np.float32]]

MEANINGS = {
    "t1": ("T1-weighted before contrast agent", "any scale"),
    "t1c": ("T1-weighted after contrast agent", "any scale"),
    "t2": ("T2-weighted", "any scale"),
    "flair": ("T2-weighted with fluid attenuation", "any scale"),
    "rcbv": ("relative cerebral blood volume", "ratio to normal-appearing white matter"),
    "ktrans": ("volume transfer constant", "1/min"),
    "tbr": ("amino-acid PET uptake", "ratio to normal brain"),
}

STATISTICS = (
    "stats[channel] = (median, (p95 - p5) / 3.3) of each structural channel over the brain voxels "
    "that the channel covers, computed once a study, before any tiling; (0, 1) for absent and "
    "quantitative channels"
)


class ExportError(Exception):
    """The exported graph does not do what the network does."""


@dataclass(frozen=True)
class Release:
    """What a release says about itself beside its weights.

    ``calibration`` is written as it is, or fitted by a function that is given the finished model
    folder; None writes a neutral one that claims nothing. ``train_config`` is copied as
    ``train.yaml``.
    """

    name: str
    version: str
    description: str
    inference: Inference = field(default_factory=Inference)
    calibration: Calibration | Callable[[Path], Calibration] | None = None
    train_config: Path | None = None


def load_network(checkpoint: Path) -> tuple[Network, dict[str, Any]]:
    """Network in evaluation mode, and what its training run says of itself."""
    state, architecture, meta = load_weights(checkpoint)
    network = Network(architecture)
    network.load_state_dict(state)
    return network.eval(), meta


def export(checkpoint: Path, folder: Path, release: Release) -> Path:
    """Export a checkpoint into a new model folder; see :func:`export_network`."""
    network, meta = load_network(checkpoint)
    return export_network(network, folder, release, meta)


def export_network(
    network: Network, folder: Path, release: Release, meta: Mapping[str, Any]
) -> Path:
    """Write a model folder and return it.

    ``meta`` gives the training summary: ``step``, ``seed`` and the ``config`` of the run. Raises
    FileExistsError when ``folder`` is there already and ExportError when torch and ONNX Runtime
    disagree by more than ``PARITY`` in any probability; StudyError ``calibration-other-model``
    when the calibration names another network.
    """
    if folder.exists():
        raise FileExistsError(f"{folder}: a release is never overwritten; choose a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        draft = Path(scratch) / folder.name
        draft.mkdir()
        model = draft / "model.onnx"
        write_graph(network, model)
        check_parity(network, model)
        contract = describe(network, release, meta, sha256(model))
        (draft / "contract.json").write_text(contract.model_dump_json(indent=2) + "\n")
        calibration = neutral_calibration()
        write_calibration(calibration.of_model(contract.onnx_sha256), draft)
        if release.calibration is not None:
            fitted = release.calibration
            calibration = fitted(draft) if callable(fitted) else fitted
            _check_calibration(calibration, contract)
            write_calibration(calibration.of_model(contract.onnx_sha256), draft)
        write_golden(model, draft / "golden.npz", network.architecture.multiple)
        if release.train_config is not None:
            shutil.copyfile(release.train_config, draft / "train.yaml")
        draft.rename(folder)
    return folder


def _check_calibration(calibration: Calibration, contract: Contract) -> None:
    """Refuse one that names another network; an old file that names none is taken at its word."""
    if not calibration.serves(contract.onnx_sha256):
        raise StudyError(
            "calibration-other-model",
            f"the calibration is of network {str(calibration.model_sha256)[:12]}, this export is "
            f"{contract.onnx_sha256[:12]}",
        )


def write_calibration(calibration: Calibration, folder: Path) -> None:
    """Write ``calibration.json`` into a model folder."""
    text = calibration.model_dump_json(indent=1) + "\n"
    (folder / "calibration.json").write_text(text, encoding="utf-8")


def write_graph(network: Network, path: Path) -> None:
    """Write the network as one ONNX file with dynamic spatial axes, and have it checked."""
    network.eval()
    side = 4 * network.architecture.multiple
    example = tuple(torch.from_numpy(a) for a in phantom((side,) * 3, CHANNELS, seed=0).values())
    spatial = {2: "x", 3: "y", 4: "z"}
    with warnings.catch_warnings():
        # It warns about its own age and about shape checks; check_parity judges what it wrote.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            example,
            str(path),
            dynamo=False,  # the newer exporter fixes the spatial axes at the skip connections
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=dict.fromkeys(("image", "mask", *OUTPUTS), spatial),
        )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def check_parity(network: Network, model: Path) -> float:
    """Largest difference of a probability between torch and ONNX Runtime on two phantoms.

    The phantoms differ in shape and in which channels are there. Raises ExportError above
    ``PARITY``.
    """
    step = network.architecture.multiple
    cases = (
        phantom((2 * step, 3 * step, 2 * step), CHANNELS, seed=1),
        phantom((3 * step, 2 * step, 4 * step), ("t1c", "flair"), seed=2),
    )
    differences: list[float] = []
    for inputs in cases:
        with torch.inference_mode():
            answer = network.eval()(*(torch.from_numpy(a) for a in inputs.values()))
        ours = {key: np.asarray(value) for key, value in zip(OUTPUTS, answer, strict=True)}
        theirs = run_graph(model, inputs)
        pairs = zip(_probabilities(ours), _probabilities(theirs), strict=True)
        differences += [float(np.abs(a - b).max()) for a, b in pairs]
    worst = float(np.max(differences))
    if not worst <= PARITY:  # also true of a nan
        raise ExportError(f"{model.name}: differs from the network by {worst:.2g} (> {PARITY:g})")
    return worst


def run_graph(model: Path, inputs: Inputs) -> Outputs:
    """Outputs of an ONNX file on the CPU, by name."""
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), inputs), strict=True))


def phantom(shape: tuple[int, int, int], present: tuple[str, ...], seed: int) -> Inputs:
    """A smooth seeded study in the graph's own form, coarsely quantised so that it packs well.

    ``image`` [1, 7, X, Y, Z], ``mask`` an ellipsoid [1, 1, X, Y, Z], ``present`` [1, 7], ``stats``
    [1, 7, 2]; channels not named in ``present`` are zero.
    """
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    mask = np.sum(np.square(axes), axis=0) < 0.9
    image = np.zeros((len(CHANNELS), *shape), np.float32)
    stats = np.zeros((len(CHANNELS), 2), np.float32)
    stats[:, 1] = 1.0
    for channel in present:
        index = CHANNELS.index(channel)
        texture = ndimage.gaussian_filter(rng.standard_normal(shape), 2.0)
        texture = texture / texture.std()
        if channel in STRUCTURAL:
            image[index] = np.round(300 + 60 * texture) * mask
            low, middle, high = np.percentile(image[index][mask], (5, 50, 95))
            stats[index] = middle, (high - low) / 3.3
        else:
            image[index] = np.round(QUANTITATIVE_SCALE[channel] * np.exp(texture), 3) * mask
    there = np.array([[channel in present for channel in CHANNELS]], np.float32)
    return {
        "image": image[None],
        "mask": mask[None, None].astype(np.float32),
        "present": there,
        "stats": stats[None],
    }


def write_golden(model: Path, path: Path, multiple: int) -> None:
    """Write a small input and its output, for whoever ports the runtime."""
    sides = (2 * multiple, 3 * multiple, 2 * multiple)
    inputs = phantom(sides, ("t1c", "flair", "rcbv"), seed=3)
    arrays: dict[str, Any] = {**inputs, **run_graph(model, inputs)}
    np.savez_compressed(path, **arrays)


def describe(network: Network, release: Release, meta: Mapping[str, Any], digest: str) -> Contract:
    """Contract of a release; ``digest`` is the sha256 of its ONNX file."""
    channels = tuple(
        Channel(
            name=name,
            meaning=MEANINGS[name][0],
            unit=MEANINGS[name][1],
            kind="structural" if name in STRUCTURAL else "quantitative",
        )
        for name in CHANNELS
    )
    return Contract(
        name=release.name,
        version=release.version,
        description=release.description,
        channels=channels,
        grid=Grid(multiple=network.architecture.multiple),
        normalisation=normalisation(),
        statistics=STATISTICS,
        inference=release.inference,
        training=TrainingSummary(
            data=_training_data(meta), steps=meta["step"], seed=meta["seed"], config="train.yaml"
        ),
        opset=OPSET,
        onnx_sha256=digest,
    )


def normalisation() -> str:
    """What the graph does to its inputs, in words and numbers."""
    quantitative = "; ".join(
        f"{c}: log(1 + min(x, {QUANTITATIVE_LIMIT[c]:g}) / {QUANTITATIVE_SCALE[c]:g})"
        for c in QUANTITATIVE
    )
    return (
        "All of it happens inside the graph. Structural channels: (x - stats[0]) / stats[1], "
        f"clipped to ±{CLIP:g}. A further channel holds T1c - T1 after this scaling, zero unless "
        f"both are there. Quantitative channels, negative values as zero: {quantitative}. "
        "Everything is zero outside the mask and in channels whose present flag is 0."
    )


def neutral_calibration() -> Calibration:
    """A calibration that changes and claims nothing: every mode is always in the set."""
    ones = dict.fromkeys(TIERS, 1.0)
    return Calibration(
        source="none: not calibrated",
        temperature=ones,
        mimicry_temperature=ones,
        mimicry_threshold=0.5,
        conformal_threshold={tier: dict.fromkeys(MODES, 1.0) for tier in TIERS},
        lesions=dict.fromkeys(TIERS, 0),
    )


def _training_data(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the folders that a run's configuration draws from."""
    data = DataConfig.model_construct(**meta["config"]["data"])
    paths = (*data.anatomies, *data.cohorts, *([data.outlines] if data.outlines else []))
    return tuple(Path(path).name for path in paths)


def _probabilities(outputs: Outputs) -> tuple[NDArray[np.float32], ...]:
    modes, rest = np.split(outputs["habitat"], [len(MODES)], axis=1)
    return outputs["tissue"], softmax(modes, axis=1), expit(rest)
