"""Does a T1 image show contrast agent? What is bright deep in the head, without any other image.

Without agent nothing deep in the upper head outshines white matter on T1: fat lies in scalp,
marrow, orbits and skull base. With agent sinuses, choroid plexus and veins do (and lesions).
"""

from __future__ import annotations

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype.stages import Array, Mask, Volume

WORKING_MM = 1.5
BELOW_TOP_MM = (35.0, 90.0)
"""Levels looked at, below the top of the head: under the scalp of the vertex, above the orbits."""
DEPTH_MM = 16.0
"""Distance from the outline of the head in an axial plane: beyond scalp and skull."""
FRONT_SHARE = 0.35
"""Foremost share of each level that is left out: orbits and frontal sinuses."""
OUTLINE_SHARE = 0.15
"""Share of the 98th percentile above which a voxel belongs to the head."""
CLOSING_MM = 9.0
BIAS_MM = 25.0
WHITE_MATTER_PERCENTILE = 85.0
BRIGHTER = 1.4
"""How far contrast outshines white matter."""
LEAST_ML = 150.0
"""Smaller depths of head say nothing."""
SMALLEST_LEVEL_MM2 = 2000.0

ENHANCED, NOT_ENHANCED = 2.0e-3, 0.7e-3
"""Bright share at or above and at or below which the image speaks. Of 59 real T1 57 lay below, 2
between; of 50 T1c 45 lay above, 4 between and 1 (hardly enhancing, extracted brain) below."""
RISE = 4.0
"""How many times larger the later of a pair must be to speak for contrast between them."""


def bright_share(volume: Volume) -> float | None:
    """Share of the deep head that is much brighter than white matter; None if too little is seen.

    ``volume`` is a T1 of a head or an extracted brain, in any orientation and unit.
    """
    data, spacing = _canonical(volume)
    deep = _deep_head(data, spacing)
    if deep.sum() * float(np.prod(spacing)) / 1000 < LEAST_ML:
        return None
    level = np.median(data[deep])
    tissue = deep & (data > 0.6 * level)
    sigma = BIAS_MM / spacing
    weight = ndimage.gaussian_filter(tissue.astype(np.float32), sigma)
    local = ndimage.gaussian_filter(np.where(tissue, data, 0).astype(np.float32), sigma)
    even = data[deep] / np.maximum(local[deep] / np.maximum(weight[deep], 1e-3), 1e-6 + 0.1 * level)
    return float((even > BRIGHTER * np.percentile(even, WHITE_MATTER_PERCENTILE)).mean())


def _canonical(volume: Volume) -> tuple[Array, NDArray[np.float64]]:
    image = nib.as_closest_canonical(nib.Nifti1Image(volume.data, volume.grid.affine))
    data = np.asarray(image.dataobj, dtype=np.float32)
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    zoom = np.minimum(1.0, spacing / WORKING_MM)
    sigma = np.where(zoom < 1, 0.35 / zoom, 0.0)
    smaller = ndimage.zoom(ndimage.gaussian_filter(data, sigma), zoom, order=1)
    return smaller, spacing / zoom


def _deep_head(data: Array, spacing: NDArray[np.float64]) -> Mask:
    head = data > OUTLINE_SHARE * np.percentile(data, 98)
    components, count = ndimage.label(head)
    if count > 1:
        sizes = np.bincount(components.ravel())
        sizes[0] = 0
        head = components == np.argmax(sizes)
    deep = np.zeros(head.shape, dtype=bool)
    large = np.flatnonzero(head.sum(axis=(0, 1)) * spacing[0] * spacing[1] > SMALLEST_LEVEL_MM2)
    top = int(large.max()) if len(large) else 0
    for level in range(head.shape[2]):
        if BELOW_TOP_MM[0] <= (top - level) * spacing[2] <= BELOW_TOP_MM[1]:
            deep[:, :, level] = _deep_level(head[:, :, level], spacing[:2])
    return deep


def _deep_level(head: Mask, spacing: NDArray[np.float64]) -> Mask:
    rounds = max(1, round(CLOSING_MM / float(spacing.max())))
    closed = ndimage.binary_closing(np.pad(head, rounds + 1), iterations=rounds)
    filled = ndimage.binary_fill_holes(closed)
    depth = ndimage.distance_transform_edt(filled, sampling=spacing)
    inner = slice(rounds + 1, -rounds - 1)
    deep = depth[inner, inner] > DEPTH_MM
    rows = np.flatnonzero(filled[inner, inner].any(axis=0))
    if len(rows):
        front = rows.max() - FRONT_SHARE * (rows.max() - rows.min())
        deep[:, int(front) :] = False
    return np.asarray(deep, dtype=bool)
