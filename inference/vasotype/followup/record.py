"""What a follow-up gives, as it stands in ``follow.json`` (published schema)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from vasotype.clinical import Clinical
from vasotype.followup.limits import Limits
from vasotype.followup.match import Event
from vasotype.followup.response import Size
from vasotype.result import RESEARCH_USE, FindingRecord, ModeProbabilities, Record, Result

Row = tuple[float, float, float, float]
Mode = Literal["angiogenic", "intermediate", "co_option"]
Verdict = Literal[
    "mode change",
    "within repeatability",
    "barrier restoration",
    "barrier restoration possible",
    "radiation necrosis possible",
    "input tiers differ",
]


class Alignment(Record):
    """How a timepoint lies over the baseline after rigid alignment."""

    to_baseline: tuple[Row, Row, Row, Row] = Field(
        description="RAS mm of this timepoint to RAS mm of the baseline"
    )
    rotation_deg: float
    shift_mm: float = Field(description="of the brain on the mean")
    spread_mm: float = Field(description="between two independent alignments")
    brain_overlap: float = Field(description="Dice of the two brain masks after alignment")


class Timepoint(Record):
    """One examination."""

    index: int = Field(description="0 is the baseline")
    study: str
    days: int | None = Field(description="since baseline; null is not known")
    clinical: Clinical | None = Field(description="at this timepoint; null is not known")
    alignment: Alignment | None = Field(description="null for the baseline")
    result: Result


class Observation(Record):
    """What a track held at one timepoint; fragments are added."""

    lesions: tuple[int, ...] = Field(description="numbers in that timepoint's result")
    core_ml: float
    enhancing_ml: float
    edema_ml: float
    longest_diameter_mm: float
    perpendicular_diameter_mm: float
    slices: int = Field(description="of the reference sequence, that its largest part lies on")
    minimal_enhancement: bool
    label: Mode | None = Field(
        description="null where abstained, withheld, or where the lesion has parted"
    )
    label_withheld: str | None = Field(
        default=None, description="what competes with a leaning that is therefore not given"
    )
    probabilities: ModeProbabilities | None
    tier: str | None
    features: dict[str, float | None] = Field(description="null is not measured, or of low quality")


class FeatureChange(Record):
    """Change of one feature beside its repeatability limit."""

    feature: str
    label: str
    before: float
    after: float
    relative_change: float | None = Field(description="null where the earlier value is 0")
    relative_limit: float
    direction: Literal["up", "down", "within limit"]
    drives_mode: bool


class Transition(Record):
    """A changed leaning, and whether the features carry it."""

    before: Mode
    after: Mode | None = Field(description="null where it is withheld")
    tiers: tuple[str | None, str | None] = Field(description="inputs that the leanings rest on")
    verdict: Verdict
    carried_by: tuple[str, ...] = Field(
        description="driving features beyond their limits, towards the new mode"
    )


class Remark(Record):
    """What a reader should keep in mind with a change."""

    code: Literal[
        "barrier-restoration",
        "barrier-restoration-possible",
        "not-tumor-control",
        "minimal-persists",
        "not-found-under-treatment",
        "necrosis-possible",
        "viable-tumor-supported",
        "early-after-radiotherapy",
    ]
    message: str


class Change(Record):
    """A track at one timepoint against an earlier one; without features it is no longer found."""

    timepoint: int
    since: int
    features: tuple[FeatureChange, ...]
    transition: Transition | None
    remarks: tuple[Remark, ...]


class TrackRecord(Record):
    """One lesion through time."""

    id: int
    target: bool = Field(description="counts in the sum of diameters")
    observations: tuple[Observation | None, ...] = Field(description="one a timepoint")
    events: tuple[Event | None, ...] = Field(description="one a follow-up")
    changes: tuple[Change, ...]


class SizeComponent(Record):
    """Size component of RANO-BM inside the brain at one follow-up; it is no response."""

    timepoint: int
    sum_mm: float
    change_from_baseline: float | None
    change_from_nadir: float | None
    targets: Size
    with_new_lesions: Size
    new_tracks: tuple[int, ...]
    vanished_tracks: tuple[int, ...]
    caution: str | None = Field(
        description="why a smaller sum may not be less tumor: treatment that lowers enhancement"
    )
    needs: str = Field(description="what a response would need beside it")


class FollowUp(Record):
    """The comparison of two or more examinations of one patient."""

    schema_version: Literal["1.1"] = "1.1"
    vasotype_version: str
    created: str = Field(description="UTC, ISO 8601")
    research_use: str = RESEARCH_USE
    timepoints: tuple[Timepoint, ...]
    tracks: tuple[TrackRecord, ...]
    targets: tuple[int, ...] = Field(description="tracks in the sum of diameters")
    cns_size_component: tuple[SizeComponent, ...] = Field(description="one a follow-up")
    extracranial: Literal["not assessed"] = "not assessed"
    findings: tuple[FindingRecord, ...]
    limits: Limits

    @classmethod
    def read(cls, folder: Path | str) -> FollowUp:
        """Read a follow-up folder back.

        Raises FileNotFoundError when it holds no ``follow.json`` and pydantic's ValidationError
        when that is not one of this schema.
        """
        return cls.model_validate_json((Path(folder) / "follow.json").read_text(encoding="utf-8"))


def follow_schema() -> str:
    """JSON schema of ``follow.json``, indented."""
    return json.dumps(FollowUp.model_json_schema(), indent=2)
