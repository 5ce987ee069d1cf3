"""The contract of a brain network: what goes in, what comes out, and what follows the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from vasotype_models.contract import BRAIN_TISSUES, Frozen, TrainingSummary

BRAIN_INPUTS = ("image", "ends")
BRAIN_OUTPUTS = ("brain", "tissue")


class BrainGrid(Frozen):
    """Sampling that the graph expects."""

    spacing_mm: float = 2.5
    orientation: Literal["RAS"] = "RAS"
    multiple: int = Field(16, description="every side is a multiple of this many voxels")
    minimal_side: int = Field(64, description="voxels; shorter sides are padded with air")
    largest_shape: tuple[int, int, int] = Field(
        (80, 96, 80),
        description="voxels; longer sides are cut about their middle: in a box larger than any of "
        "training, air is taken for brain",
    )
    crop_rule: str = (
        "first a box around the head and a margin, then one around the brain found in it: empty "
        "space, neck and face shift the network's statistics"
    )


class BrainInference(Frozen):
    """How probabilities become a mask."""

    threshold: float = Field(
        0.35,
        description="a voxel is brain where its probability reaches this; below one half, as a "
        "lesion that is left out costs more than a rim that is kept",
    )
    head_level: float = Field(
        0.12, description="what is brighter than this share of the range counts as head"
    )
    height_mm: float = Field(
        180.0, description="of a head only what lies this far below its vertex is looked at"
    )
    margin_voxels: int = Field(4, description="kept around head and brain on every side")
    opening_voxels: int = Field(1, description="bridges thinner than twice this are cut")
    closing_voxels: int = Field(2, description="gaps thinner than twice this are closed")


class BrainContract(Frozen):
    """Everything a runtime must know about one brain network (``contract.json``)."""

    contract_version: Literal["1.0"] = "1.0"
    kind: Literal["brain"] = "brain"
    name: str
    version: str
    description: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    grid: BrainGrid = BrainGrid()
    normalisation: str
    tissues: tuple[str, ...] = BRAIN_TISSUES
    inference: BrainInference = BrainInference()
    training: TrainingSummary
    opset: int
    minimum_onnxruntime: str = "1.26"
    onnx_sha256: str
    licence: str = "Apache-2.0"
    intended_use: str = "research only; not a medical device"


def read_brain_contract(folder: Path) -> BrainContract:
    """Read ``contract.json`` of a brain network's folder; ValidationError if it is another's."""
    text = (folder / "contract.json").read_text(encoding="utf-8")
    return BrainContract.model_validate_json(text)
