"""Boxes of voxels: of a mask, of lesions, and of parts of a grid."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype.stages import Grid, Mask

Box = tuple[slice, slice, slice]


def bounding_box(mask: Mask, margin: int = 0) -> Box:
    """Smallest box around ``mask``, widened by ``margin`` voxels within the grid.

    That of an empty mask is the first voxel, so that there is always something to look at.
    """
    found = ndimage.find_objects(mask.view(np.uint8))
    if not found:
        return slice(0, 1), slice(0, 1), slice(0, 1)
    x, y, z = (
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(found[0], mask.shape, strict=True)
    )
    return x, y, z


def grown(box: Box, margin: int) -> Box:
    """The box widened by ``margin`` voxels; it may end beyond the grid, as slices may."""
    x, y, z = (slice(max(0, side.start - margin), side.stop + margin) for side in box)
    return x, y, z


def instance_boxes(instances: NDArray[np.uint16]) -> list[Box]:
    """Smallest box of each instance 1, 2, ... of a map in which none is missing."""
    return [(x, y, z) for x, y, z in ndimage.find_objects(instances)]


def crop(grid: Grid, box: Box) -> Grid:
    """The part of a grid that lies in the box."""
    x, y, z = ((side.start, side.stop) for side in box)
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array([x[0], y[0], z[0]], dtype=np.float64)
    return Grid((x[1] - x[0], y[1] - y[0], z[1] - z[0]), affine)


def box_in(grid: Grid, part: Grid) -> Box | None:
    """Voxels of ``grid`` that ``part`` reaches, one to spare; None if it reaches none."""
    corners = np.array(list(product(*((0, side - 1) for side in part.shape))), dtype=np.float64)
    world = corners @ part.affine[:3, :3].T + part.affine[:3, 3]
    inverse = np.linalg.inv(grid.affine)
    index = world @ inverse[:3, :3].T + inverse[:3, 3]
    low = np.maximum(np.floor(index.min(axis=0)) - 1, 0).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0)) + 2, grid.shape).astype(int)
    if (high <= low).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return x, y, z
