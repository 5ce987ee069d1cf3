"""Longest and perpendicular diameter of a lesion in an axial plane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from vasotype.stages import Affine, Mask

Points = NDArray[np.float64]
Point = tuple[float, float, float]

SUPERIOR = 2
"""Row of an RAS affine that an axial plane's normal points along."""
SAME_MM = 1e-6
"""Distances that differ by less are equal."""


@dataclass(frozen=True)
class Diameters:
    """Two crossed diameters in one axial plane, mm; their ends in RAS mm."""

    longest_mm: float
    perpendicular_mm: float
    ends: tuple[Point, Point]
    perpendicular_ends: tuple[Point, Point]


def axial_diameters(mask: Mask, affine: Affine) -> Diameters:
    """Diameters of a non-empty mask [X, Y, Z] whose voxels lie at ``affine`` (RAS mm).

    An axial plane holds one index of the axis that runs closest to superior. The longest diameter
    is the greatest distance between voxel centres of one plane plus one in-plane voxel; the
    perpendicular one is the extent across it in the same plane, measured alike and never above
    it. Of several longest ones that with the largest perpendicular counts, so that the order of
    axes can't matter. Where in-plane voxels are not square, "one voxel" is the radius of the
    ellipse whose half axes are the voxel's sides. Both ends lie half a voxel beyond the centres:
    their distance is the diameter.
    """
    axis = int(np.abs(affine[SUPERIOR, :3] / np.linalg.norm(affine[:3, :3], axis=0)).argmax())
    steps = np.delete(affine[:3, :3], axis, axis=1)
    planes = np.moveaxis(mask, axis, 0)
    crossed = (
        diameters
        for index in np.flatnonzero(planes.any(axis=(1, 2)))
        for diameters in _crossed(
            _rim(planes[index]) @ steps.T + affine[:3, 3] + affine[:3, axis] * index, steps
        )
    )
    return max(crossed, key=lambda d: (round(d.longest_mm / SAME_MM), d.perpendicular_mm))


def _rim(plane: NDArray[np.bool_]) -> Points:
    """First and last voxel of each row, [N, 2]; the corners of the convex hull are among them."""
    rows = np.flatnonzero(plane.any(axis=1))
    first = plane[rows].argmax(axis=1)
    last = plane.shape[1] - 1 - plane[rows, ::-1].argmax(axis=1)
    return np.stack([np.tile(rows, 2), np.concatenate([first, last])], axis=1).astype(np.float64)


def _crossed(rim: Points, steps: Points) -> Iterator[Diameters]:
    """The farthest pairs of rim points [N, 3] of one plane, each with the extent across it.

    ``steps`` [3, 2] are the plane's voxel edges in mm.
    """
    distances = cdist(rim, rim)
    pairs = np.argwhere(np.triu(distances >= distances.max() - SAME_MM))
    normal = np.cross(steps[:, 0], steps[:, 1])
    for one, other in pairs:
        chord = rim[other] - rim[one]
        if not chord.any():  # a single voxel: along its longer side
            chord = steps[:, np.linalg.norm(steps, axis=0).argmax()]
        along = chord / np.linalg.norm(chord)
        across = np.cross(normal, along)
        across /= np.linalg.norm(across)
        length = float(distances[one, other]) + _voxel(steps, along)
        sideways = rim @ across
        width = min(float(np.ptp(sideways)) + _voxel(steps, across), length)
        middle = (rim[one] + rim[other]) / 2
        # The shorter line lies where the farthest points to both sides are, on their mean level.
        outermost = (rim[sideways.argmin()] + rim[sideways.argmax()]) / 2
        yield Diameters(
            length, width, _ends(middle, along * length), _ends(outermost, across * width)
        )


def _voxel(steps: Points, direction: Points) -> float:
    """Size of an in-plane voxel along a direction of its plane, mm."""
    return float(np.linalg.norm(steps.T @ direction))


def _ends(middle: Points, line: Points) -> tuple[Point, Point]:
    (a, b, c), (x, y, z) = (middle - line / 2).tolist(), (middle + line / 2).tolist()
    return (a, b, c), (x, y, z)
