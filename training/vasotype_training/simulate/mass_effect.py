"""Mass effect: a large lesion pushes the tissue around it a little aside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM, Anatomy
from vasotype_training.simulate.placing import Local
from vasotype_training.simulate.scene import Scene
from vasotype_training.simulate.shape import Box

Array = NDArray[np.float32]

DECAY_MM = 8.0
"""Over this distance from the border the displacement falls to 1/e."""
TAPER_MM = 6.0
"""The displacement ends softly: at the brain's surface, a real tumor and the border of the box."""


def push_aside(anatomy: Anatomy, scene: Scene, box: Box, local: Local) -> Local:
    """Displace the scene's images around a lesion (they change in place), and its own surroundings.

    ``box`` is the scene's place in the anatomy.
    """
    lesion = local.lesion
    if lesion.push_mm <= 0:
        return local
    away = np.maximum(local.distance, 0)
    amount = lesion.push_mm * np.exp(-away / DECAY_MM) * np.clip(local.depth / TAPER_MM, 0, 1)
    if anatomy.tumor_mm is not None:
        x, y, z = (
            slice(s.start + b.start, s.stop + b.start) for s, b in zip(local.box, box, strict=True)
        )
        free = anatomy.tumor_mm[x, y, z].astype(np.float32) - TUMOR_DISTANCE_MM
        amount *= np.clip(free / TAPER_MM, 0, 1)
    source = _sources(local, box, amount)

    def moved(volume: Array) -> Array:
        out: Array = ndimage.map_coordinates(volume, source, order=1, mode="nearest")
        return out

    for volume in (*scene.images.values(), *scene.maps.values()):
        volume[local.box] = moved(volume[local.box])
    return replace(local, white=moved(local.white), closed=moved(local.closed))


def _sources(local: Local, box: Box, amount: Array) -> Array:
    """Voxel indices [3, X, Y, Z] that each voxel of the box is taken from."""
    grid = np.indices(amount.shape, dtype=np.float32)
    corner = [s.start + b.start for s, b in zip(local.box, box, strict=True)]
    centre = np.array(local.lesion.centre) - corner
    outward = grid - centre.astype(np.float32).reshape(3, 1, 1, 1)
    outward /= np.maximum(np.linalg.norm(outward, axis=0), 1e-3)
    for axis, length in enumerate(amount.shape):
        border = np.minimum(np.arange(length), np.arange(length)[::-1]) / TAPER_MM
        shape = [1, 1, 1]
        shape[axis] = length
        amount = amount * np.clip(border, 0, 1).reshape(shape).astype(np.float32)
    return np.asarray(grid - outward * amount, np.float32)
