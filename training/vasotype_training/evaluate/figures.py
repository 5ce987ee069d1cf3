"""Figures of a model with their provenance, as JSON and as one table; and their comparison."""

from __future__ import annotations

from dataclasses import dataclass
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


class Figures(Record):
    """All figures of one evaluation (``figures.json``)."""

    model: str
    version: str
    sha256: str
    vasotype_version: str
    command: str
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
            lines.append(
                f"| {data} | {f.variant} | {f.metric} | {f.value:.3f} | {interval} | {f.n} |"
            )
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Regression:
    """A recorded figure that a repetition did not reach."""

    recorded: Figure
    measured: float | None

    def __str__(self) -> str:
        f = self.recorded
        what = f"{f.cohort}, {f.variant}, {f.metric}"
        if self.measured is None:
            return f"{what}: recorded {f.value:.3f}, not measured"
        return (
            f"{what}: recorded {f.value:.3f}, measured {self.measured:.3f}, "
            f"tolerance {f.tolerance:g} ({f.better} is better)"
        )


def compare(recorded: Figures, measured: Figures) -> list[Regression]:
    """Recorded figures that ``measured`` falls short of by more than their tolerance.

    Recorded cohorts that were not evaluated at all are passed over; a figure that is missing for
    one that was is a regression. Raises ValueError when the two are of different models or a
    cohort of one name holds other data, for then nothing can be compared.
    """
    if recorded.sha256 != measured.sha256:
        raise ValueError(
            f"figures are of model {recorded.sha256[:12]}, measured was {measured.sha256[:12]}"
        )
    digests = {cohort.name: cohort.digest for cohort in recorded.cohorts}
    there = {cohort.name: cohort.digest for cohort in measured.cohorts}
    for name in digests.keys() & there.keys():
        if digests[name] != there[name]:
            raise ValueError(f"cohort {name} is not the one that the figures were recorded on")
    values = {(f.cohort, f.variant, f.metric): f.value for f in measured.figures}
    regressions = []
    for figure in recorded.figures:
        if figure.cohort not in there:
            continue
        value = values.get((figure.cohort, figure.variant, figure.metric))
        if value is None or _worse(figure, value):
            regressions.append(Regression(figure, value))
    return regressions


def _worse(figure: Figure, value: float) -> bool:
    loss = figure.value - value if figure.better == "higher" else value - figure.value
    return (abs(loss) if figure.better == "near" else loss) > figure.tolerance


def _cohort_line(cohort: CohortRecord) -> str:
    kind = "simulated" if cohort.simulated else "real"
    line = f"- {cohort.name}: {cohort.studies} {kind} studies, sha256 `{cohort.digest[:12]}`"
    if cohort.refused:
        line += f"; refused: {', '.join(cohort.refused)}"
    return line
