"""Is an echo planar series a bolus passage? Its signal dips once and comes back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DIP_NOISE = 5.0
"""Depth of a dip over the noise of the curve."""
DIP_SHARE = 0.02
"""Least depth, as a share of the signal before; functional MR changes half as much."""
RECOVERY = 0.5
"""Share of the dip that must have come back by the end."""
SKIPPED = 3
"""First volumes, taken before the steady state."""


def bolus_dip(series: NDArray[np.float32]) -> float | None:
    """Depth of the bolus dip in the mean curve of a series [X, Y, Z, T], share of the baseline.

    None where the curve has none.
    """
    mean = series.mean(axis=3)
    head = mean > 0.3 * np.percentile(mean, 98)
    curve = np.array([series[..., t][head].mean() for t in range(series.shape[3])], dtype=float)
    curve = curve[SKIPPED:]
    if len(curve) < 10:
        return None
    lowest = int(np.argmin(np.convolve(curve, np.ones(3) / 3, mode="valid"))) + 1
    before = curve[: max(3, lowest - 4)]
    baseline, noise = float(np.median(before)), float(np.std(before))
    depth = baseline - float(curve[lowest])
    tail = float(np.median(curve[-max(3, len(curve) // 10) :]))
    deep = depth > max(DIP_SHARE * baseline, DIP_NOISE * noise)
    returned = tail - float(curve[lowest]) > RECOVERY * depth
    return depth / baseline if baseline > 0 and deep and returned else None
