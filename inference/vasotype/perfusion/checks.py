"""What a dynamic series must be before it is analysed."""

from __future__ import annotations

import numpy as np

from vasotype.findings import StudyError
from vasotype.perfusion.series import DynamicSeries, Floats
from vasotype.stages import Array, Grid, Mask

LEAST_BRAIN_VOXELS = 50
_PLACE_MM = 0.1


def check_series(series: DynamicSeries, least_frames: int) -> None:
    """Raise StudyError ``series-too-short`` or ``series-times``."""
    frames, times = series.signal.shape[-1], series.times_s
    if frames < least_frames:
        raise StudyError(
            "series-too-short",
            f"{series.name}: {frames} volumes; this analysis needs at least {least_frames}",
        )
    if len(times) != frames:
        raise StudyError("series-times", f"{series.name}: {len(times)} times, {frames} volumes")
    steps = np.diff(times)
    if not (np.isfinite(times).all() and (steps > 0).all()):
        at = int(np.argmax(~(steps > 0)))
        raise StudyError(
            "series-times",
            f"{series.name}: times must increase, but volume {at + 1} at {times[at + 1]:g} s "
            f"follows volume {at} at {times[at]:g} s",
        )


def needed(value: float | None, key: str, name: str) -> float:
    """A sequence parameter, or StudyError ``series-parameter`` that names its BIDS key."""
    if value is None:
        raise StudyError("series-parameter", f"{name}: {key} is not in the sidecar")
    return value


def same_place(grid: Grid, series: DynamicSeries, name: str) -> None:
    """Raise StudyError ``perfusion-grid`` where ``grid`` is not the series' own."""
    own = series.grid
    if grid.shape != own.shape or not np.allclose(grid.affine, own.affine, atol=_PLACE_MM):
        raise StudyError(
            "perfusion-grid",
            f"{name}: shape {grid.shape} or place differ from {series.name}, {own.shape}",
        )


def brain_curves(series: DynamicSeries, brain: Mask) -> Floats:
    """Signals [V, T] of the brain, or StudyError ``perfusion-mask`` where it is (nearly) empty."""
    if brain.shape != series.grid.shape or int(brain.sum()) < LEAST_BRAIN_VOXELS:
        raise StudyError(
            "perfusion-mask",
            f"{series.name}: the mask has shape {brain.shape} and {int(brain.sum())} voxels; it "
            f"needs shape {series.grid.shape} and at least {LEAST_BRAIN_VOXELS} voxels",
        )
    return series.signal[brain].astype(np.float64)


def as_map(values: Floats, brain: Mask) -> Array:
    """Values [V] of the brain's voxels as a float32 map [X, Y, Z], NaN elsewhere."""
    whole = np.full(brain.shape, np.nan, np.float32)
    whole[brain] = values
    return whole
