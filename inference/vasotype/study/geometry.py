"""Pure geometry of voxel grids: axis order, shear, and how far two grids lie apart.

Affines are RAS+ in mm and map voxel indices, centres at integers, to world positions.
"""

from __future__ import annotations

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from vasotype.stages import Affine, Grid


def axis_codes(affine: Affine) -> str:
    """Anatomical direction in which each index grows, e.g. ``LPS``."""
    return "".join(nib.aff2axcodes(affine))


def corners(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Indices of the eight corner voxels, [8, 3]."""
    last = np.array(shape, dtype=np.float64) - 1
    return np.indices((2, 2, 2)).reshape(3, -1).T * last


def positions(affine: Affine, indices: NDArray[np.float64]) -> NDArray[np.float64]:
    """World positions of voxel indices [N, 3], mm."""
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3])


def closest_canonical(grid: Grid) -> Grid:
    """The same voxels with axes permuted and flipped to run closest to R, A, S.

    An oblique acquisition keeps its obliquity.
    """
    orientation = nib.io_orientation(grid.affine)
    shape = np.empty(3, dtype=int)
    shape[orientation[:, 0].astype(int)] = grid.shape
    affine = grid.affine @ nib.orientations.inv_ornt_aff(orientation, grid.shape)
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def same_sampling(a: Grid, b: Grid, tolerance: float = 0.01) -> bool:
    """Whether two canonical grids have equal shapes and, within a share, equal spacing."""
    return a.shape == b.shape and np.allclose(a.spacing_mm, b.spacing_mm, rtol=tolerance, atol=0)


def displacement(a: Grid, b: Grid) -> tuple[float, float]:
    """Largest distance between equal indices of two grids of one shape: voxels of ``a``, and mm."""
    apart = positions(b.affine, corners(a.shape)) - positions(a.affine, corners(a.shape))
    voxels = apart @ np.linalg.inv(a.affine[:3, :3]).T
    return float(np.abs(voxels).max()), float(np.linalg.norm(apart, axis=1).max())


def shear(affine: Affine) -> float:
    """Largest cosine between two index axes: 0 when they are at right angles."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return float(np.abs(directions.T @ directions - np.eye(3)).max())


def orthonormalised(grid: Grid) -> Grid:
    """The nearest grid with right angles: same spacing, same centre of the volume."""
    spacing = np.array(grid.spacing_mm)
    left, _, right = np.linalg.svd(grid.affine[:3, :3] / spacing)
    affine = np.eye(4)
    affine[:3, :3] = (left @ right) * spacing
    centre = (np.array(grid.shape) - 1) / 2
    affine[:3, 3] = grid.affine[:3, :3] @ centre + grid.affine[:3, 3] - affine[:3, :3] @ centre
    return Grid(grid.shape, affine)
