"""From the scores of studies to the figures of a cohort: outlines and detection."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from vasotype_training.evaluate.components import REGIONS
from vasotype_training.evaluate.figures import Figure
from vasotype_training.evaluate.froc import RATES, sensitivity_at
from vasotype_training.evaluate.metrics import Estimate, bootstrap
from vasotype_training.evaluate.outlines import reliability_error
from vasotype_training.evaluate.score import LesionScore, StudyScore

TIMEPOINT = re.compile(r"(BraTS-[A-Z]+-\d{5})-\d{3}|(sub-[^_]+)_ses-.+", re.IGNORECASE)
"""BraTS names from 2023 on end in the patient's timepoint, BIDS names in the session."""

SIZE_CLASSES_MM = ((0.0, 3.0), (3.0, 5.0), (5.0, 10.0), (10.0, math.inf))
"""Longest axial diameter, lower end included."""

RIM_CLASSES = {
    "rim below 1.5": (-math.inf, 1.5),
    "rim 1.5-3": (1.5, 3.0),
    "rim 3+": (3.0, math.inf),
}
"""Contrast-to-noise ratio of the rim on T1c, lower end included."""

LEAST_OUTLINED_MM = 5.0
"""Smaller lesions have too few voxels for a Dice, and too few for a rim."""

Ratio = tuple[float, float]
"""Numerator and denominator of one study; a figure divides the sums of both."""


@dataclass(frozen=True)
class Measure:
    """What a figure is, apart from the data that it was measured on."""

    metric: str
    better: Literal["higher", "lower", "near"]
    tolerance: float

    def of(self, n: int, estimate: Estimate) -> list[Figure]:
        """The figure, without cohort and variant; nothing where it is undefined."""
        if n == 0 or math.isnan(estimate.value):
            return []
        low, high = (None if math.isnan(b) else b for b in (estimate.low, estimate.high))
        return [
            Figure(
                cohort="",
                variant="",
                metric=self.metric,
                n=n,
                value=estimate.value,
                low=low,
                high=high,
                better=self.better,
                tolerance=self.tolerance,
            )
        ]


def patient(study: str) -> str:
    """Patient of a study: its name without the timepoint where the name is known to have one."""
    match = TIMEPOINT.fullmatch(study)
    return match.group(1) or match.group(2) if match else study


def by_patient(scores: Iterable[StudyScore]) -> list[list[StudyScore]]:
    """Scores grouped by patient."""
    groups: dict[str, list[StudyScore]] = defaultdict(list)
    for score in scores:
        groups[patient(score.study)].append(score)
    return list(groups.values())


def ratio_figure(
    measure: Measure, patients: Sequence[Sequence[StudyScore]], of: Callable[[StudyScore], Ratio]
) -> list[Figure]:
    """A quotient of sums over studies; ``n`` counts the studies with a denominator."""
    ratios = [[of(score) for score in scores] for scores in patients]
    sums = [(sum(r[0] for r in rs), sum(r[1] for r in rs)) for rs in ratios]

    def quotient(groups: Sequence[Ratio]) -> float:
        below = sum(group[1] for group in groups)
        return sum(group[0] for group in groups) / below if below else math.nan

    n = sum(r[1] > 0 for rs in ratios for r in rs)
    return measure.of(n, bootstrap(sums, quotient))


def outline_figures(scores: Sequence[StudyScore]) -> list[Figure]:
    """Dice by region, studies where both are empty, and BraTS's own lesion-wise scores."""
    patients = by_patient(scores)
    figures: list[Figure] = []
    for name in REGIONS:
        figures += ratio_figure(
            Measure(f"dice_{name}", "higher", 0.02), patients, partial(_dice, name=name)
        )
        empty = sum(name in score.both_empty for score in scores)
        count = Estimate(float(empty), math.nan, math.nan)
        figures += Measure(f"both_empty_{name}", "near", 0.0).of(empty, count)
    for metric, of in (
        ("brats2025_f1", _f1_2025),
        ("brats2025_dice", _dice_2025),
        ("brats2023_dice", _dice_2023),
    ):
        for name in REGIONS:
            measure = Measure(f"{metric}_{name}", "higher", 0.03)
            figures += ratio_figure(measure, patients, partial(of, name=name))
    return figures


def lesion_outline_figures(scores: Sequence[StudyScore]) -> list[Figure]:
    """Mean Dice of the lesions of 5 mm and more that were found, region by region."""
    patients = by_patient(scores)
    figures: list[Figure] = []
    for name in REGIONS:

        def of(score: StudyScore, name: str = name) -> Ratio:
            values = [
                lesion.dice[name]
                for lesion in score.lesions
                if lesion.diameter_mm >= LEAST_OUTLINED_MM and name in lesion.dice
            ]
            return sum(values), len(values)

        measure = Measure(f"lesion_dice_{name}, 5+ mm", "higher", 0.02)
        figures += ratio_figure(measure, patients, of)
    return figures


def calibration_figures(scores: Sequence[StudyScore]) -> list[Figure]:
    """Expected calibration error of voxels near lesions, tissue by tissue."""
    patients = by_patient(scores)
    figures: list[Figure] = []
    for tissue, name in enumerate(("netc", "snfh", "et")):

        def error(groups: Sequence[Sequence[StudyScore]], tissue: int = tissue) -> float:
            parts = [score.reliability for group in groups for score in group]
            return reliability_error(parts, tissue)

        voxels = sum(int(score.reliability.counts[tissue, :, 0].sum()) for score in scores)
        measure = Measure(f"voxel_calibration_error_{name}", "lower", 0.01)
        figures += measure.of(voxels, bootstrap(patients, error))
    return figures


def detection_figures(scores: Sequence[StudyScore]) -> list[Figure]:
    """Sensitivity, in all, by size and by contrast; false positives and fragments a study."""
    patients = by_patient(scores)
    figures = _sensitivity("sensitivity", patients, lambda _: True)
    for low, high in SIZE_CLASSES_MM:
        name = f"{low:g}-{high:g} mm"
        if not low:
            name = f"<{high:g} mm"
        elif math.isinf(high):
            name = f"{low:g}+ mm"
        figures += _sensitivity(f"sensitivity, {name}", patients, partial(_sized, low, high))
    large = partial(_sized, LEAST_OUTLINED_MM, math.inf)
    figures += _sensitivity("sensitivity, 5+ mm", patients, large)
    for name, (low, high) in RIM_CLASSES.items():
        rimmed = partial(_large_with_rim, low, high)
        figures += _sensitivity(f"sensitivity, 5+ mm, {name}", patients, rimmed)
    for most in RATES:
        figures += _sensitivity_at(most, patients)
    free = by_patient(score for score in scores if score.without_lesion)
    per_study: tuple[tuple[str, float, Sequence[Sequence[StudyScore]]], ...] = (
        ("false_positives_per_study", 0.2, patients),
        ("false_positives_per_study_without_lesion", 0.3, free),
    )
    for metric, tolerance, groups in per_study:
        figures += ratio_figure(
            Measure(metric, "lower", tolerance), groups, lambda s: (s.false_positives, 1)
        )
    figures += ratio_figure(
        Measure("fragments_per_study", "lower", 0.2), patients, lambda s: (s.fragments, 1)
    )
    return figures


def enhancement_left(before_ml: dict[str, float], after_ml: dict[str, float]) -> list[Figure]:
    """Share of the predicted enhancing volume that is left when T1 stands in for T1c.

    Both map study to mL; the mean is over studies with any enhancing volume before.
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for study in sorted(before_ml.keys() & after_ml.keys()):
        if before_ml[study] > 0:
            groups[patient(study)].append(after_ml[study] / before_ml[study])
    values = list(groups.values())

    def mean(picked: Sequence[Sequence[float]]) -> float:
        flat = [value for group in picked for value in group]
        return sum(flat) / len(flat) if flat else math.nan

    n = sum(len(group) for group in values)
    return Measure("enhancing_volume_left", "lower", 0.05).of(n, bootstrap(values, mean))


def _sized(low_mm: float, high_mm: float, lesion: LesionScore) -> bool:
    return low_mm <= lesion.diameter_mm < high_mm


def _large_with_rim(low: float, high: float, lesion: LesionScore) -> bool:
    cnr = None if lesion.truth is None else lesion.truth.rim_cnr
    return _sized(LEAST_OUTLINED_MM, math.inf, lesion) and cnr is not None and low <= cnr < high


def _sensitivity(
    metric: str, patients: Sequence[Sequence[StudyScore]], asked: Callable[[LesionScore], bool]
) -> list[Figure]:
    """Share found of the lesions that are ``asked`` for; ``n`` counts lesions."""

    def inside(score: StudyScore) -> list[LesionScore]:
        return [lesion for lesion in score.lesions if asked(lesion)]

    figures = ratio_figure(
        Measure(metric, "higher", 0.03),
        patients,
        lambda s: (sum(lesion.found for lesion in inside(s)), len(inside(s))),
    )
    n = sum(len(inside(score)) for scores in patients for score in scores)
    return [figure.model_copy(update={"n": n}) for figure in figures]


def _sensitivity_at(most: float, patients: Sequence[Sequence[StudyScore]]) -> list[Figure]:
    """Share found of the large lesions at a least confidence with so many false positives."""

    def found(groups: Sequence[Sequence[StudyScore]]) -> float:
        return sensitivity_at([s for group in groups for s in group], LEAST_OUTLINED_MM, most)

    large = sum(
        lesion.diameter_mm >= LEAST_OUTLINED_MM
        for scores in patients
        for score in scores
        for lesion in score.lesions
    )
    name = f"sensitivity, 5+ mm, at {most:g} false positives"
    return Measure(name, "higher", 0.03).of(large, bootstrap(patients, found))


def _dice(score: StudyScore, name: str) -> Ratio:
    return (score.dice[name], 1) if name in score.dice else (0, 0)


def _f1_2025(score: StudyScore, name: str) -> Ratio:
    if (lesions := score.brats_2025.get(name)) is None:
        return 0, 0
    hits = 2 * lesions.matched
    return hits, hits + lesions.false_positive + lesions.false_negative


def _dice_2025(score: StudyScore, name: str) -> Ratio:
    lesions = score.brats_2025.get(name)
    return (lesions.dice, 1) if lesions is not None and lesions.matched else (0, 0)


def _dice_2023(score: StudyScore, name: str) -> Ratio:
    lesions = score.brats_2023.get(name)
    return (lesions.dice, 1) if lesions is not None else (0, 0)
