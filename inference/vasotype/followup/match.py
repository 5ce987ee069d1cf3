"""Which lesions of successive timepoints are one: tracks through time, on the baseline's grid.

Pure arithmetic on instance numbers [X, Y, Z] that already lie on one grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from vasotype.followup.limits import Matching

Instances = NDArray[np.uint16]
Event = Literal["matched", "split", "merged", "new", "vanished", "reappeared"]


@dataclass(frozen=True)
class Track:
    """One lesion, or lesions that part or join, through time.

    ``members`` holds the lesion numbers at each timepoint; none where it wasn't found.
    """

    members: tuple[tuple[int, ...], ...]

    @property
    def first(self) -> int:
        """Timepoint at which it was found first."""
        return next(time for time, found in enumerate(self.members) if found)

    @property
    def start(self) -> tuple[int, ...]:
        """Its lesions when it was found first."""
        return self.members[self.first]

    def event(self, time: int) -> Event | None:
        """What became of it since the timepoint before; None where it is absent in both."""
        before, after = self.members[time - 1], self.members[time]
        if not after:
            return "vanished" if before else None
        if not before:
            return "new" if self.first == time else "reappeared"
        if len(after) == len(before):
            return "matched"
        return "split" if len(after) > len(before) else "merged"


def track_lesions(timepoints: Sequence[Instances], matching: Matching) -> tuple[Track, ...]:
    """Tracks of all lesions, ordered by the timepoint and number of their first lesion.

    A lesion of a timepoint is compared with the last known extent of every earlier track, so one
    that comes back after an absence keeps its track. Lesions that part or join share one.
    """
    tracks: list[tuple[tuple[int, ...], ...]] = []
    known = np.zeros_like(timepoints[0])
    for time, instances in enumerate(timepoints):
        numbers = [int(n) for n in np.unique(instances) if n]
        groups = _groups(known, instances, numbers, matching)
        known = _seen(known, instances, groups)
        tracks = [
            (*(_members(tracks, old, earlier) for earlier in range(time)), tuple(new))
            for old, new in groups
        ]
    return tuple(sorted(map(Track, tracks), key=lambda track: (track.first, track.start)))


def _members(
    tracks: Sequence[tuple[tuple[int, ...], ...]], chosen: Sequence[int], time: int
) -> tuple[int, ...]:
    """Lesions of the chosen tracks at a timepoint."""
    return tuple(sorted(number for track in chosen for number in tracks[track][time]))


def _seen(
    known: Instances, instances: Instances, groups: Sequence[tuple[list[int], list[int]]]
) -> Instances:
    """Track numbers, from 1, where each was last seen; a track without lesions stays as it was."""
    present = np.zeros(int(instances.max()) + 1, np.uint16)
    absent = np.zeros(int(known.max()) + 1, np.uint16)
    for number, (old, new) in enumerate(groups, start=1):
        if new:
            present[new] = number
        else:
            absent[np.add(old, 1)] = number
    now = present[instances]
    return np.where(now > 0, now, absent[known])


def _groups(
    known: Instances, instances: Instances, numbers: Sequence[int], matching: Matching
) -> list[tuple[list[int], list[int]]]:
    """Tracks (from 0) and lesions that belong together; either side may be empty."""
    tracks = [int(n) for n in np.unique(known) if n]
    links = _overlapping(known, instances, matching.least_overlap)
    free_tracks = [t for t in tracks if all(t != track for track, _ in links)]
    free_lesions = [n for n in numbers if all(n != lesion for _, lesion in links)]
    links |= _near(known, instances, free_tracks, free_lesions, matching.largest_distance_mm)
    return _connected(tracks, numbers, links)


def _overlapping(known: Instances, instances: Instances, least: float) -> set[tuple[int, int]]:
    """Pairs that share at least ``least`` of the smaller one's voxels."""
    both = (known > 0) & (instances > 0)
    pairs, counts = np.unique(np.stack([known[both], instances[both]]), axis=1, return_counts=True)
    sizes, others = np.bincount(known.ravel()), np.bincount(instances.ravel())
    return {
        (int(a), int(b))
        for (a, b), shared in zip(pairs.T, counts, strict=True)
        if shared >= least * min(sizes[a], others[b])
    }


def _near(
    known: Instances,
    instances: Instances,
    tracks: Sequence[int],
    lesions: Sequence[int],
    largest_mm: float,
) -> set[tuple[int, int]]:
    """One-to-one pairs of the rest whose centres lie near; the sum of distances is least."""
    if not tracks or not lesions:
        return set()
    before = np.array(ndimage.center_of_mass(known > 0, known, tracks))
    after = np.array(ndimage.center_of_mass(instances > 0, instances, lesions))
    distance = np.linalg.norm(before[:, None] - after[None], axis=-1)
    rows, columns = linear_sum_assignment(np.minimum(distance, 2 * largest_mm))
    return {
        (tracks[i], lesions[j])
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if distance[i, j] <= largest_mm
    }


def _connected(
    tracks: Sequence[int], lesions: Sequence[int], links: set[tuple[int, int]]
) -> list[tuple[list[int], list[int]]]:
    """Connected groups of tracks (returned from 0) and lesions under the links."""
    groups: list[tuple[set[int], set[int]]] = [({t}, set()) for t in tracks]
    groups += [(set(), {n}) for n in lesions]
    for track, lesion in links:
        joined = [g for g in groups if track in g[0] or lesion in g[1]]
        groups = [g for g in groups if g not in joined]
        groups.append((set().union(*(g[0] for g in joined)), set().union(*(g[1] for g in joined))))
    return [(sorted(t - 1 for t in old), sorted(new)) for old, new in groups]
