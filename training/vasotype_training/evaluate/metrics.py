"""Scores of masks and of probabilities, and their bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from vasotype.stages import Mask

T = TypeVar("T")

DRAWS = 1000
"""Bootstrap resamples."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval; nan where nothing could be measured."""

    value: float
    low: float
    high: float


def dice(truth: Mask, predicted: Mask) -> float:
    """Dice of two masks of one shape; 1 where both are empty (reported apart)."""
    total = int(truth.sum()) + int(predicted.sum())
    return 2.0 * int((truth & predicted).sum()) / total if total else 1.0


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks (ties count half); nan when a class is missing."""
    count = int(positive.sum())
    others = len(positive) - count
    if not count or not others:
        return float("nan")
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * others))


def balanced_accuracy(predicted: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Mean recall over the classes that occur in ``truth``; nan when there is none."""
    recalls = [float((predicted[truth == k] == k).mean()) for k in np.unique(truth)]
    return float(np.mean(recalls)) if recalls else float("nan")


def calibration_error(probabilities: Floats, truth: NDArray[np.int64], bins: int = 10) -> float:
    """Expected calibration error of the most probable class, [N, K] against [N]."""
    if not len(truth):
        return float("nan")
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, right - confidence, bins)
    return float(np.abs(gap).sum() / len(truth))


def bootstrap(
    groups: Sequence[T], statistic: Callable[[Sequence[T]], float], seed: int = 0
) -> Estimate:
    """Statistic of all groups and its percentile interval over resampled groups.

    A group is all there is of one patient, so that lesions of one patient stay together. Resamples
    in which the statistic is undefined (nan) are left out of the interval; one group has none.
    """
    value = statistic(groups)
    if len(groups) < 2:
        return Estimate(value, float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(groups), (DRAWS, len(groups)))
    draws = np.array([statistic([groups[i] for i in pick]) for pick in picks])
    draws = draws[np.isfinite(draws)]
    if not np.isfinite(value) or not len(draws):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.percentile(draws, (2.5, 97.5))
    return Estimate(value, float(low), float(high))
