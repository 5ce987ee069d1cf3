"""Signed distances in mm of look-alikes that are no balls: vessels, sheets, wedges and caps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.shape import Box

Array = NDArray[np.float32]
Point = NDArray[np.float64]

STEP_MM = 0.7
FAR_MM = 4.0
"""Distances from a vessel end here: further away it has no share of any voxel."""

BRANCHES = {"vessel": (0, 3), "vein": (0, 3), "anomaly": (4, 9)}
"""Least and most branches of each vascular look-alike."""
LENGTH_MM = {"vessel": (10.0, 40.0), "vein": (12.0, 40.0), "anomaly": (10.0, 25.0)}

FALX_CSF = 0.35
"""The falx lies where at least this share is fluid."""


@dataclass(frozen=True)
class Tree:
    """A vessel with its branches: ``points`` [N, 3] in voxel indices, ``radius_mm`` [N]."""

    points: Point
    radius_mm: Point


def draw_tree(
    kind: str, start: Point, radius_mm: float, anatomy: Anatomy, rng: np.random.Generator
) -> Tree:
    """Draw a vessel that starts at ``start`` (voxel indices of the anatomy), bends and tapers.

    A ``vein`` keeps its depth under the surface. A branch is 0.5 to 0.8 times as wide as its stem.
    """
    surface = anatomy.depth_mm if kind == "vein" else None
    length = rng.uniform(*LENGTH_MM[kind])
    points = [_walk(start, length, surface, rng)]
    radii = [radius_mm * np.linspace(1, rng.uniform(0.4, 1.0), len(points[0]))]
    for _ in range(rng.integers(BRANCHES[kind][0], BRANCHES[kind][1] + 1)):
        fork = int(rng.integers(len(points[0])))
        branch = _walk(points[0][fork], rng.uniform(0.3, 0.8) * length, surface, rng)
        width = radii[0][fork] * rng.uniform(0.5, 0.8)
        points.append(branch)
        radii.append(width * np.linspace(1, rng.uniform(0.4, 0.9), len(branch)))
    return Tree(np.concatenate(points), np.concatenate(radii))


def _walk(
    start: Point,
    length_mm: float,
    depth_mm: NDArray[np.float16] | None,
    rng: np.random.Generator,
) -> Point:
    """A bent path [N, 3]; along the surface where ``depth_mm`` tells how deep a voxel lies."""
    direction = _unit(rng.standard_normal(3))
    points = [start]
    bend = rng.uniform(0.03, 0.15)
    for _ in range(int(length_mm / STEP_MM)):
        direction = _unit(direction + bend * rng.standard_normal(3))
        if depth_mm is not None:
            inward, depth = _inward(depth_mm, points[-1])
            direction = _unit(direction - (direction @ inward + 0.3 * (depth - 2)) * inward)
        points.append(points[-1] + STEP_MM * direction)
    return np.array(points)


def _inward(depth_mm: NDArray[np.float16], at: Point) -> tuple[Point, float]:
    """Direction of growing depth at a place, and the depth there."""
    top = np.array(depth_mm.shape) - 2
    i, j, k = np.clip(np.round(at).astype(int), 1, top)
    near = depth_mm[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2].astype(np.float64)
    slope = np.array([near.take(2, a).mean() - near.take(0, a).mean() for a in range(3)])
    return _unit(slope), float(near[1, 1, 1])


def _unit(vector: Point) -> Point:
    unit: Point = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit


def tree_distance(tree: Tree, box: Box) -> Array:
    """Distance [box] to a vessel whose points are given in the voxel indices of ``box``."""
    shape = tuple(s.stop - s.start for s in box)
    corner = np.array([s.start for s in box])
    distance = np.full(shape, FAR_MM, np.float32)
    for point, radius in zip(tree.points - corner, tree.radius_mm, strict=True):
        reach = FAR_MM + radius
        window = tuple(
            slice(max(0, int(np.ceil(p - reach))), min(n, int(p + reach) + 1))
            for p, n in zip(point, shape, strict=True)
        )
        if any(s.stop <= s.start for s in window):
            continue
        x, y, z = (
            (np.arange(s.start, s.stop) - p) ** 2 for s, p in zip(window, point, strict=True)
        )
        away = np.sqrt(x[:, None, None] + y[None, :, None] + z[None, None, :]) - radius
        np.minimum(distance[window], away, out=distance[window], casting="same_kind")
    return distance


def dural_sheet(depth: Array, half_mm: float, rng: np.random.Generator) -> Array:
    """A patch of dura: a sheet just under the surface of the brain's mask."""
    sheet = np.abs(depth - 1.0) - half_mm
    patch = 4 - 6 * smooth_field(_shape(depth), 8, rng)
    return np.maximum(sheet, patch).astype(np.float32)


def falx_sheet(aside_mm: Array, csf: Array, half_mm: float, rng: np.random.Generator) -> Array:
    """A patch of the falx: a sheet in the fluid between the hemispheres.

    ``aside_mm`` [X, 1, 1] is the distance to the plane between them.
    """
    sway = smooth_field(_shape(csf), 12, rng)
    sheet = np.abs(aside_mm + sway) - half_mm
    patch = 2 - 6 * smooth_field(_shape(csf), 8, rng)
    return np.maximum(np.maximum(sheet, patch), 3 * (FALX_CSF - csf)).astype(np.float32)


def wedge(
    inward: Point, centre: Point, height_mm: float, box: Box, rng: np.random.Generator
) -> Array:
    """A wedge that opens to the surface, its tip ``height_mm`` inside from ``centre``."""
    tip = centre + height_mm * inward
    x, y, z = (np.arange(s.start, s.stop) - t for s, t in zip(box, tip, strict=True))
    offset = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1)
    outward = -(offset @ inward)
    beside = np.linalg.norm(offset + outward[..., None] * inward, axis=-1)
    half_angle = rng.uniform(0.45, 0.9)
    cone = beside * np.cos(half_angle) - outward * np.sin(half_angle)
    rough = smooth_field(_shape(cone), 4, rng)
    return (np.maximum(cone, outward - 1.5 * height_mm) + 1.2 * rough).astype(np.float32)


def cap(fluid: Array, white: Array, width_mm: float, rng: np.random.Generator) -> Array:
    """White matter along a ventricle, confluent and of uneven width.

    ``fluid`` [box] is 1 in the ventricle.
    """
    away = ndimage.distance_transform_edt(fluid < 0.5).astype(np.float32)
    width = width_mm * np.exp(0.5 * smooth_field(_shape(fluid), 7, rng))
    return np.maximum(away - width, 3 * (0.5 - white)).astype(np.float32)


def _shape(array: Array) -> tuple[int, int, int]:
    x, y, z = array.shape
    return x, y, z
