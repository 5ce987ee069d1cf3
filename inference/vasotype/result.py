"""What a study's analysis gives, as it stands in ``result.json`` (published schema)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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


class PhenotypeRecord(Record):
    """How the lesion seems to get its blood: a leaning, never a finding of fact."""

    probabilities: ModeProbabilities
    mimicry_suspicion: MimicrySuspicion
    label: Literal["angiogenic", "intermediate", "co_option"] | None = Field(
        description="the most probable mode; null where the model abstains"
    )
    label_supported: bool = Field(description="the label is the only member of prediction_set")
    prediction_set: tuple[str, ...] = Field(description="modes not excluded at 90 %")
    abstained: bool
    reason: str | None = Field(description="why it abstained")
    tier: Literal["structural", "dsc", "dce", "both"]
    low_permeability_share: float | None = Field(description="share of viable tumor, 0-1")


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


class Result(Record):
    """The analysis of one study."""

    schema_version: Literal["1.0"] = "1.0"
    vasotype_version: str
    study: str
    created: str = Field(description="UTC, ISO 8601")
    research_use: str = RESEARCH_USE
    model: ModelIdentity
    provider: str = Field(description="execution provider that ran, e.g. CPUExecutionProvider")
    reference: str = Field(description="channel whose grid the label maps lie on")
    inputs: tuple[Input, ...]
    missing: tuple[str, ...] = Field(description="channels the model knows and did not get")
    findings: tuple[FindingRecord, ...]
    labels: dict[str, int]
    habitat_channels: tuple[str, ...] = Field(description="4th axis of habitats.nii.gz")
    total_volume_ml: VolumeMl
    lesions: tuple[LesionRecord, ...]
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
