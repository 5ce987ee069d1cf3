"""Normal-appearing white matter: what a lesion's signal and blood volume are measured against.

White matter is told by intensity: of three classes of the T1 signal inside the brain, away from all
lesions, it is the brightest; the next is grey matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage
from vasotype_models.contract import CHANNELS

from vasotype.boxes import bounding_box
from vasotype.stages import Array, Labels, Mask, Prepared

AWAY_MM = 10.0
"""Least distance from any label."""
DEPTH_MM = 5.0
"""Least depth below the brain's surface: cortex, dura and most vessels lie above."""
MIDLINE_MM = 5.0
"""A lesion nearer to the middle has no other side."""
LEAST_VOXELS = 1000
"""Voxels (1 mm) from which a level is taken. Ours."""
BRIGHT_PERCENTILE = 99.0
NEGATIVE_SHARE = 0.01
"""Share of negative voxels in the brain above which an image has no true zero. Ours."""
BINS = 64
BORDER_APART_MM = 3.0
"""The grey-white border is not read nearer than this to a label, where edema darkens T1. Ours."""
BORDER_SMOOTHING = 0.7
"""Standard deviation, voxels, of the smoothing before that border is drawn. Ours."""
LOST_BRAIN = frozenset({"not-skull-stripped", "implausible-brain-volume"})
"""Findings that together say that the brain of a whole head was not found."""

T1, T1C, FLAIR = (CHANNELS.index(channel) for channel in ("t1", "t1c", "flair"))


@dataclass(frozen=True)
class WhiteMatter:
    """Signal of normal-appearing white matter for one lesion, in the units of the image.

    ``t1``, ``t1c`` and ``flair`` are medians, ``bright_t1`` the 99th percentile of T1; each is None
    where it can't be had. ``both_sides`` says that the other side alone was too small; ``reason``
    says why there is no white matter at all.
    """

    t1: float | None = None
    t1c: float | None = None
    flair: float | None = None
    bright_t1: float | None = None
    both_sides: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class WhiteMatterFinder:
    """White matter of a brain [X, Y, Z], and how each lesion gets its own reference from it."""

    prepared: Prepared
    tissue: Labels
    mask: Mask
    reason: str | None
    levels: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, prepared: Prepared, tissue: Labels) -> WhiteMatterFinder:
        """Find the white matter of a study whose labels are ``tissue`` (0 is none)."""
        nowhere = np.zeros_like(prepared.mask)
        if {finding.code for finding in prepared.findings} >= LOST_BRAIN:
            why = "no brain was told from the whole head, whose fat is brighter"
            return cls(prepared, tissue, nowhere, why)
        if not (prepared.present[T1] or prepared.present[T1C]):
            return cls(prepared, tissue, nowhere, "neither T1 nor T1 after contrast is there")
        image = prepared.image[_anatomical(prepared)]
        candidates = _deep(prepared, tissue)
        levels = (0.0, 0.0)
        if int(candidates.sum()) >= LEAST_VOXELS:
            levels = _thresholds(image[candidates])
            candidates &= image > levels[1]
        few = int(candidates.sum()) < LEAST_VOXELS
        reason = "too little of it lies 10 mm from all lesions" if few else None
        return cls(prepared, tissue, candidates, reason, levels)

    def opposite(self, centre: float) -> WhiteMatter:
        """The reference of a lesion whose centroid has the first voxel index ``centre``.

        The other half of the brain's box serves, or both where that holds fewer than 1000
        voxels or the lesion lies within 5 mm of the middle.
        """
        if self.reason:
            return WhiteMatter(reason=f"no white matter to compare with: {self.reason}")
        voxels, both_sides = self._beyond(centre)
        t1 = self._values(T1, voxels)
        t1c = self._values(T1C, voxels)
        flair = self._values(FLAIR, voxels)
        return WhiteMatter(
            t1=None if t1 is None else float(np.median(t1)),
            t1c=None if t1c is None else float(np.median(t1c)),
            flair=None if flair is None else float(np.median(flair)),
            bright_t1=None if t1 is None else float(np.percentile(t1, BRIGHT_PERCENTILE)),
            both_sides=both_sides,
        )

    def reference(self, tumor: Mask) -> Mask:
        """The reference of a whole study whose lesions fill ``tumor`` [X, Y, Z]; may be empty.

        It lies opposite to the middle of all tumor, on the terms of :meth:`opposite`.
        """
        if self.reason or not tumor.any():
            return self.mask
        weight = tumor.sum(axis=(1, 2))
        return self._beyond(float(weight @ np.arange(len(weight)) / weight.sum()))[0]

    @cached_property
    def border(self) -> Array:
        """Places where white matter meets grey, voxel indices [N, 3]; away from all labels."""
        if self.reason:
            return np.zeros((0, 3), np.float32)
        box = bounding_box(self.prepared.mask)
        image = self.prepared.image[(_anatomical(self.prepared), *box)]
        smooth = ndimage.gaussian_filter(image, BORDER_SMOOTHING)
        labelled = ndimage.maximum_filter(
            (self.tissue[box] > 0).view(np.uint8), _side(self.prepared, BORDER_APART_MM)
        )
        brain = ndimage.binary_erosion(self.prepared.mask[box]) & (labelled == 0)
        white = brain & (smooth > self.levels[1])
        grey = brain & (smooth > self.levels[0]) & ~white
        meets = white & ndimage.binary_dilation(grey)
        corner = np.array([side.start for side in box], np.float32)
        return np.asarray(np.argwhere(meets) + corner, np.float32)

    def distance_to_grey_mm(self, place: Sequence[float]) -> float | None:
        """Distance of a ``place`` (voxel indices) to the nearest border of white and grey matter.

        None where there is no such border.
        """
        if not len(self.border):
            return None
        steps = (self.border - np.asarray(place)) * self.prepared.grid.spacing_mm
        return float(np.sqrt((steps**2).sum(axis=1).min()))

    def _beyond(self, centre: float) -> tuple[Mask, bool]:
        """White matter on the other side of the first voxel index ``centre``; whether both."""
        inside = np.flatnonzero(self.prepared.mask.any(axis=(1, 2)))
        middle = (int(inside[0]) + int(inside[-1])) / 2
        index = np.arange(self.mask.shape[0])
        half = index > middle if centre < middle else index < middle
        other = self.mask & half[:, None, None]
        away = abs(centre - middle) * self.prepared.grid.spacing_mm[0] >= MIDLINE_MM
        alone = away and int(other.sum()) >= LEAST_VOXELS
        return (other, False) if alone else (self.mask, True)

    def _values(self, channel: int, voxels: Mask) -> Array | None:
        """Values of a channel, None where it is not there."""
        return self.prepared.image[channel][voxels] if self.prepared.present[channel] else None


def has_true_zero(prepared: Prepared, channel: int) -> bool:
    """Whether ratios of a channel mean anything: z-scored and shifted images have negatives."""
    values = prepared.image[channel][prepared.mask]
    return bool(values.size) and float((values < 0).mean()) <= NEGATIVE_SHARE


def _anatomical(prepared: Prepared) -> int:
    """The channel that tells tissues: T1, or T1 after contrast."""
    return T1 if prepared.present[T1] else T1C


def _deep(prepared: Prepared, tissue: Labels) -> Mask:
    """Voxels deep in the brain and away from all labels."""
    labelled = ndimage.maximum_filter((tissue > 0).view(np.uint8), _side(prepared, AWAY_MM))
    deep = ndimage.minimum_filter(prepared.mask.view(np.uint8), _side(prepared, DEPTH_MM))
    return np.asarray((deep > 0) & (labelled == 0))


def _side(prepared: Prepared, reach_mm: float) -> tuple[int, int, int]:
    """Side lengths, voxels, of a box filter that reaches at least this far in all directions."""
    x, y, z = (2 * int(np.ceil(reach_mm / step)) + 1 for step in prepared.grid.spacing_mm)
    return x, y, z


def _thresholds(values: Array) -> tuple[float, float]:
    """Two thresholds that split values [N] into three classes of least inner variance.

    Source: N. Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979) 62-66, for three classes.
    """
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    counts, edges = np.histogram(values, BINS, (low, max(high, low + 1e-6)))
    weight = np.append(0.0, np.cumsum(counts))
    moment = np.append(0.0, np.cumsum(counts * (edges[:-1] + edges[1:]) / 2))
    one, two = np.triu_indices(BINS - 1, k=1)
    one, two = one + 1, two + 1  # bins that lie below the thresholds

    def between(start: np.ndarray | int, stop: np.ndarray | int) -> np.ndarray:
        size = np.maximum(weight[stop] - weight[start], 1e-9)
        return np.asarray((moment[stop] - moment[start]) ** 2 / size)

    score = between(np.zeros_like(one), one) + between(one, two) + between(two, BINS + 0 * two)
    best = int(score.argmax())
    return float(edges[one[best]]), float(edges[two[best]])
