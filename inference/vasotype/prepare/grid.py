"""The model's grid: 1 mm, axes closest to R, A, S, a box around the brain."""

from __future__ import annotations

import math

import numpy as np

from vasotype.boxes import bounding_box
from vasotype.stages import Grid, Mask
from vasotype.study.geometry import closest_canonical

MODEL_SPACING_MM = 1.0
SPACING_TOLERANCE = 0.01
"""An axis within this share of 1 mm is taken as it is: interpolation would cost more than it
mends, and volumes still follow from the affine."""
BRAIN_MARGIN = 2
"""Voxels kept around the brain on every side."""
MINIMAL_SIDE = 64
"""Voxels; the network's receptive field wants no less."""


def field_of_view(reference: Grid) -> Grid:
    """Grid of 1 mm over the whole field of view of the reference sequence.

    Its axes are the reference's own, in the order and direction closest to R, A, S: an oblique
    acquisition keeps its obliquity in the affine. Axes that have about 1 mm keep their voxel
    centres, so 1 mm images are never interpolated.
    """
    canonical = closest_canonical(reference)
    spacing = np.array(canonical.spacing_mm)
    keep = np.abs(spacing - MODEL_SPACING_MM) <= SPACING_TOLERANCE * MODEL_SPACING_MM
    step = np.where(keep, 1.0, MODEL_SPACING_MM / spacing)  # in voxels of the reference
    count = np.array(canonical.shape)
    # The small subtraction keeps rounding from adding a voxel to a whole number of millimetres.
    shape = np.where(keep, count, np.ceil(count / step - 1e-3)).astype(int)
    first = ((count - 1) - (shape - 1) * step) / 2  # both grids share their centre
    affine = canonical.affine.copy()
    affine[:3, 3] = canonical.affine[:3, :3] @ first + canonical.affine[:3, 3]
    affine[:3, :3] = canonical.affine[:3, :3] * step
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def brain_box(mask: Mask, grid: Grid, multiple: int) -> tuple[tuple[int, int, int], Grid]:
    """First voxel and grid of a box around ``mask`` (not empty), which may reach beyond ``grid``.

    Every side holds the brain and its margin, is at least 64 voxels and a multiple of
    ``multiple``; what that adds is shared by both ends.
    """
    start, shape = [], []
    for span in bounding_box(mask):
        size = span.stop - span.start
        side = math.ceil(max(size + 2 * BRAIN_MARGIN, MINIMAL_SIDE) / multiple) * multiple
        start.append(span.start - (side - size) // 2)
        shape.append(side)
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ start
    return (start[0], start[1], start[2]), Grid((shape[0], shape[1], shape[2]), affine)
