"""What lies inside a lesion: its core, the chambers and layers of it, and blood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.placing import Local

Array = NDArray[np.float32]

SOFT_MM = 0.6
"""Width of the border between viable tumor and core."""


def interior(local: Local, body: Array) -> tuple[Array, Array]:
    """Share of each voxel [X, Y, Z] that is core, and that is blood; ``body`` is tumor's share."""
    lesion, rng = local.lesion, local.rng
    core = np.zeros_like(body)
    clot = np.zeros_like(body)
    if lesion.rim_mm is not None:
        core = body * _core(local, lesion.rim_mm)
        if lesion.layered:
            clot = core * _sediment(local, core)
    if lesion.biology is not None and lesion.biology.hemorrhage:
        field = smooth_field(_shape(body), max(2.0, lesion.diameter_mm / 4), rng)
        bled = body * ndtr((field - rng.uniform(0.0, 1.2)) / 0.3).astype(np.float32)
        clot = np.maximum(clot, bled)
    return core, clot


def _core(local: Local, rim_mm: float) -> Array:
    """Share of core where there is tumor, by the lesion's interior."""
    lesion, rng = local.lesion, local.rng
    shape = _shape(local.distance)
    uneven = 0.9 if lesion.interior == "broken" else 0.3
    wall = rim_mm * np.exp(uneven * smooth_field(shape, 4, rng))
    if lesion.interior == "mural":
        # A cyst: its wall is thin but for one nodule.
        wall = np.minimum(wall, rng.uniform(0.7, 1.5))
    core = ndtr((-local.distance - wall) / SOFT_MM)
    if lesion.interior == "septate":
        wide = max(3.0, lesion.diameter_mm / 4)
        septum = np.abs(smooth_field(shape, wide, rng)) * wide / 2
        core *= ndtr((septum - rng.uniform(0.4, 1.0)) / 0.4)
    if lesion.interior == "mural":
        core *= ndtr(_from_nodule(local) / SOFT_MM)
    return np.asarray(core, np.float32)


def _from_nodule(local: Local) -> Array:
    """Distance to a nodule at the wall, mm."""
    rng, radius = local.rng, local.lesion.shape.radius_mm
    inside = np.argwhere((local.distance < 0) & (local.distance > -0.35 * radius - 1))
    if len(inside) == 0:
        return np.full(local.distance.shape, np.float32(radius))
    centre = inside[int(rng.integers(len(inside)))]
    x, y, z = (
        (np.arange(n, dtype=np.float32) - c) ** 2
        for n, c in zip(local.distance.shape, centre, strict=True)
    )
    away = np.sqrt(x[:, None, None] + y[None, :, None] + z[None, None, :])
    return np.asarray(away - rng.uniform(0.3, 0.6) * radius, np.float32)


def _sediment(local: Local, core: Array) -> Array:
    """Share of core below a fluid level; patients lie on their back, so it settles posteriorly."""
    rows = np.flatnonzero(core.max(axis=(0, 2)) > 0.5)
    if rows.size == 0:
        return np.zeros_like(core)
    level = rows[0] + local.rng.uniform(0.2, 0.6) * (rows[-1] - rows[0])
    share = ndtr((level - np.arange(core.shape[1])) / 0.7)
    return np.broadcast_to(share[None, :, None], core.shape).astype(np.float32)


def _shape(array: Array) -> tuple[int, int, int]:
    x, y, z = array.shape
    return x, y, z
