"""What a study's analysis gives, as it stands in ``result.json`` (published schema)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from vasotype.clinical import Clinical
from vasotype.settings import Settings

SCHEMA_VERSION = "1.0"
RESEARCH_USE = (
    "Research use only. Not a medical device. No clinical decision may rest on this result."
)


class Record(BaseModel):
    """Immutable record that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelIdentity(Record):
    """Which model answered."""

    name: str
    version: str
    sha256: str = Field(description="digest of model.onnx")


class CalibrationIdentity(Record):
    """What probabilities and prediction sets were calibrated on; they hold for lesions like those.

    With ``basis`` simulation every statement about coverage holds for simulated lesions only.
    """

    source: str
    basis: Literal["simulation", "site"]
    coverage: float = Field(description="of prediction sets, 0-1")


class Input(Record):
    """One sequence that was read."""

    channel: str
    file: str = Field(description="file name without its folder")
    sha256: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str = Field(description="axis codes of the file, e.g. LPS")


class FindingRecord(Record):
    """What a reader of the result should know."""

    code: str
    severity: Literal["warning", "note"]
    message: str
    remedy: str


class VolumeMl(Record):
    """Tissue volumes, mL."""

    enhancing: float
    non_enhancing_core: float
    edema: float


class ModeProbabilities(Record):
    """Leaning of the vascular mode; the three sum to 1."""

    angiogenic: float
    intermediate: float
    co_option: float


class MimicrySuspicion(Record):
    """Suspicion of vasculogenic mimicry, apart from the modes."""

    level: Literal["yes", "no", "unknown"]
    score: float | None


class ReasonRecord(Record):
    """One thing that moved the fused model to or from the label.

    ``contribution`` is coefficient times standardised value, in logits for the label against the
    mean of the other modes.
    """

    feature: str = Field(description="name of the biomarker, or network")
    name: str
    words: str
    value: float | None = Field(description="of the biomarker, in its unit")
    standardised: float | None = Field(description="standard deviations from simulated lesions")
    contribution: float
    direction: Literal["for", "against", "neither"]


class PhenotypeRecord(Record):
    """How the lesion seems to get its blood: a leaning, never a finding of fact."""

    probabilities: ModeProbabilities = Field(description="network and biomarkers together")
    network_probabilities: ModeProbabilities | None = Field(
        default=None, description="the network alone, calibrated"
    )
    fused_from: tuple[str, ...] | None = Field(
        default=None, description="terms of the fused model; null where the network stands alone"
    )
    mimicry_suspicion: MimicrySuspicion
    label: Literal["angiogenic", "intermediate", "co_option"] | None = Field(
        description="the most probable mode; null where the model abstains"
    )
    label_supported: bool = Field(description="the label is the only member of prediction_set")
    prediction_set: tuple[str, ...] = Field(description="modes not excluded at 90 %")
    abstained: bool
    reason: str | None = Field(description="why it abstained")
    tier: Literal["structural", "dsc", "dce", "both"]
    numbers: str | None = Field(
        default=None,
        description="name of the numbers in calibration.json: the tier, -t1 without T1, +pet",
    )
    low_permeability_share: float | None = Field(description="share of viable tumor, 0-1")
    novelty: float | None = Field(
        default=None, description="how unlike the calibration's lesions; about 0 for one like them"
    )
    novelty_limit: float | None = Field(default=None, description="above it the model abstains")
    reasons: tuple[ReasonRecord, ...] = Field(default=(), description="the strongest first")


BiomarkerValue = bool | float | str
ValueQuality = Literal["good", "low", "none"]


class BiomarkerRecord(Record):
    """One measured feature of a lesion; what can't be measured has no value and says why."""

    id: str = Field(description="of the feature's definition, e.g. FE-02", pattern=r"^FE-\d\d$")
    name: str
    value: BiomarkerValue | None
    unit: str = Field(description="1 for a ratio; empty for words and yes or no")
    available: bool
    quality: ValueQuality
    note: str | None = Field(description="why there is no value, or what to keep in mind")


class RuleReading(Record):
    """A transparent reading by thresholds that are ours, beside the model's answer.

    ``in_favour`` and ``against`` hold the biomarkers that speak for and against the model's label.
    """

    label: Literal["angiogenic", "intermediate", "co_option"] | None = Field(
        description="the rules' own leaning; null where there is too little to read"
    )
    in_favour: tuple[str, ...]
    against: tuple[str, ...]


class AfterTreatment(Record):
    """What treatment may have made of a lesion; said before any vascular mode."""

    irradiated: bool | None = Field(description="by the treatment history; null: not known")
    cavity: Literal["no", "possible", "probable"] = Field(
        description="fluid in its core as in a resection cavity; probable after known surgery"
    )
    competing: str | None = Field(description="explanation that competes with tumor growth")
    evidence: tuple[str, ...] = Field(
        description="biomarkers of blood volume and PET that were measured in it"
    )


class LesionRecord(Record):
    """One lesion."""

    id: int
    centroid_ras_mm: tuple[float, float, float]
    volume_ml: VolumeMl
    longest_diameter_mm: float = Field(description="in an axial plane of the reference sequence")
    perpendicular_diameter_mm: float
    longest_ends_ras_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    enhancement_pattern: Literal["ring", "nodular", "minimal", "not assessable"]
    confidence: float = Field(description="detection confidence, 0-1")
    edema_shared: bool = Field(description="edema is confluent with another lesion's and was split")
    phenotype: PhenotypeRecord
    biomarkers: tuple[BiomarkerRecord, ...] = ()
    rule_reading: RuleReading | None = None
    after_treatment: AfterTreatment | None = None


class LeaningCounts(Record):
    """Lesions by leaning."""

    angiogenic: int
    intermediate: int
    co_option: int
    without_leaning: int


class ModeSpread(Record):
    """Largest minus smallest probability of each mode among the lesions that lean, 0-1."""

    angiogenic: float
    intermediate: float
    co_option: float


class Triage(Record):
    """A patient's lesions compared, after each was read on its own; no sum of their leanings."""

    dominant: int = Field(description="the lesion that the summary starts from")
    chosen_by: Literal["largest", "symptomatic"] = Field(
        description="largest core volume, or named by the user"
    )
    disagreeing: tuple[int, ...] = Field(description="lesions that lean otherwise than it")
    counts: LeaningCounts
    spread: ModeSpread | None = Field(description="null below two lesions that lean")
    non_enhancing: tuple[int, ...] = Field(description="lesions with minimal enhancement")


class PathologyRecord(Record):
    """What a reader of the tissue reported of one lesion; null is not known.

    It stands beside the prediction and never changes it.
    """

    lesion: int
    growth_pattern: str | None = Field(default=None, description="as reported; no vascular mode")
    cd34: str | None = Field(default=None, description="vessel stain, as reported")
    cd31: str | None = Field(default=None, description="vessel stain, as reported")
    pas: str | None = Field(default=None, description="periodic acid-Schiff, as reported")
    mode: Literal["angiogenic", "intermediate", "co_option"] | None = Field(
        default=None, description="vascular mode by the reader"
    )
    reader: str | None = Field(default=None, description="pseudonym of the reader")


class Agreement(Record):
    """Predicted leanings against modes from pathology."""

    patients: int
    n: int = Field(description="lesions with a leaning and a mode from pathology")
    agreeing: int
    share: float | None
    ci95: tuple[float, float]
    ci_method: str
    table: dict[str, dict[str, int]] = Field(description="mode from pathology, leaning, lesions")
    without_leaning: int = Field(description="lesions with a mode from pathology but no leaning")


class SeriesRecord(Record):
    """How a dynamic series was acquired and analysed."""

    kind: Literal["dsc", "dce"]
    name: str = Field(description="file name without its folder, or the DICOM series")
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    volumes: int
    step_s: float = Field(description="median time from volume to volume")
    echo_time_s: float | None
    repetition_time_s: float | None
    flip_angle_deg: float | None
    baseline_volumes: int = Field(description="before the contrast")
    arterial_input: str
    t1_source: str | None = Field(description="of DCE: flip angles, or assumed")


class PerfusionRecord(Record):
    """What perfusion values rest on."""

    series: tuple[SeriesRecord, ...]
    white_matter_ml: float = Field(description="normal white matter that rCBV is relative to")
    rcbv_factor: float | None = Field(
        description="what rCBV was divided by: its median in that white matter; null: no ratio"
    )


class HeaderFacts(Record):
    """How a sequence was acquired, as far as header or sidecar say; null is not said."""

    dimensions: str | None = Field(description="2D or 3D")
    field_t: float | None
    tr_ms: float | None
    te_ms: float | None
    ti_ms: float | None
    flip_deg: float | None
    b_value: float | None
    slice_thickness_mm: float | None
    agent: str | None
    dose_ml: float | None
    minutes_after_contrast: float | None
    scanner: str | None


class SequenceRecord(Record):
    """One series or image of the source, what it was taken for, and why."""

    name: str
    kind: str
    channel: str | None = Field(description="what it is used as; null where it is not")
    reasons: tuple[str, ...]
    spacing_mm: tuple[float, float, float] | None
    times: int
    contrast_given: bool
    header: HeaderFacts


class ImageQuality(Record):
    """What the voxels of a sequence say of its quality; null where they don't tell."""

    channel: str
    slice_mm: float = Field(description="longest voxel edge")
    anisotropy: float = Field(description="longest over shortest voxel edge")
    covered: float = Field(description="share of the head on the reference, 0-1")
    snr: float | None = Field(description="median signal over noise; interpolation raises it")
    ghosting: float | None = Field(description="ghosts beside the head, share of its signal")
    slice_shift_mm: float | None = Field(description="every second slice beside its neighbours")


ProtocolLevel = Literal["needed", "minimum", "ideal", "phenotype"]


class ProtocolCheck(Record):
    """One requirement and what was found."""

    id: str
    level: ProtocolLevel
    requirement: str
    status: Literal["met", "not met", "unknown"]
    found: str
    source: str
    verified: bool | None = Field(description="checked against the source; null where it is ours")


class AcquisitionReport(Record):
    """How a study was acquired, held against a protocol and against what the model needs."""

    protocol: str
    sources: dict[str, str] = Field(description="sources of the requirements, by short name")
    contrast: Literal["seen", "not seen", "unclear", "no T1c"]
    sequences: tuple[SequenceRecord, ...]
    quality: tuple[ImageQuality, ...]
    checks: tuple[ProtocolCheck, ...]


class Result(Record):
    """The analysis of one study."""

    schema_version: Literal["1.0"] = "1.0"
    vasotype_version: str
    study: str
    created: str = Field(description="UTC, ISO 8601")
    research_use: str = RESEARCH_USE
    model: ModelIdentity
    calibration: CalibrationIdentity | None = None
    settings: Settings | None = Field(default=None, description="null: not recorded")
    provider: str = Field(description="execution provider that ran, e.g. CPUExecutionProvider")
    reference: str = Field(description="channel whose grid the label maps lie on")
    inputs: tuple[Input, ...]
    missing: tuple[str, ...] = Field(description="channels the model knows and did not get")
    findings: tuple[FindingRecord, ...]
    labels: dict[str, int]
    habitat_channels: tuple[str, ...] = Field(description="4th axis of habitats.nii.gz")
    total_volume_ml: VolumeMl
    lesions: tuple[LesionRecord, ...]
    rules_source: str | None = Field(
        default=None, description="of rules other than those that ship; null: those that ship"
    )
    triage: Triage | None = Field(default=None, description="null where there is no lesion")
    pathology: tuple[PathologyRecord, ...] = Field(default=(), description="as given by the user")
    clinical: Clinical | None = Field(default=None, description="null: nothing was given")
    perfusion: PerfusionRecord | None = Field(
        default=None, description="null without dynamic series and rCBV"
    )
    acquisition: AcquisitionReport | None = None
    timings_s: dict[str, float]

    @classmethod
    def read(cls, folder: Path | str) -> Result:
        """Read a result folder back.

        Raises FileNotFoundError when it holds no ``result.json`` and pydantic's ValidationError
        when that is not one of this schema.
        """
        return cls.model_validate_json((Path(folder) / "result.json").read_text(encoding="utf-8"))


def result_schema() -> str:
    """JSON schema of ``result.json``, indented."""
    return json.dumps(Result.model_json_schema(), indent=2)
