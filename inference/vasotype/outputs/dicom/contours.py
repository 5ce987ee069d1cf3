"""Closed contours of a mask's slices that give the mask back exactly."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

Points = NDArray[np.float64]


def slice_contours(mask: NDArray[np.bool_]) -> list[Points]:
    """Contours [N, 2] of a mask [X, Y], in voxel indices, one for each connected part.

    They run half-way between voxel centres inside and outside, so that the centres inside a
    contour are exactly the mask's voxels. A hole is joined to its outer border by a channel of no
    width, as DICOM PS3.3 C.8.8.6.3 has it.
    """
    padded = np.pad(mask, 1).astype(np.float64)
    generator = contour_generator(z=padded.T, fill_type=FillType.OuterOffset)
    # OuterOffset is one of several shapes of answer that the stubs join into one.
    filled: Any = generator.filled(0.5, np.inf)
    polygons, offsets = filled
    contours = []
    for points, starts in zip(polygons, offsets, strict=True):
        rings = [points[a : b - 1] for a, b in pairwise(starts)]
        outer = rings[0]
        for hole in rings[1:]:
            outer = _joined(outer, hole)
        contours.append(outer - 1.0)
    return contours


def _joined(outer: Points, hole: Points) -> Points:
    """One ring that runs along ``outer``, over to ``hole``, round it and back."""
    distances = np.linalg.norm(outer[:, None] - hole[None], axis=-1)
    here, there = np.unravel_index(distances.argmin(), distances.shape)
    around = np.roll(hole, -there, axis=0)
    return np.concatenate([outer[: here + 1], around, around[:1], outer[here:]])
