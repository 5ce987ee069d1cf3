"""Where a planned lesion lies in a scene, and its signed distance there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM, Anatomy
from vasotype_training.simulate.forms import (
    FAR_MM,
    LENGTH_MM,
    Tree,
    cap,
    draw_tree,
    dural_sheet,
    falx_sheet,
    tree_distance,
    wedge,
)
from vasotype_training.simulate.lookalikes import midline
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.scene import Scene
from vasotype_training.simulate.shape import Box, signed_distance

Array = NDArray[np.float32]

DEEP_MM = 10.0
"""Fluid deeper than this is a ventricle's."""

NOWHERE_MM = np.float32(50.0)
"""Distance that stands for no share of any voxel."""

REACH_MM = {"dura": (8.0, 22.0), "falx": (10.0, 25.0), "cap": (14.0, 26.0), "gyral": (10.0, 20.0)}
"""Half the box of look-alikes whose own shape has no end."""
ENDLESS = (*REACH_MM, *LENGTH_MM, "infarct")


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
    corner = np.array([s.start for s in box])
    tree = None
    if lesion.kind in LENGTH_MM:
        start = np.array(lesion.centre)
        tree = draw_tree(lesion.kind, start, lesion.shape.radius_mm, anatomy, rng)
        tree = replace(tree, points=tree.points - corner)
    low, high = _bounds(lesion, np.array(lesion.centre) - corner, tree, rng)
    x, y, z = (
        slice(max(0, int(a)), min(n, int(b) + 1))
        for a, b, n in zip(low, high, scene.mask.shape, strict=True)
    )
    here = (x, y, z)
    if any(s.stop - s.start < 4 for s in here):
        return None
    i, j, k = (slice(s.start + c, s.stop + c) for s, c in zip(here, corner, strict=True))
    where = (i, j, k)
    white, closed, depth = (
        t[where].astype(np.float32) for t in (anatomy.white, anatomy.csf, anatomy.depth_mm)
    )
    room = Local(lesion, here, depth, white, closed, depth, rng)
    distance = tree_distance(tree, here) if tree is not None else _form(room, anatomy, where)
    if anatomy.tumor_mm is not None:
        near = anatomy.tumor_mm[where] < TUMOR_DISTANCE_MM
        if lesion.kind not in ENDLESS and (near & (distance < 0)).any():
            return None
        # What has no end of its own stops there.
        distance = np.where(near, np.maximum(distance, NOWHERE_MM), distance)
        closed[near] = 1
    return replace(room, distance=distance)


def _bounds(
    lesion: Lesion, centre: NDArray[np.float64], tree: Tree | None, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of the box that holds a lesion and its edema, in voxel indices of the scene."""
    if tree is not None:
        margin = FAR_MM + float(tree.radius_mm.max())
        return tree.points.min(axis=0) - margin, tree.points.max(axis=0) + margin
    radius = lesion.shape.radius_mm
    volume = 4 / 3 * np.pi * radius**3 + 1000 * lesion.edema_ml
    reach = 1.6 * (3 * volume / (4 * np.pi)) ** (1 / 3) if lesion.edema_ml else 1.6 * radius
    reach = max(reach, 2.2 * radius) + 5
    if lesion.kind in REACH_MM:
        reach = rng.uniform(*REACH_MM[lesion.kind])
    return centre - reach, centre + reach


def _form(room: Local, anatomy: Anatomy, where: Box) -> Array:
    """Signed distance in the box; ``where`` is the box in the anatomy."""
    lesion, rng = room.lesion, room.rng
    kind, radius = lesion.kind, lesion.shape.radius_mm
    csf = room.closed
    if kind == "dura":
        return dural_sheet(room.depth, radius, rng)
    if kind == "gyral":
        # Cortex over an infarct, not the dura above it.
        patch = dural_sheet(room.depth - 2.5, radius, rng)
        return np.maximum(patch, 4 * (csf - 0.4)).astype(np.float32)
    if kind == "falx":
        aside = np.arange(where[0].start, where[0].stop, dtype=np.float32) - midline(anatomy)
        return falx_sheet(aside[:, None, None], csf, radius, rng)
    if kind == "cap":
        return cap(csf * (room.depth > DEEP_MM), room.white, radius / 2, rng)
    corner = np.array([w.start - s.start for w, s in zip(where, room.box, strict=True)])
    x, y, z = (float(c) for c in np.array(lesion.centre) - corner)
    if kind == "infarct":
        slope = np.array([g.mean() for g in np.gradient(room.depth)])
        inward = slope / max(float(np.linalg.norm(slope)), 1e-6)
        core = wedge(inward, np.array([x, y, z]), radius, room.box, rng)
        return np.maximum(core, 4 * (csf - 0.6)).astype(np.float32)
    plain = signed_distance(lesion.shape, (x, y, z), room.box, rng)
    if kind == "plexus":
        return np.maximum(plain, 4 * (0.5 - csf)).astype(np.float32)
    return plain
