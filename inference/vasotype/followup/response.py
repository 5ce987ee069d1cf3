"""Size component of RANO-BM (Lin 2015): sums of longest diameters against baseline and nadir.

It is not a response. Steroids, clinical status and a reader's view of the non-target lesions
belong to that, and disease outside the brain is judged apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Size = Literal["CR", "PR", "SD", "PD", "not assessable"]

MEASURABLE_LONGEST_MM, MEASURABLE_PERPENDICULAR_MM = 10.0, 5.0
MEASURABLE_SLICES, THICKEST_MM = 2, 5.0
ROUNDING_MM = 0.01
"""Geometry in headers is rounded."""
MOST_TARGETS = 5
PARTIAL_SHARE, PROGRESSIVE_SHARE = 0.30, 0.20
PROGRESSIVE_MM = 5.0
"""Least growth of one target that makes progress with the share; recalled from RANO-BM."""
CAUTION = (
    "A smaller sum rests on enhancement; under anti-VEGF treatment or steroids{doubt} that is not "
    "counted as tumor control."
)


@dataclass(frozen=True)
class Extent:
    """Axial diameters of what a track holds at one timepoint, mm; fragments are added.

    ``slices`` are those of the reference sequence that it lies on, ``slice_mm`` their thickness.
    """

    longest_mm: float
    perpendicular_mm: float
    slices: int
    slice_mm: float


def is_measurable(extent: Extent) -> bool:
    """At least 10 mm long and 5 mm across, on two slices or more of at most 5 mm."""
    return (
        extent.longest_mm >= MEASURABLE_LONGEST_MM
        and extent.perpendicular_mm >= MEASURABLE_PERPENDICULAR_MM
        and extent.slices >= MEASURABLE_SLICES
        and extent.slice_mm <= THICKEST_MM + ROUNDING_MM
    )


def choose_targets(baseline: Sequence[Extent | None]) -> tuple[int, ...]:
    """Indices of up to five measurable lesions, the longest first; None is no lesion there."""
    measurable = [
        (extent.longest_mm, index)
        for index, extent in enumerate(baseline)
        if extent is not None and is_measurable(extent)
    ]
    ordered = sorted(measurable, key=lambda pair: (-pair[0], pair[1]))
    return tuple(index for _, index in ordered[:MOST_TARGETS])


def size_of_targets(longest_mm: Sequence[Sequence[float]]) -> tuple[Size, ...]:
    """Size component at each follow-up.

    ``longest_mm`` [timepoint][target] holds longest diameters, 0 where a target is gone, baseline
    first. Progress is measured from the nadir, the least sum of all earlier timepoints.
    """
    sums = [sum(row) for row in longest_mm]
    if not longest_mm[0]:
        nothing: Size = "not assessable"
        return (nothing,) * (len(sums) - 1)
    found: list[Size] = []
    for time in range(1, len(sums)):
        nadir = min(range(time), key=lambda t: sums[t])
        growth = max(a - b for a, b in zip(longest_mm[time], longest_mm[nadir], strict=True))
        if sums[time] >= (1 + PROGRESSIVE_SHARE) * sums[nadir] and growth >= PROGRESSIVE_MM:
            found.append("PD")
        elif sums[time] == 0:
            found.append("CR")
        elif sums[time] <= (1 - PARTIAL_SHARE) * sums[0]:
            found.append("PR")
        else:
            found.append("SD")
    return tuple(found)


def with_new_lesions(size: Size, new: int, immunotherapy: bool | None) -> Size:
    """Size component when ``new`` lesions count: progress, except under immunotherapy."""
    return "PD" if new and not immunotherapy else size


def caution(size: Size, closes_barrier: bool | None) -> str | None:
    """Why CR or PR may not be less tumor: treatment that lowers enhancement (RE-03), if any."""
    if size not in ("CR", "PR") or closes_barrier is False:
        return None
    return CAUTION.format(doubt="" if closes_barrier else " (not known here)")
