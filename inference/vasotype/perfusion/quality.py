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
    """Bits of the quality map; 1 to 8 and 64 make a voxel invalid, the others are doubts."""

    NO_VALUE = 1
    POOR_FIT = 2
    AT_BOUND = 4
    IMPOSSIBLE = 8
    LARGE_LEAKAGE = 16
    WIDE_FIRST_PASS = 32
    VESSEL = 64


INVALID = (
    Quality.NO_VALUE | Quality.POOR_FIT | Quality.AT_BOUND | Quality.IMPOSSIBLE | Quality.VESSEL
)
_FLAWS = {
    Quality.VESSEL: "is vessel",
    Quality.POOR_FIT: "fits the model poorly",
    Quality.AT_BOUND: "fits only with a parameter at its bound",
    Quality.IMPOSSIBLE: "gives impossible volumes",
    Quality.NO_VALUE: "has no value",
}
_DOUBTS = {
    Quality.LARGE_LEAKAGE: "leakage correction changes blood volume by more than 30 %",
    Quality.WIDE_FIRST_PASS: "the first pass is wide, which makes blood volume too low",
}


def main_flaw(quality: Labels) -> str:
    """What is wrong with most of the invalid voxels among ``quality`` [N], in words with a share.

    >>> main_flaw(np.array([2, 2, 64, 0], np.uint8))
    '50% of it fits the model poorly'
    """
    shares = {flag: float(((quality & int(flag)) > 0).mean()) for flag in _FLAWS}
    worst = max(shares, key=lambda flag: shares[flag])
    return f"{shares[worst]:.0%} of it {_FLAWS[worst]}"


def valid_voxels(quality: Labels) -> Mask:
    """Where values may be used, [X, Y, Z]."""
    return np.asarray((quality & int(INVALID)) == 0)


def main_doubt(quality: Labels) -> str | None:
    """What is doubtful about at least half of ``quality`` [N], in words; None where nothing is."""
    for flag, words in _DOUBTS.items():
        share = float(((quality & int(flag)) > 0).mean())
        if share >= LEAST_SHARE:
            return f"in {share:.0%} of it {words}"
    return None


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
