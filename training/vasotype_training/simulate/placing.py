"""Where a planned lesion lies in a scene, and its signed distance there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM, Anatomy
from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.scene import Scene
from vasotype_training.simulate.shape import Box, signed_distance

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Local:
    """A lesion with its box in the scene, signed distance and tissue there.

    ``closed`` 0-1 is what edema can't enter: CSF and the surroundings of a real tumor.
    """

    lesion: Lesion
    box: Box
    distance: Array
    white: Array
    closed: Array
    depth: Array
    rng: np.random.Generator


def place(anatomy: Anatomy, scene: Scene, box: Box, lesion: Lesion) -> Local | None:
    """Find a lesion's box in the scene and its signed distance; None where there is no room.

    ``box`` is the scene's place in the anatomy.
    """
    rng = np.random.default_rng(lesion.seed)
    radius = lesion.shape.radius_mm
    volume = 4 / 3 * np.pi * radius**3 + 1000 * lesion.edema_ml
    reach = 1.6 * (3 * volume / (4 * np.pi)) ** (1 / 3) if lesion.edema_ml else 1.6 * radius
    reach = max(reach, 2.2 * radius) + 5
    if lesion.kind in ("vessel", "dura"):
        reach = rng.uniform(8, 22)
    centre = [c - s.start for c, s in zip(lesion.centre, box, strict=True)]
    local = tuple(
        slice(max(0, int(c - reach)), min(n, int(c + reach) + 1))
        for c, n in zip(centre, scene.mask.shape, strict=True)
    )
    if any(s.stop - s.start < 4 for s in local):
        return None
    here = (local[0], local[1], local[2])
    where = tuple(
        slice(s.start + b.start, s.stop + b.start) for s, b in zip(here, box, strict=True)
    )
    depth = anatomy.depth_mm[where].astype(np.float32)
    at = (centre[0], centre[1], centre[2])
    if lesion.kind == "vessel":
        distance = _tube(at, radius, here, rng)
    elif lesion.kind == "dura":
        sheet = np.abs(depth - 1.0) - radius
        patch = 4 - 6 * smooth_field(depth.shape, 8, rng)
        distance = np.maximum(sheet, patch).astype(np.float32)
    else:
        distance = signed_distance(lesion.shape, at, here, rng)
    white, closed = (t[where].astype(np.float32) for t in (anatomy.white, anatomy.csf))
    if anatomy.tumor_mm is not None:
        near = anatomy.tumor_mm[where] < TUMOR_DISTANCE_MM
        if (near & (distance < 0)).any():
            return None
        closed[near] = 1
    return Local(lesion, here, distance, white, closed, depth, rng)


def _tube(
    centre: tuple[float, float, float], radius: float, box: Box, rng: np.random.Generator
) -> Array:
    """Signed distance to a smoothly bent tube through ``centre``."""
    length = rng.uniform(6, 30)
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    bend = rng.standard_normal(3) * rng.uniform(0, 0.02)
    steps = np.arange(-length / 2, length / 2, 0.8)
    path = np.array(centre) + steps[:, None] * direction + (steps**2)[:, None] * bend
    grid = np.stack(
        np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1
    ).astype(np.float32)
    near = np.full(grid.shape[:3], np.inf, np.float32)
    for point in path.astype(np.float32):
        np.minimum(near, ((grid - point) ** 2).sum(axis=-1), out=near)
    distance: Array = np.sqrt(near) - np.float32(radius)
    return distance
