"""Blobs in the brain: tumor, cavity, blood; solid or ring, bright or dark, also at its surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.simulate.fields import smooth_field

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SURFACE_VOXELS = 3
"""A lesion centred within this depth of the brain's surface is one at the surface."""


@dataclass(frozen=True)
class Blob:
    """One lesion, in voxels of the rendered grid: centre, radius, half the thickness of its edge,
    intensities of its rim, its core (equal when it is solid) and its surroundings (None: none)."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    irregular: float
    edge: float
    rim: float
    core: float
    rim_share: float
    edema: float | None
    seed: int


def draw_blobs(
    brain: Mask, rng: np.random.Generator, *, spacing_mm: float, surface: bool
) -> tuple[Blob, ...]:
    """One to three lesions of 3-60 mm centred in ``brain``; with ``surface`` at its surface."""
    places = brain
    if surface:
        places = brain & ~ndimage.binary_erosion(brain, iterations=SURFACE_VOXELS)
    where = np.flatnonzero(places)
    if not where.size:
        return ()
    blobs = []
    for _ in range(int(rng.integers(1, 4))):
        x, y, z = np.unravel_index(int(where[rng.integers(where.size)]), brain.shape)
        radius = float(np.exp(rng.uniform(np.log(2.0), np.log(28.0)))) / spacing_mm
        rx, ry, rz = radius * np.exp(rng.normal(0, 0.2, 3))
        rim = rng.uniform(0, 1.3)
        ring = rng.random() < 0.4
        blobs.append(
            Blob(
                centre=(float(x), float(y), float(z)),
                radii=(float(rx), float(ry), float(rz)),
                irregular=rng.uniform(0, 0.3),
                edge=rng.uniform(0.3, 1.0),
                rim=rim,
                core=rng.uniform(0, 1.2) if ring else rim,
                rim_share=rng.uniform(0.6, 0.9),
                edema=rng.uniform(0.05, 1.0) if rng.random() < 0.4 else None,
                seed=int(rng.integers(2**31)),
            )
        )
    return tuple(blobs)


def add_blob(image: Array, inside: Array, blob: Blob) -> tuple[Array, Mask]:
    """``image`` [X, Y, Z] with the lesion, and the voxels that it fills.

    ``inside`` (0-1) is how much of each voxel it may fill: bone stays as it is.
    """
    reach = 1.6 * max(blob.radii) + 3
    box = tuple(
        slice(max(0, int(c - reach)), min(n, int(c + reach) + 1))
        for c, n in zip(blob.centre, image.shape, strict=True)
    )
    rng = np.random.default_rng(blob.seed)
    axes = [
        (np.arange(part.start, part.stop) - c) / r
        for part, c, r in zip(box, blob.centre, blob.radii, strict=True)
    ]
    away = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij", sparse=True)))
    x, y, z = away.shape
    radius = min(blob.radii)
    wobble = smooth_field((x, y, z), max(2.0, radius), rng)
    distance = ((away - 1 - blob.irregular * wobble) * radius).astype(np.float32)
    filled = np.clip(0.5 - distance / (2 * blob.edge), 0, 1) * inside[box]
    part = image[box]
    if blob.edema is not None:
        halo = np.clip(1 - distance / (0.6 * radius + 1), 0, 1) * inside[box] * 0.8
        part = part + halo * (blob.edema - part)
    deep = np.clip((blob.rim_share - 1) * radius - distance + 0.5, 0, 1)
    texture = 0.05 * rng.standard_normal((x, y, z), dtype=np.float32)
    value = blob.rim + deep * (blob.core - blob.rim) + texture
    out = image.copy()
    out[box] = part + filled * (value - part)
    tumor = np.zeros(image.shape, bool)
    tumor[box] = filled > 0.5
    return out, tumor
