"""The contract between a model file and everything that runs it.

The ONNX graph holds all arithmetic that depends on voxel values; this module names the rest: which
channel is which, what the outputs mean, and how a runtime tiles, thresholds and pools.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

STRUCTURAL = ("t1", "t1c", "t2", "flair")
QUANTITATIVE = ("rcbv", "ktrans", "tbr")
CHANNELS = STRUCTURAL + QUANTITATIVE
"""Order of the graph's input channels."""

TISSUES = ("background", "non_enhancing_core", "edema", "enhancing")
"""Order of the ``tissue`` output; the index is the BraTS-METS 2023+ label value."""
NETC, SNFH, ET = 1, 2, 3

MODES = ("angiogenic", "intermediate", "co_option")
HABITATS = (*MODES, "mimicry", "low_permeability")
"""Order of the ``habitat`` output: three mode logits, two independent logits."""

BRAIN_TISSUES = ("csf", "grey", "white")
"""Order of the ``tissue`` output of a brain network."""


class Frozen(BaseModel):
    """Immutable record that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Channel(Frozen):
    """One input channel."""

    name: str
    meaning: str
    unit: str
    kind: Literal["structural", "quantitative"]


class Grid(Frozen):
    """Sampling that the graph expects."""

    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    orientation: Literal["RAS"] = "RAS"
    multiple: int = Field(
        default=16, description="every spatial side is a multiple of this many voxels"
    )
    mask_rule: str = "1 inside the brain (skull-stripped head), 0 outside"


class Inference(Frozen):
    """What the numbers depend on after the graph."""

    tile: tuple[int, int, int] = Field(default=(96, 96, 96), description="longest sides of a tile")
    overlap: float = Field(
        default=0.125, ge=0, lt=1, description="share of a tile shared with the next"
    )
    blending: Literal["gaussian"] = "gaussian"
    blending_sigma: float = Field(
        default=0.125,
        ge=0.1,
        description="standard deviation of the blending weight, in tile sides",
    )
    mirror: bool = Field(
        default=True,
        description="tissue is the mean of two looks, one at the image mirrored left to right",
    )
    core_threshold: float = Field(
        default=0.5, description="a voxel is tumor core where P(NETC) + P(ET) reaches this"
    )
    whole_threshold: float = Field(
        default=0.5, description="a voxel is tumor or edema where 1 - P(background) reaches this"
    )
    edema_link: float = Field(
        default=0.4,
        description="edema reaches a lesion through voxels where 1 - P(background) is this or more",
    )
    edema_reach_mm: float = Field(
        default=3.0, description="edema nearer to a lesion than this belongs to it"
    )
    lone_edema_ml: float = Field(
        default=5.0,
        description="edema that belongs to no lesion stays from this volume on, if sure",
    )
    lone_edema_confidence: float = Field(
        default=0.75, description="least mean P(edema) of edema that belongs to no lesion"
    )
    confidence: float = Field(default=0.76, description="least mean core probability of a lesion")
    minimal_volume_mm3: float = Field(default=3.0, description="components below are never lesions")
    most_outside: float = Field(
        default=0.5,
        description="a lesion has no more of its surroundings, 3 mm wide, outside the brain mask",
    )
    viable_enhancing_share: float = Field(
        default=0.1,
        description="viable voxels are ET, or all the core where ET is a smaller share of it",
    )
    surroundings_mm: float = Field(
        default=5.0,
        description="width of the shell about a lesion that its logits are held against",
    )
    surroundings_weight: float = Field(
        default=0.25,
        description="share of the shell's mean mode logits that is taken off the lesion's; other "
        "lesions and what is not brain have no part in it",
    )


class TrainingSummary(Frozen):
    """Where the weights came from, in short; the card has the rest."""

    data: tuple[str, ...]
    steps: int
    seed: int
    config: str = Field(description="file beside the model that reproduces the training")


class Contract(Frozen):
    """Everything a runtime must know about one ONNX model (``contract.json``)."""

    contract_version: Literal["1.0"] = "1.0"
    kind: Literal["multitask"] = "multitask"
    name: str
    version: str
    description: str
    channels: tuple[Channel, ...]
    grid: Grid = Grid()
    normalisation: str
    statistics: str
    tissues: tuple[str, ...] = TISSUES
    labels: dict[str, int] = {"non_enhancing_core": NETC, "edema": SNFH, "enhancing": ET}
    habitats: tuple[str, ...] = HABITATS
    inference: Inference = Inference()
    training: TrainingSummary
    opset: int
    minimum_onnxruntime: str = "1.26"
    onnx_sha256: str
    licence: str = "Apache-2.0"
    intended_use: str = "research only; not a medical device"


Transform = Literal["identity", "log", "logit"]


class Feature(Frozen):
    """One number of a lesion and how it comes to the common scale: (f(x) - centre) / spread.

    ``name`` is a biomarker's, or one of the network's own answers. ``log`` is undefined from zero
    down; ``logit`` takes shares, kept away from 0 and 1.
    """

    name: str
    transform: Transform = "identity"
    centre: float
    spread: float = Field(gt=0)


class Term(Feature):
    """A feature with its weight in the logit of each mode."""

    coefficients: tuple[float, float, float]


class ModeModel(Frozen):
    """Multinomial logistic model of the modes, in the order of ``MODES``; needs all its terms."""

    intercepts: tuple[float, float, float]
    terms: tuple[Term, ...]


class EdemaSize(Frozen):
    """What edema a tumor of its size has: ln((V_edema + 0.05) / V_tumor) on ln V_tumor, V in mL."""

    intercept: float
    slope: float


class Density(Frozen):
    """Normal density of the lesions that the calibration saw, after scaling.

    A lesion whose score, (d2 - k) / sqrt(2 k) with the squared Mahalanobis distance d2 over the k
    features that it has, exceeds ``threshold`` is out of distribution. ``covariance`` [N, N].
    """

    features: tuple[Feature, ...]
    covariance: tuple[tuple[float, ...], ...]
    threshold: float


class TissueScaling(Frozen):
    """Makes tissue probabilities honest: softmax(``slope`` * ln p + ``bias``), by tissue.

    Labels are drawn before it, at thresholds that the search for small lesions asks for.
    """

    slope: float = Field(gt=0)
    bias: tuple[float, float, float, float]


class Calibration(Frozen):
    """Numbers fitted after training on lesions whose mode is known (``calibration.json``).

    Everything that depends on the inputs is kept by tier: ``structural``, ``dsc``, ``dce``,
    ``both``. ``temperature`` divides the network's pooled mode logits, ``bias`` (by mode) is then
    added, nothing where a tier is not named. ``fusion`` holds the fused
    models of a tier, the one that needs most first; ``biomarkers_only`` the same without the
    network, for comparison. ``fused_temperature`` divides the fused log probabilities, 1 where a
    tier is not named. ``conformal_threshold`` holds, for each tier and class, the largest 1 - p
    that a prediction set still admits. ``basis`` says whether lesions of a simulation or of a site
    gave temperatures and thresholds: a coverage claim holds for lesions like those only. ``tissue``
    is for voxels near lesions; without it the network's own probabilities stand.
    ``model_sha256`` is that of the ONNX file whose answers it was fitted to; files before version
    1.2 don't say.
    """

    calibration_version: Literal["1.0", "1.1", "1.2", "1.3", "1.4"] = "1.4"
    model_sha256: str | None = None
    source: str
    basis: Literal["simulation", "site"] = "simulation"
    temperature: dict[str, float]
    bias: dict[str, tuple[float, float, float]] = {}
    mimicry_temperature: dict[str, float]
    mimicry_threshold: float
    fusion: dict[str, tuple[ModeModel, ...]] = {}
    biomarkers_only: dict[str, tuple[ModeModel, ...]] = {}
    fused_temperature: dict[str, float] = {}
    edema_size: EdemaSize | None = None
    density: Density | None = None
    tissue: TissueScaling | None = None
    conformal_threshold: dict[str, dict[str, float]]
    coverage: float = 0.9
    lesions: dict[str, int] = Field(description="lesions the fit saw, by tier")

    def of_model(self, digest: str) -> Calibration:
        """The same numbers, said to be of the ONNX file with this sha256."""
        return self.model_copy(update={"model_sha256": digest, "calibration_version": "1.4"})

    def serves(self, digest: str) -> bool:
        """Whether it is, as far as it says, of the ONNX file with this sha256."""
        return self.model_sha256 in (None, digest)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_contract(folder: Path) -> Contract:
    """Read ``contract.json`` of a model folder."""
    return Contract.model_validate_json((folder / "contract.json").read_text(encoding="utf-8"))


def read_calibration(folder: Path) -> Calibration:
    """Read ``calibration.json`` of a model folder."""
    return Calibration.model_validate_json(
        (folder / "calibration.json").read_text(encoding="utf-8")
    )


def contract_schema() -> str:
    """JSON schema of the contract, indented."""
    return json.dumps(Contract.model_json_schema(), indent=2)
