"""Which models there are, where they lie, and whether their files are what they claim to be.

A released model is a folder of this package that holds ``contract.json``; any other folder with
the same files serves as well.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vasotype_models.brain_contract import (
    BRAIN_INPUTS,
    BRAIN_OUTPUTS,
    BrainContract,
    read_brain_contract,
)
from vasotype_models.contract import Contract, read_calibration, read_contract, sha256

PACKAGE = Path(__file__).parent
INPUTS = ("image", "mask", "present", "stats")
OUTPUTS = ("tissue", "habitat")
TOLERANCE = 1e-3
"""Largest deviation from the golden output, in probability or logit."""


@dataclass(frozen=True)
class ModelEntry:
    """One released model; its contract is a :class:`BrainContract` if it extracts the brain."""

    name: str
    folder: Path
    contract: Contract | BrainContract


def list_models() -> list[ModelEntry]:
    """Models that come with the package, by name."""
    folders = sorted(path.parent for path in PACKAGE.glob("*/contract.json"))
    return [ModelEntry(folder.name, folder, read_any_contract(folder)) for folder in folders]


def read_any_contract(folder: Path) -> Contract | BrainContract:
    """Read ``contract.json``, whichever kind of model it describes."""
    return read_brain_contract(folder) if is_brain_model(folder) else read_contract(folder)


def is_brain_model(folder: Path) -> bool:
    """Whether a model folder's contract says that it extracts the brain."""
    try:
        tree = json.loads((folder / "contract.json").read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(tree, dict) and tree.get("kind") == "brain"


def resolve(name_or_folder: str | Path) -> Path:
    """Folder of a released model, by its name, or of a model of one's own.

    Raises LookupError, naming the known models, when it is neither.
    """
    for folder in (PACKAGE / name_or_folder, Path(name_or_folder)):
        if (folder / "contract.json").is_file():
            return folder
    known = ", ".join(sorted(path.parent.name for path in PACKAGE.glob("*/contract.json")))
    raise LookupError(
        f"{name_or_folder}: neither a known model ({known}) nor a folder with a contract.json"
    )


def verify(folder: Path) -> list[str]:
    """Problems of a model folder; an empty list means that it keeps its contract.

    Recomputes the digest of ``model.onnx`` and runs the graph on the input of ``golden.npz``
    (``image``, ``mask``, ``present``, ``stats``; of a brain network ``image`` and ``ends``), whose
    ``tissue`` and ``habitat`` (``brain`` and ``tissue``) it must reproduce within ``TOLERANCE``.
    They may be stored in any precision; the graph is fed float32.
    """
    try:
        contract = read_any_contract(folder)
        calibration = read_calibration(folder) if isinstance(contract, Contract) else None
    except (OSError, ValueError) as error:
        return [f"contract or calibration can't be read: {error}"]
    model = folder / "model.onnx"
    if not model.is_file():
        return ["model.onnx is missing"]
    digest = sha256(model)
    if digest != contract.onnx_sha256:
        return [f"model.onnx has sha256 {digest}, the contract says {contract.onnx_sha256}"]
    if calibration is not None and not calibration.serves(digest):
        return [f"calibration.json is of another network, sha256 {calibration.model_sha256}"]
    golden = folder / "golden.npz"
    if isinstance(contract, BrainContract):
        return _compare_golden(model, golden, BRAIN_INPUTS, BRAIN_OUTPUTS)
    return _compare_golden(model, golden, INPUTS, OUTPUTS)


def _compare_golden(
    model: Path, golden: Path, given: Sequence[str], asked: Sequence[str]
) -> list[str]:
    """Problems of the graph's answer to the golden input."""
    import onnxruntime

    try:
        with np.load(golden) as arrays:
            inputs = {name: arrays[name].astype(np.float32) for name in given}
            expected = {name: arrays[name] for name in asked}
    except FileNotFoundError:
        return ["golden.npz is missing"]
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        return [f"golden.npz can't be read: {error}"]
    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        answers = session.run(list(asked), inputs)
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        return [f"onnxruntime {onnxruntime.__version__} can't run model.onnx: {error}"]
    problems = []
    for (name, truth), answer in zip(expected.items(), answers, strict=True):
        if answer.shape != truth.shape:
            problems.append(f"{name}: shape {answer.shape}, golden {truth.shape}")
        elif not (deviation := float(np.abs(answer - truth).max())) <= TOLERANCE:
            problems.append(f"{name}: deviates from golden by {deviation:.2g}, over {TOLERANCE:g}")
    return problems
