"""What a voxel's and a region's perfusion values are worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Literal

import numpy as np

from vasotype.stages import Array, Labels, Mask

LEAST_VOXELS, ENOUGH_VOXELS = 5, 20
SURE_REFERENCE = 200
"""Voxels of reference tissue below which the median that all is divided by is unsure. Ours."""
LEAST_SHARE = 0.5
"""A region is measurable where this share of it, and at least 5 voxels, have valid values."""


class Quality(IntFlag):
    """Bits of the quality map; 1 to 8 and 64 make a voxel invalid, the others are doubts.

    ``UNSURE_SCALE`` is about the whole map: what all its values are relative to is unsure. With
    ``NO_VALUE`` there is nothing that they could be relative to.
    """

    NO_VALUE = 1
    POOR_FIT = 2
    AT_BOUND = 4
    IMPOSSIBLE = 8
    LARGE_LEAKAGE = 16
    WIDE_FIRST_PASS = 32
    VESSEL = 64
    UNSURE_SCALE = 128


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
NO_REFERENCE = "no reference tissue: too little normal white matter has a value"


def main_flaw(quality: Labels) -> str:
    """What is wrong with most of the invalid voxels among ``quality`` [N], in words with a share.

    >>> main_flaw(np.array([2, 2, 64, 0], np.uint8))
    '50% of it fits the model poorly'
    """
    if _anywhere(quality, Quality.NO_VALUE | Quality.UNSURE_SCALE):
        return NO_REFERENCE
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


def has_unsure_scale(quality: Labels) -> bool:
    """Whether what the map of ``quality`` [N] is relative to is unsure."""
    return _anywhere(quality, Quality.UNSURE_SCALE)


def with_unsure_scale(quality: Labels) -> Labels:
    """Flags [X, Y, Z] that say of every valid voxel that the map's scale is unsure."""
    return np.where(valid_voxels(quality), quality | int(Quality.UNSURE_SCALE), quality)


def _anywhere(quality: Labels, flags: Quality) -> bool:
    """Whether any of ``quality`` [N] has all of ``flags``: enough for what the whole map shares."""
    return bool(((quality & int(flags)) == int(flags)).any())


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

    At least 20 valid voxels and half of the region make a good value; 5 to 19, or an unsure scale,
    give one of low quality; fewer give none.
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
    doubts = [f"only {count} voxels"] if count < ENOUGH_VOXELS else []
    if has_unsure_scale(quality[region]):
        doubts.append("what the map is relative to is unsure")
    return RegionValue(
        "low" if doubts else "good",
        "; ".join(doubts) or None,
        count,
        float(inside.mean()),
        *percentiles,
    )
