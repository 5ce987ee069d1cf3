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
MOST_TARGETS = 5
PARTIAL_SHARE, PROGRESSIVE_SHARE = 0.30, 0.20
PROGRESSIVE_MM = 5.0
"""Least growth of one target that makes progress with the share; recalled from RANO-BM."""


@dataclass(frozen=True)
class Diameters:
    """Axial diameters of what a track holds at one timepoint, mm; fragments are added."""

    longest_mm: float
    perpendicular_mm: float


def is_measurable(diameters: Diameters) -> bool:
    """At least 10 mm long and 5 mm across."""
    return (
        diameters.longest_mm >= MEASURABLE_LONGEST_MM
        and diameters.perpendicular_mm >= MEASURABLE_PERPENDICULAR_MM
    )


def choose_targets(baseline: Sequence[Diameters | None]) -> tuple[int, ...]:
    """Indices of up to five measurable lesions, the longest first; None is no lesion there."""
    measurable = [
        (diameters.longest_mm, index)
        for index, diameters in enumerate(baseline)
        if diameters is not None and is_measurable(diameters)
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
