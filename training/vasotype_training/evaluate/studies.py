"""Figures of single studies, for cohorts so small that every study tells something of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from vasotype_training.evaluate.components import REGIONS
from vasotype_training.evaluate.figures import Figure
from vasotype_training.evaluate.metrics import Estimate
from vasotype_training.evaluate.predictions import ALL, COUNTERFACTUAL, THRESHOLD
from vasotype_training.evaluate.score import StudyScore
from vasotype_training.evaluate.summary import Measure

ByStudy = Mapping[str, StudyScore]


def study_figures(
    scores: Mapping[str, ByStudy],
    enhancing_ml: Mapping[str, Mapping[str, float]],
    variants: Sequence[str],
) -> list[Figure]:
    """Figures of every study in every variant, without cohort.

    ``dice_*`` by region; ``fall_*``, by how much that is below the first variant's; and the number
    of ``false_positives``, also in all. ``enhancing_volume_left`` is the share of the enhancing
    volume that is left when T1 stands in for T1c.
    """
    figures: list[Figure] = []
    for variant in variants:
        if variant == COUNTERFACTUAL:
            figures += _left(enhancing_ml.get(ALL, {}), enhancing_ml.get(variant, {}))
            continue
        here = scores.get(variant, {})
        for study, score in here.items():
            placed = {"variant": variant, "study": study}
            figures += [f.model_copy(update=placed) for f in _outlines(score)]
            if variant not in (variants[0], THRESHOLD) and study in scores[variants[0]]:
                falls = _falls(scores[variants[0]][study], score)
                figures += [f.model_copy(update=placed) for f in falls]
        if here:
            total = sum(score.false_positives for score in here.values())
            found = Measure("false_positives", "lower", 0.0).of(len(here), _plain(total))
            figures += [f.model_copy(update={"variant": variant}) for f in found]
    return figures


def _outlines(score: StudyScore) -> list[Figure]:
    figures: list[Figure] = []
    for name in REGIONS:
        if name in score.dice:
            figures += Measure(f"dice_{name}", "higher", 0.02).of(1, _plain(score.dice[name]))
    return figures + Measure("false_positives", "lower", 0.0).of(1, _plain(score.false_positives))


def _falls(whole: StudyScore, fewer: StudyScore) -> list[Figure]:
    figures: list[Figure] = []
    for name in REGIONS:
        if name in whole.dice and name in fewer.dice:
            fall = whole.dice[name] - fewer.dice[name]
            figures += Measure(f"fall_{name}", "lower", 0.02).of(1, _plain(fall))
    return figures


def _left(before_ml: Mapping[str, float], after_ml: Mapping[str, float]) -> list[Figure]:
    figures: list[Figure] = []
    for study in sorted(before_ml.keys() & after_ml.keys()):
        if before_ml[study] > 0:
            share = after_ml[study] / before_ml[study]
            found = Measure("enhancing_volume_left", "lower", 0.05).of(1, _plain(share))
            placed = {"variant": COUNTERFACTUAL, "study": study}
            figures += [f.model_copy(update=placed) for f in found]
    return figures


def _plain(value: float) -> Estimate:
    return Estimate(float(value), math.nan, math.nan)
