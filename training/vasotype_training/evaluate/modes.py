"""Figures of the phenotype: how well the vascular mode of a lesion is read.

Only lesions of at least 5 mm that were found and whose mode is known count; abstention changes
nothing but its own share, so that a cautious model does not look better. On simulated lesions the
figures measure the recovery of the simulator's assumptions, not biology.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from vasotype.result import PhenotypeRecord
from vasotype_models.contract import MODES

from vasotype_training.cohorts import LesionTruth
from vasotype_training.evaluate.figures import Figure
from vasotype_training.evaluate.metrics import (
    auroc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
)
from vasotype_training.evaluate.score import StudyScore
from vasotype_training.evaluate.summary import Measure, by_patient
from vasotype_training.simulate.ceilings import REFERENCE

LEAST_DIAMETER_MM = 5.0
TIER_INFORMATION = {
    "structural": "structural (the first four)",
    "dsc": "structural + rCBV",
    "dce": "structural + Ktrans, f",
    "both": "structural + rCBV + Ktrans, f",
}
"""What a tier's ideal reader knows, as the ceilings name it."""
TIERS = tuple(TIER_INFORMATION)
ANGIOGENIC, CO_OPTION = MODES.index("angiogenic"), MODES.index("co_option")

CEILING = {
    tier: score
    for tier, information in TIER_INFORMATION.items()
    if (score := REFERENCE[information][0]) is not None
}
"""AUROC angiogenic against co-option of an ideal reader of the simulator's latents, by tier."""
CEILING_MARGIN = 0.02
LEAST_LESIONS = 30
"""Of fewer an interval over patients means nothing."""


@dataclass(frozen=True)
class Reading:
    """One lesion: true mode (index), calibrated probabilities, and what else was said of it."""

    mode: int
    probabilities: tuple[float, float, float]
    in_set: bool
    abstained: bool
    mimicry: bool | None
    mimicry_score: float | None


Statistic = Callable[[list[Reading]], float]


def mode_figures(scores: Iterable[StudyScore]) -> list[Figure]:
    """Figures of each input tier that occurs."""
    studies = by_patient(scores)
    figures: list[Figure] = []
    for tier in TIERS:
        patients = [list(chain.from_iterable(_readings(s, tier) for s in g)) for g in studies]
        patients = [group for group in patients if group]
        for measure, statistic, keep in MEASURES:
            kept = [[r for r in group if keep(r)] for group in patients]
            kept = [group for group in kept if group]
            named = Measure(f"{measure.metric}, {tier}", measure.better, measure.tolerance)
            n = sum(len(group) for group in kept)
            if n:
                figures += named.of(n, bootstrap(kept, partial(_pooled, statistic)))
    return figures


def leaks(figures: Iterable[Figure]) -> list[str]:
    """AUROCs on simulated lesions that are too good: the truth leaks into the images somehow."""
    alarms = []
    for figure in figures:
        for tier, ceiling in CEILING.items():
            named = f"{AUROC.metric}, {tier}"
            bound = ceiling + CEILING_MARGIN
            if figure.metric != named or figure.low is None or figure.n < LEAST_LESIONS:
                continue
            if figure.low > bound:
                alarms.append(
                    f"{figure.cohort}, {named}: lower bound {figure.low:.3f} is above the ceiling "
                    f"{ceiling:.3f} by more than {CEILING_MARGIN:g}"
                )
    return alarms


def _readings(score: StudyScore, tier: str) -> list[Reading]:
    return [
        _reading(lesion.truth, lesion.reading)
        for lesion in score.lesions
        if lesion.diameter_mm >= LEAST_DIAMETER_MM
        and lesion.truth is not None
        and lesion.truth.mode is not None
        and lesion.reading is not None
        and lesion.reading.tier == tier
    ]


def _reading(truth: LesionTruth, phenotype: PhenotypeRecord) -> Reading:
    assert truth.mode is not None  # _readings has seen to it
    p = phenotype.probabilities
    return Reading(
        mode=MODES.index(truth.mode),
        probabilities=(p.angiogenic, p.intermediate, p.co_option),
        in_set=truth.mode in phenotype.prediction_set,
        abstained=phenotype.abstained,
        mimicry=truth.mimicry,
        mimicry_score=phenotype.mimicry_suspicion.score,
    )


def _pooled(statistic: Statistic, groups: Sequence[list[Reading]]) -> float:
    """Statistic of all lesions of all patients."""
    return statistic(list(chain.from_iterable(groups)))


def _probabilities(readings: list[Reading]) -> NDArray[np.float64]:
    return np.array([reading.probabilities for reading in readings])


def _modes(readings: list[Reading]) -> NDArray[np.int64]:
    return np.array([reading.mode for reading in readings], np.int64)


def _mode_auroc(readings: list[Reading]) -> float:
    p = _probabilities(readings)
    total = p[:, ANGIOGENIC] + p[:, CO_OPTION]
    return auroc(p[:, ANGIOGENIC] / np.maximum(total, 1e-12), _modes(readings) == ANGIOGENIC)


def _mimicry_auroc(readings: list[Reading]) -> float:
    scores = np.array([reading.mimicry_score for reading in readings], np.float64)
    return auroc(scores, np.array([reading.mimicry for reading in readings], bool))


def _balanced(readings: list[Reading]) -> float:
    return balanced_accuracy(_probabilities(readings).argmax(axis=1), _modes(readings))


def _share(of: Callable[[Reading], bool]) -> Statistic:
    return lambda readings: sum(map(of, readings)) / len(readings) if readings else math.nan


AUROC = Measure("auroc_angiogenic_co_option", "higher", 0.02)

MEASURES: tuple[tuple[Measure, Statistic, Callable[[Reading], bool]], ...] = (
    (AUROC, _mode_auroc, lambda r: r.mode in (ANGIOGENIC, CO_OPTION)),
    (Measure("balanced_accuracy", "higher", 0.02), _balanced, lambda _: True),
    (
        Measure("calibration_error", "lower", 0.02),
        lambda rs: calibration_error(_probabilities(rs), _modes(rs)),
        lambda _: True,
    ),
    (Measure("coverage", "higher", 0.02), _share(lambda r: r.in_set), lambda _: True),
    (Measure("abstained", "near", 0.05), _share(lambda r: r.abstained), lambda _: True),
    (
        Measure("auroc_mimicry", "higher", 0.02),
        _mimicry_auroc,
        lambda r: r.mimicry is not None and r.mimicry_score is not None,
    ),
)
"""Measure, its statistic, and which lesions it looks at."""
