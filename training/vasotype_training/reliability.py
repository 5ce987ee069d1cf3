"""Agreement of repeated measurements: intraclass correlation and repeatability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REPEATABILITY = 2.77
"""1.96 * sqrt(2): 95 % of differences between two measurements lie within this many
within-subject standard deviations (Bland and Altman 1986)."""
DRAWS = 1000
LEAST_SUBJECTS = 10


@dataclass(frozen=True)
class Reliability:
    """What a repetition says of one measurement.

    ``icc`` is ICC(2,1), two-way random effects, absolute agreement, single measurement (Shrout and
    Fleiss 1979), with its 95 % interval over resampled patients; ``repeatability`` the coefficient
    2.77 * within-subject SD in the measurement's unit, and ``relative`` the same in shares of the
    mean, None where values are not all positive.
    """

    n: int
    icc: float
    low: float
    high: float
    repeatability: float
    relative: float | None


def icc_2_1(values: Floats) -> float:
    """ICC(2,1) of measurements [N subjects, K repetitions]; nan where nothing varies."""
    n, k = values.shape
    mean = values.mean()
    rows, columns = values.mean(axis=1), values.mean(axis=0)
    between = k * float(((rows - mean) ** 2).sum()) / (n - 1)
    repeats = n * float(((columns - mean) ** 2).sum()) / (k - 1)
    rest = values - rows[:, None] - columns[None, :] + mean
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    total = between + (k - 1) * error + k * (repeats - error) / n
    return (between - error) / total if total > 0 else float("nan")


def reliability(values: Floats, patients: Sequence[int], seed: int = 0) -> Reliability | None:
    """Reliability of two measurements [N, 2]; lesions of a patient are resampled together.

    None for fewer than ``LEAST_SUBJECTS`` lesions.
    """
    if len(values) < LEAST_SUBJECTS:
        return None
    low, high = _interval(values, np.asarray(patients), icc_2_1, seed)
    difference, mean = values[:, 0] - values[:, 1], values.mean(axis=1)
    relative = None
    if (values > 0).all():
        relative = REPEATABILITY * float(np.sqrt((difference**2 / (2 * mean**2)).mean()))
    return Reliability(
        n=len(values),
        icc=icc_2_1(values),
        low=low,
        high=high,
        repeatability=REPEATABILITY * float(np.sqrt((difference**2).mean() / 2)),
        relative=relative,
    )


def _interval(
    values: Floats, patients: NDArray[np.int64], statistic: Callable[[Floats], float], seed: int
) -> tuple[float, float]:
    """Percentile interval over resampled patients; nan with one patient."""
    groups = [np.flatnonzero(patients == p) for p in np.unique(patients)]
    if len(groups) < 2:
        return float("nan"), float("nan")
    picks = np.random.default_rng(seed).integers(0, len(groups), (DRAWS, len(groups)))
    draws = [statistic(values[np.concatenate([groups[i] for i in pick])]) for pick in picks]
    low, high = np.nanpercentile(draws, (2.5, 97.5))
    return float(low), float(high)
