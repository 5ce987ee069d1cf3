"""A study read again after each small disturbance: what its lesions were called, and how surely."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from vasotype_models.contract import MODES

from vasotype.outputs.table import MISSING, cell
from vasotype.pipeline import Vasotype
from vasotype.result import LesionRecord
from vasotype.stability.perturb import CHANGES, disturbed
from vasotype.stages import Study
from vasotype.study import read_study

AS_IT_IS = "as it is"
MATCH_MM = 5.0
"""Centres of one lesion before and after lie no further apart, or within its radius. Ours."""


@dataclass(frozen=True)
class Reading:
    """One lesion under one disturbance; ``lesion`` is its number in the undisturbed study, 0 where
    it wasn't found there.

    ``largest_change`` is that of the three probabilities; values are None where it was not found.
    """

    study: str
    lesion: int
    disturbance: str
    found: bool
    longest_diameter_mm: float | None = None
    core_ml: float | None = None
    label: str | None = None
    p_angiogenic: float | None = None
    p_intermediate: float | None = None
    p_co_option: float | None = None
    largest_change: float | None = None
    prediction_set: str | None = None
    novelty: float | None = None
    novelty_limit: float | None = None
    abstained: bool | None = None

    @property
    def leaning(self) -> str | None:
        """The most probable mode, whether the model abstains or not."""
        if not self.found:
            return None
        return max(MODES, key=lambda mode: getattr(self, f"p_{mode}") or 0.0)


def read_again(
    analyser: Vasotype,
    source: Path,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> list[Reading]:
    """Every lesion of a study, as it is and after each disturbance.

    Raises StudyError when the study can't give a right answer.
    """
    study = read_study(source)
    before = _lesions(analyser, study, AS_IT_IS, progress)
    readings = [_reading(study.name, lesion, lesion, AS_IT_IS) for lesion in before]
    for name, change in CHANGES.items():
        after = _lesions(analyser, disturbed(study, change, seed), name, progress)
        pairs = [(one, _same(one, after)) for one in before]
        readings += [_reading(study.name, one, same, name) for one, same in pairs]
        taken = {same.id for _, same in pairs if same is not None}
        readings += [_further(study.name, x, name) for x in after if x.id not in taken]
    return readings


def write_readings(readings: Iterable[Reading], path: Path) -> None:
    """Write one row a lesion and disturbance (TSV)."""
    names = [field.name for field in fields(Reading)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(names)
        writer.writerows([cell(getattr(reading, name)) for name in names] for reading in readings)


def markdown(readings: Sequence[Reading]) -> str:
    """Two tables: what held over all lesions, and every lesion's score and leaning."""
    before = {(r.study, r.lesion): r for r in readings if r.disturbance == AS_IT_IS}
    lines = [
        "| disturbance | found again | further lesions | same leaning | same abstention "
        "| largest change of a probability, median (most) "
        "| change of the novelty score, median (most) |",
        "|---|---|---|---|---|---|---|",
        *(_summary(name, readings, before) for name in CHANGES),
        "",
        f"| study, lesion | mm | {AS_IT_IS} | {' | '.join(CHANGES)} |",
        f"|---|---|---|{'---|' * len(CHANGES)}",
    ]
    by_name = {(r.study, r.lesion, r.disturbance): r for r in readings}
    for (study, lesion), first in before.items():
        cells = [_cell(by_name[study, lesion, name]) for name in (AS_IT_IS, *CHANGES)]
        diameter = f"{first.longest_diameter_mm or 0:.0f}"
        lines.append(f"| {study}, {lesion} | {diameter} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _lesions(
    analyser: Vasotype, study: Study, what: str, progress: Callable[[str], None] | None
) -> tuple[LesionRecord, ...]:
    lesions = analyser.analyse(study).result.lesions
    if progress is not None:
        progress(f"{study.name}, {what}: {len(lesions)} lesions")
    return lesions


def _same(lesion: LesionRecord, others: Sequence[LesionRecord]) -> LesionRecord | None:
    """The lesion of another reading whose centre is nearest, if it is near."""
    gaps = [np.linalg.norm(np.subtract(lesion.centroid_ras_mm, o.centroid_ras_mm)) for o in others]
    if not gaps or min(gaps) > max(MATCH_MM, lesion.longest_diameter_mm / 2):
        return None
    return others[int(np.argmin(gaps))]


def _reading(study: str, first: LesionRecord, now: LesionRecord | None, name: str) -> Reading:
    if now is None:
        return Reading(study, first.id, name, found=False)
    phenotype = now.phenotype
    p, old = phenotype.probabilities, first.phenotype.probabilities
    changes = [abs(getattr(p, mode) - getattr(old, mode)) for mode in MODES]
    return Reading(
        study=study,
        lesion=first.id,
        disturbance=name,
        found=True,
        longest_diameter_mm=now.longest_diameter_mm,
        core_ml=now.volume_ml.enhancing + now.volume_ml.non_enhancing_core,
        label=phenotype.label,
        p_angiogenic=p.angiogenic,
        p_intermediate=p.intermediate,
        p_co_option=p.co_option,
        largest_change=max(changes),
        prediction_set=",".join(phenotype.prediction_set),
        novelty=phenotype.novelty,
        novelty_limit=phenotype.novelty_limit,
        abstained=phenotype.abstained,
    )


def _further(study: str, lesion: LesionRecord, name: str) -> Reading:
    """A lesion that is found under a disturbance alone."""
    return replace(_reading(study, lesion, lesion, name), lesion=0, largest_change=None)


def _summary(name: str, readings: Sequence[Reading], before: dict[tuple[str, int], Reading]) -> str:
    own = [r for r in readings if r.disturbance == name and r.lesion]
    further = sum(r.disturbance == name and not r.lesion for r in readings)
    found = [(r, before[r.study, r.lesion]) for r in own if r.found]
    same = sum(now.leaning == was.leaning for now, was in found)
    quiet = sum(now.abstained == was.abstained for now, was in found)
    moved = [now.largest_change or 0.0 for now, _ in found]
    scores = [
        abs(now.novelty - was.novelty)
        for now, was in found
        if now.novelty is not None and was.novelty is not None
    ]
    n = len(found)
    counts = f"{n} of {len(own)} | {further} | {same} of {n} | {quiet} of {n}"
    return f"| {name} | {counts} | {_spread(moved)} | {_spread(scores)} |"


def _spread(values: Sequence[float]) -> str:
    return f"{np.median(values):.2f} ({max(values):.2f})" if values else MISSING


def _cell(reading: Reading) -> str:
    """Leaning with its probability, and the novelty score; in brackets where it abstains."""
    if not reading.found:
        return "not found"
    leaning = reading.leaning or ""
    p = max(reading.p_angiogenic or 0, reading.p_intermediate or 0, reading.p_co_option or 0)
    said = f"{leaning.replace('_', '-')} {p:.2f}"
    said = f"({said})" if reading.abstained else said
    return said if reading.novelty is None else f"{said}; {reading.novelty:.1f}"
