"""Figures of a model with their provenance, as JSON and as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """Immutable record that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(Record):
    """One number. ``low`` and ``high`` bound its 95 % interval over patients."""

    cohort: str
    variant: str = Field(description="sequences that were given; all, or channels joined by +")
    metric: str
    study: str | None = Field(None, description="the one study that it is of; none: all of them")
    n: int = Field(description="studies or lesions that the number rests on")
    value: float
    low: float | None = None
    high: float | None = None
    better: Literal["higher", "lower", "near"] = Field(
        description="which way is better; near: neither, any change counts"
    )
    tolerance: float = Field(ge=0, description="how far a repetition may be worse")


class CohortRecord(Record):
    """What was evaluated."""

    name: str
    digest: str = Field(description="sha256 over the images and reference labels of all studies")
    studies: int
    simulated: bool
    refused: tuple[str, ...] = Field((), description="studies that were refused, with the code")


class Settings(Record):
    """What an evaluation was asked for, so that it can be repeated."""

    variants: tuple[str, ...] = ("all",)
    core_unscored: tuple[str, ...] = ()
    labels: dict[str, tuple[int, ...]] | None = None


class Figures(Record):
    """All figures of one evaluation (``figures.json``)."""

    model: str
    version: str
    sha256: str
    rules: str | None = Field(
        None, description="digest of the contract's inference rules and the calibration; none: old"
    )
    vasotype_version: str
    command: str
    settings: Settings = Settings()
    cohorts: tuple[CohortRecord, ...]
    figures: tuple[Figure, ...]
    alarms: tuple[str, ...] = Field((), description="figures too good to be true")

    @classmethod
    def read(cls, path: Path) -> Figures:
        """Read a ``figures.json``; raises pydantic's ValidationError where it is none."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def markdown(self) -> str:
        """One table, under the lines that say where its numbers come from."""
        simulated = {c.name: "simulated" if c.simulated else "real" for c in self.cohorts}
        lines = [
            f"Model {self.model} {self.version}, sha256 `{self.sha256}`; "
            f"vasotype {self.vasotype_version}; `{self.command}`",
            "",
            *(_cohort_line(cohort) for cohort in self.cohorts),
            *(f"- **alarm**: {alarm}" for alarm in self.alarms),
            "",
            "| data | sequences | figure | value | 95 % interval over patients | n |",
            "|---|---|---|---|---|---|",
        ]
        for f in self.figures:
            interval = "" if f.low is None or f.high is None else f"{f.low:.3f} to {f.high:.3f}"
            data = f"{f.cohort} ({simulated.get(f.cohort, 'unknown')})"
            data += f": {f.study}" if f.study else ""
            lines.append(
                f"| {data} | {f.variant} | {f.metric} | {f.value:.3f} | {interval} | {f.n} |"
            )
        return "\n".join(lines) + "\n"


def _cohort_line(cohort: CohortRecord) -> str:
    kind = "simulated" if cohort.simulated else "real"
    line = f"- {cohort.name}: {cohort.studies} {kind} studies, sha256 `{cohort.digest[:12]}`"
    if cohort.refused:
        line += f"; refused: {', '.join(cohort.refused)}"
    return line
