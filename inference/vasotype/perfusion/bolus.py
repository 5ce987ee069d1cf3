"""When the contrast comes: frames before it, arrival in a voxel, width of the first pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vasotype.findings import StudyError
from vasotype.perfusion.series import Floats

LEAST_BASELINE = 3
"""Frames before contrast, the first of which is dropped."""
_LEAVES_SD = 2.0
_QUIET_SHARE = 0.01
"""Least noise of a mean curve, as a share of its largest change: a noise-free one has none."""
_LEAST_CHANGE = 0.02
"""A bolus changes the mean signal of the brain by more than this share."""
_MOST_JUMPS = 1.2
"""Squared steps over variance (von Neumann 1941): 2 for values in random order, 0 for a smooth
curve."""
_LEAST_RETURN = 0.5
"""A curve that later passes its baseline by this share of the peak began within the bolus."""
_ARRIVED_SHARE = 0.2


def count_baseline(mean_signal: Floats, direction: int, name: str) -> int:
    """Number of frames before contrast, from the mean curve [T] of the brain.

    ``direction`` is +1 where contrast brightens the image, -1 where it darkens it. The baseline
    ends where the curve leaves it by 2 SD for all frames up to the peak; one frame less is
    counted, since arteries fill before the mean curve shows it.

    Raises StudyError ``no-bolus``, ``series-shuffled`` or ``baseline-too-short``; ``name`` is the
    file for the message.
    """
    _check_order(mean_signal[1:], name)
    change = direction * mean_signal
    peak = 1 + int(change[1:].argmax())
    for frames in range(LEAST_BASELINE, peak + 1):
        base = change[1:frames]
        after = change[frames:] - base.mean()
        height = after[peak - frames]
        noise = max(float(base.std()), _QUIET_SHARE * height)
        if (after[: peak - frames + 1] > _LEAVES_SD * noise).all():
            if after.min() > -_LEAST_RETURN * height:
                return max(frames - 1, LEAST_BASELINE)
            break
    raise StudyError(
        "baseline-too-short",
        f"{name}: fewer than {LEAST_BASELINE} frames lie before the contrast arrives",
    )


def _check_order(steady: Floats, name: str) -> None:
    """Refuse a mean curve without a bolus, or one whose neighbours have nothing in common."""
    if not np.ptp(steady) > _LEAST_CHANGE * abs(float(np.median(steady))):
        raise StudyError(
            "no-bolus",
            f"{name}: the mean signal of the brain changes by less than {_LEAST_CHANGE:.0%}",
        )
    jumps = float((np.diff(steady) ** 2).sum() / ((steady - steady.mean()) ** 2).sum())
    if jumps > _MOST_JUMPS:
        raise StudyError(
            "series-shuffled",
            f"{name}: the mean signal of the brain jumps from volume to volume (squared steps are "
            f"{jumps:.1f} of the variance, at most {_MOST_JUMPS:g}); they seem out of order",
        )


def arrival(curves: Floats, times_s: Floats) -> Floats:
    """Time [V], s, at which each curve [V, T] rises through a fifth of its peak."""
    peak = curves.argmax(axis=1)
    return _rise(curves, times_s, peak, _ARRIVED_SHARE * curves.max(axis=1))


def first_pass_width(curves: Floats, times_s: Floats) -> Floats:
    """Full width [V], s, of each curve [V, T] at half of its peak."""
    peak, half = curves.argmax(axis=1), curves.max(axis=1) / 2
    mirrored = curves.shape[1] - 1 - peak
    fall = -_rise(curves[:, ::-1], -times_s[::-1], mirrored, half)
    return fall - _rise(curves, times_s, peak, half)


def _rise(curves: Floats, times_s: Floats, peak: NDArray[np.intp], level: Floats) -> Floats:
    """Time of the last crossing of ``level`` before the peak; the first sample's where none is."""
    frames = curves.shape[1]
    below = (curves < level[:, None]) & (np.arange(frames) < peak[:, None])
    i = frames - 1 - below[:, ::-1].argmax(axis=1)
    crossed = below.any(axis=1)
    i = np.where(crossed, i, 0)
    voxel = np.arange(len(curves))
    y0, y1 = curves[voxel, i], curves[voxel, np.minimum(i + 1, frames - 1)]
    t0, t1 = times_s[i], times_s[np.minimum(i + 1, frames - 1)]
    share = np.divide(level - y0, y1 - y0, out=np.zeros_like(y0), where=crossed)
    return np.asarray(t0 + share * (t1 - t0))
