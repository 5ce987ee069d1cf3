"""Figures of a brain network: overlap with known masks, and lesions that stay inside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vasotype
from PIL import Image
from vasotype.findings import StudyError
from vasotype.prepare.extraction import extract_brain
from vasotype.stages import Mask
from vasotype_models.brain_contract import read_brain_contract

from vasotype_training.brain.cases import Case, CaseSet, find_cases
from vasotype_training.brain.pictures import outline_picture, sheet
from vasotype_training.evaluate.figures import CohortRecord, Figure, Figures
from vasotype_training.evaluate.metrics import bootstrap, dice
from vasotype_training.identity import rules_digest

SIMULATED = 200
ENOUGH_DICE = 0.96
ENOUGH_TUMOR = 0.995
COLUMNS = "cohort\thead\tcontrast\tdice\tmissed\textra\ttumor_kept\tseconds"
PICTURES = 24
"""Heads of a cohort that are shown."""


@dataclass(frozen=True)
class HeadScore:
    """One head: ``missed`` and ``extra`` are shares of the true brain; ``tumor_kept`` is the share
    of the lesions' voxels inside the mask, None without lesions."""

    name: str
    group: str
    dice: float
    missed: float
    extra: float
    tumor_kept: float | None
    seconds: float

    def row(self, cohort: str) -> str:
        """Line of ``heads.tsv``."""
        kept = "" if self.tumor_kept is None else f"{self.tumor_kept:.4f}"
        numbers = f"{self.dice:.4f}\t{self.missed:.4f}\t{self.extra:.4f}\t{kept}"
        return f"{cohort}\t{self.name}\t{self.group}\t{numbers}\t{self.seconds:.2f}"


def evaluate_brain(
    paths: Sequence[Path],
    model: Path,
    output: Path,
    *,
    count: int = SIMULATED,
    progress: Callable[[int, int], None] | None = None,
    command: str = "vasotype evaluate",
) -> Figures:
    """Extract the brains of all heads and compare them with the known ones.

    ``figures.json`` and ``figures.md`` hold the figures, ``heads.tsv`` one row a head,
    ``COHORT.png`` the outlines (known: green, found: red). Raises those of :func:`find_cases`.
    """
    sets = [find_cases(path, count) for path in paths]
    output.mkdir(parents=True, exist_ok=True)
    contract = read_brain_contract(model)
    total, done = sum(len(cases) for cases in sets), 0
    figures, records = list[Figure](), list[CohortRecord]()
    table = output / "heads.tsv"
    table.write_text(COLUMNS + "\n", encoding="utf-8")
    for cases in sets:
        name = cases.path.name.replace("*", "x")
        scores, refused, pictures = list[HeadScore](), list[str](), list[Image.Image]()
        for case in cases:
            done += 1
            try:
                score, mask = score_case(case, model)
            except StudyError as error:
                refused.append(f"{case.name} ({error.code})")
                continue
            scores.append(score)
            with table.open("a", encoding="utf-8") as rows:
                rows.write(score.row(name) + "\n")
            if len(pictures) < PICTURES:
                pictures.append(outline_picture(case.head, case.brain, mask))
            if progress is not None:
                progress(done, total)
        sheet(pictures).save(output / f"{name}.png")
        records.append(_record(name, cases, refused))
        figures += _figures(name, scores)
    result = Figures(
        model=contract.name,
        version=contract.version,
        sha256=contract.onnx_sha256,
        rules=rules_digest(contract, None),
        vasotype_version=vasotype.__version__,
        command=command,
        cohorts=tuple(records),
        figures=tuple(figures),
    )
    (output / "figures.json").write_text(result.model_dump_json(indent=2) + "\n")
    (output / "figures.md").write_text(result.markdown(), encoding="utf-8")
    return result


def score_case(case: Case, model: Path) -> tuple[HeadScore, Mask]:
    """Score of one head and the mask that was found."""
    start = time.perf_counter()
    mask = extract_brain(case.head, model=model).mask
    seconds = time.perf_counter() - start
    size = max(int(case.brain.sum()), 1)
    tumor = case.tumor if case.tumor is not None and case.tumor.any() else None
    score = HeadScore(
        name=case.name,
        group=case.group + (", at the surface" if case.surface else ""),
        dice=dice(case.brain, mask),
        missed=float((case.brain & ~mask).sum()) / size,
        extra=float((mask & ~case.brain).sum()) / size,
        tumor_kept=None if tumor is None else float(mask[tumor].mean()),
        seconds=seconds,
    )
    return score, mask


def _record(name: str, cases: CaseSet, refused: Sequence[str]) -> CohortRecord:
    return CohortRecord(
        name=name,
        digest=cases.digest(),
        studies=len(cases),
        simulated=cases.simulated,
        refused=tuple(refused),
    )


def _figures(cohort: str, scores: Sequence[HeadScore]) -> list[Figure]:
    """Figures of a cohort, over all heads and by contrast."""
    figures = []
    groups = {"all": list(scores)}
    for score in scores:
        groups.setdefault(score.group, []).append(score)
    for group, members in groups.items():
        kept = [s for s in members if s.tumor_kept is not None]
        measures: list[tuple[str, Sequence[HeadScore], Callable[[HeadScore], float]]] = [
            ("mean Dice", members, lambda s: s.dice),
            (f"share with Dice >= {ENOUGH_DICE}", members, lambda s: s.dice >= ENOUGH_DICE),
            ("mean share of the brain missed", members, lambda s: s.missed),
            ("mean share of lesion voxels kept", kept, lambda s: s.tumor_kept or 0.0),
            (
                f"share with >= {ENOUGH_TUMOR:.1%} of lesion voxels kept",
                kept,
                lambda s: (s.tumor_kept or 0.0) >= ENOUGH_TUMOR,
            ),
        ]
        if members:
            median = float(np.median([s.dice for s in members]))
            figures.append(_figure(cohort, group, "median Dice", len(members), median))
        for metric, of, value in measures:
            if of:
                estimate = bootstrap(of, _mean(value))
                low, high = (
                    None if np.isnan(bound) else bound for bound in (estimate.low, estimate.high)
                )
                figure = _figure(cohort, group, metric, len(of), estimate.value)
                figures.append(figure.model_copy(update={"low": low, "high": high}))
    return figures


def _mean(value: Callable[[HeadScore], float]) -> Callable[[Sequence[HeadScore]], float]:
    return lambda scores: float(np.mean([value(score) for score in scores]))


def _figure(cohort: str, group: str, metric: str, n: int, value: float) -> Figure:
    lower = metric.endswith("missed")
    return Figure(
        cohort=cohort,
        variant=group,
        metric=metric,
        n=n,
        value=value,
        better="lower" if lower else "higher",
        tolerance=0.005,
    )
