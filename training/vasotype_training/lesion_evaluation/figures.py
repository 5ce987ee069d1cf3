"""Figures beyond those of one population: mixed modes, paired differences, what is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from vasotype_models.contract import MODES

from vasotype_training.evaluate.figures import Figure
from vasotype_training.evaluate.metrics import auroc, bootstrap, calibration_error
from vasotype_training.evaluate.modes import CEILING_MARGIN, TIER_INFORMATION
from vasotype_training.evaluate.summary import Measure
from vasotype_training.lesion_evaluation.populations import USUAL
from vasotype_training.lesion_evaluation.readings import Floats, Integers, Readings
from vasotype_training.lesion_evaluation.scores import (
    ANGIOGENIC,
    AUROC,
    CO_OPTION,
    Rows,
    by_patient,
)
from vasotype_training.simulate.ceilings import RENDERED, bayes_ceilings

CEILING_LESIONS = 1000
INTERMEDIATE = MODES.index("intermediate")
MIXED = {
    "auroc_angiogenic_intermediate": (ANGIOGENIC, INTERMEDIATE),
    "auroc_intermediate_co_option": (INTERMEDIATE, CO_OPTION),
}
"""Mixed lesions against the pure ones, scored apart from those."""
BEFORE, DIFFERENCE, MEASURABLE = "auroc_usual", "auroc_difference", "measurable"
"""The AUROC of the same lesions as usual; the changed ones' minus that; how many had values."""


def mixed_figures(tier: str, readings: Readings) -> list[Figure]:
    """How well the fused answer tells mixed lesions from either pure mode."""
    figures: list[Figure] = []
    for metric, (first, second) in MIXED.items():
        rows = np.flatnonzero(np.isin(readings.mode, (first, second)))
        score = partial(pair_auroc, readings.probabilities["fused"], readings.mode, first, second)
        estimate = bootstrap(by_patient(readings.patient, rows), partial(_pooled, score))
        figures += Measure(metric, "higher", 0.03).of(len(rows), estimate)
    return [_placed(figure, USUAL, f"{tier}, fused") for figure in figures]


def paired_figures(population: str, tier: str, usual: Readings, changed: Readings) -> list[Figure]:
    """The fused AUROC of changed lesions, of the same ones as usual, and the difference; how honest
    the changed ones' probabilities and sets are.

    Both readings hold the same lesions in one order.
    """
    pure = np.flatnonzero(usual.mode != INTERMEDIATE)
    answered = np.flatnonzero(~changed.abstained)
    after, before = (
        partial(pair_auroc, r.probabilities["fused"], r.mode, ANGIOGENIC, CO_OPTION)
        for r in (changed, usual)
    )
    everyone = np.arange(len(usual.mode))
    statistics: list[tuple[Measure, Rows, Callable[[Rows], float]]] = [
        (AUROC, pure, after),
        (Measure(BEFORE, "higher", 0.02), pure, before),
        (Measure(DIFFERENCE, "near", 0.02), pure, lambda rows: after(rows) - before(rows)),
        (Measure("calibration_error", "lower", 0.03), everyone, partial(_error, changed)),
        (Measure("coverage", "near", 0.05), answered, lambda r: float(changed.in_set[r].mean())),
    ]
    return [
        _placed(figure, population, f"{tier}, fused")
        for measure, rows, statistic in statistics
        if len(rows)
        for figure in measure.of(
            len(rows), bootstrap(by_patient(usual.patient, rows), partial(_pooled, statistic))
        )
    ]


def _error(readings: Readings, rows: Rows) -> float:
    return calibration_error(readings.probabilities["fused"][rows], readings.mode[rows])


def measurable_figure(population: str, tier: str, there: int, of: int) -> Figure:
    """Share of lesions in which the maps of a tier gave a value."""
    return Figure(
        cohort=population,
        variant=f"{tier}, fused",
        metric=MEASURABLE,
        n=of,
        value=there / max(of, 1),
        better="higher",
        tolerance=0.05,
    )


def ceiling_figures(seed: int) -> list[Figure]:
    """Scores of the exact likelihood on the latents as rendered, by tier."""
    by_name = {c.information: c for c in bayes_ceilings(RENDERED, CEILING_LESIONS, seed)}
    metrics = ("auroc", *MIXED, "balanced_accuracy")
    return [
        Figure(
            cohort=USUAL,
            variant=f"{tier}, ceiling",
            metric=metric,
            n=3 * CEILING_LESIONS,
            value=value,
            low=value - 1.96 * error,
            high=value + 1.96 * error,
            better="near",
            tolerance=0.02,
        )
        for tier, information in TIER_INFORMATION.items()
        for metric, (value, error) in zip(metrics, by_name[information].scores, strict=True)
    ]


def alarms(figures: Sequence[Figure], ceilings: Sequence[Figure]) -> list[str]:
    """AUROCs whose lower bound lies above the ceiling: the truth leaks in from elsewhere."""
    limit: Mapping[str, float] = {
        f.variant.split(",")[0]: f.value for f in ceilings if f.metric == "auroc"
    }
    return [
        f"{f.variant}: lower bound {f.low:.3f} of the AUROC is above the ceiling by more than "
        f"{CEILING_MARGIN:g}"
        for f in figures
        if f.cohort == USUAL
        and f.metric == "auroc"
        and f.low is not None
        and f.low > limit[f.variant.split(",")[0]] + CEILING_MARGIN
    ]


def pair_auroc(
    probabilities: Floats, modes: Integers, first: int, second: int, rows: Rows
) -> float:
    """AUROC of one mode against another by the ratio of their probabilities, over ``rows``."""
    one, other = probabilities[rows, first], probabilities[rows, second]
    return auroc(one / np.maximum(one + other, 1e-12), modes[rows] == first)


def _pooled(score: Callable[[Rows], float], groups: Sequence[Rows]) -> float:
    return score(np.concatenate(groups))


def _placed(figure: Figure, population: str, variant: str) -> Figure:
    return figure.model_copy(update={"cohort": population, "variant": variant})
