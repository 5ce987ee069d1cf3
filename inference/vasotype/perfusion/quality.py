"""What a voxel's and a region's perfusion values are worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Literal

import numpy as np

from vasotype.stages import Array, Labels, Mask

LEAST_VOXELS, ENOUGH_VOXELS = 5, 20
LEAST_SHARE = 0.5
"""A region is measurable where this share of it, and at least 5 voxels, have valid values."""


class Quality(IntFlag):
    """Bits of the quality map; the first four make a voxel invalid, the others are doubts."""

    NO_VALUE = 1
    POOR_FIT = 2
    AT_BOUND = 4
    IMPOSSIBLE = 8
    LARGE_LEAKAGE = 16
    WIDE_FIRST_PASS = 32


INVALID = Quality.NO_VALUE | Quality.POOR_FIT | Quality.AT_BOUND | Quality.IMPOSSIBLE


def valid_voxels(quality: Labels) -> Mask:
    """Where values may be used, [X, Y, Z]."""
    return np.asarray((quality & int(INVALID)) == 0)


@dataclass(frozen=True)
class RegionValue:
    """A map's values in one region; all NaN where ``quality`` is ``none``, with the reason.

    Percentiles are over valid voxels. p98 stands for the maximum, which would be noise.
    """

    quality: Literal["good", "low", "none"]
    reason: str | None
    valid_voxels: int
    mean: float = np.nan
    p50: float = np.nan
    p75: float = np.nan
    p90: float = np.nan
    p95: float = np.nan
    p98: float = np.nan


def summarise(values: Array, quality: Labels, region: Mask) -> RegionValue:
    """Values of a map [X, Y, Z] in a region, or why there are none.

    At least 20 valid voxels and half of the region make a good value; 5 to 19 give one of low
    quality; fewer give none.
    """
    inside = values[region & valid_voxels(quality)]
    inside = inside[np.isfinite(inside)]
    count, whole = len(inside), int(region.sum())
    if count < LEAST_VOXELS:
        reason = f"{count} voxels with a valid value, at least {LEAST_VOXELS} are needed"
        return RegionValue("none", reason, count)
    if count < LEAST_SHARE * whole:
        return RegionValue("none", f"only {count} of {whole} voxels have a valid value", count)
    percentiles = (float(p) for p in np.percentile(inside, (50, 75, 90, 95, 98)))
    few = count < ENOUGH_VOXELS
    return RegionValue(
        "low" if few else "good",
        f"only {count} voxels" if few else None,
        count,
        float(inside.mean()),
        *percentiles,
    )
