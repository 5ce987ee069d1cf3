"""Lesion outlines as signed distances in mm, negative inside.

Two sources: smooth ellipsoids with lobes and roughness, and outlines of real metastases, turned and
scaled. Both are evaluated analytically or by interpolation at any position, so partial volume at
the border follows from the distance and needs no supersampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from vasotype_training.simulate.fields import smooth_field

Array = NDArray[np.float32]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Outline:
    """A real outline: signed distance [X, Y, Z] in mm on a 1 mm grid, centred, and its radius."""

    distance: NDArray[np.float16]
    radius_mm: float


@dataclass(frozen=True)
class Shape:
    """Parameters of one outline.

    ``radius_mm`` of the equivalent sphere; ``axes`` relative half axes; ``lobes`` centre (in
    radii) and radius (in radii) of secondary spheres; ``roughness`` amplitude of the border's
    undulation in radii; ``rotation`` as a quaternion; ``outline`` replaces the ellipsoid.
    """

    radius_mm: float
    axes: tuple[float, float, float]
    lobes: tuple[tuple[float, float, float, float], ...]
    roughness: float
    rotation: tuple[float, float, float, float]
    outline: Outline | None = None


def draw_shape(
    radius_mm: float, rng: np.random.Generator, bank: Sequence[Outline] = (), share: float = 0.3
) -> Shape:
    """Draw a shape; a ``share`` of lesions above 3 mm radius takes an outline of the ``bank``."""
    quaternion = rng.standard_normal(4)
    x, y, z, w = (float(q) for q in quaternion / np.linalg.norm(quaternion))
    outline = None
    if bank and radius_mm > 3 and rng.random() < share:
        outline = bank[int(rng.integers(len(bank)))]
    # Small lesions are round; larger ones stretch and grow lobes.
    stretch = min(0.25, 0.04 + 0.02 * radius_mm)
    axes = np.exp(rng.normal(0, stretch, 3))
    axes /= axes.prod() ** (1 / 3)
    count = int(rng.poisson(min(2.0, 0.12 * radius_mm)))
    lobes: list[tuple[float, float, float, float]] = []
    for _ in range(count):
        direction = rng.standard_normal(3)
        direction *= rng.uniform(0.5, 0.9) / np.linalg.norm(direction)
        p, q, r = (float(d) for d in direction)
        lobes.append((p, q, r, float(rng.uniform(0.35, 0.65))))
    roughness = float(rng.uniform(0.02, 0.16))
    a, b, c = (float(v) for v in axes)
    return Shape(radius_mm, (a, b, c), tuple(lobes), roughness, (x, y, z, w), outline)


def signed_distance(
    shape: Shape, centre: tuple[float, float, float], box: Box, rng: np.random.Generator
) -> Array:
    """Distance [box] in mm to the outline around ``centre`` (voxel indices of the 1 mm grid)."""
    axes = [
        np.arange(s.start, s.stop, dtype=np.float32) - c for s, c in zip(box, centre, strict=True)
    ]
    turn = Rotation.from_quat(shape.rotation).as_matrix().astype(np.float32)
    x, y, z = np.meshgrid(*axes, indexing="ij", copy=False)
    u, v, w = (turn[i, 0] * x + turn[i, 1] * y + turn[i, 2] * z for i in range(3))
    radius = np.float32(shape.radius_mm)
    if shape.outline is not None:
        distance = _outline_distance(shape.outline, radius, (u, v, w))
    else:
        a, b, c = shape.axes
        distance = (np.sqrt((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2) - radius) * np.float32(
            min(shape.axes)
        )
        for p, q, r, size in shape.lobes:
            lobe = np.sqrt((u - p * radius) ** 2 + (v - q * radius) ** 2 + (w - r * radius) ** 2)
            distance = _smooth_minimum(distance, lobe - size * radius, 0.25 * radius)
    scale = max(2.0, 0.7 * shape.radius_mm)
    return distance + shape.roughness * radius * smooth_field(distance.shape, scale, rng)


def _smooth_minimum(first: Array, second: Array, width: np.float32) -> Array:
    mix = np.clip(0.5 + 0.5 * (second - first) / width, 0, 1)
    return second * (1 - mix) + first * mix - width * mix * (1 - mix)


def _outline_distance(
    outline: Outline, radius: np.float32, at: tuple[Array, Array, Array]
) -> Array:
    scale = outline.radius_mm / float(radius)
    half = (np.array(outline.distance.shape) - 1) / 2
    where = np.stack([p * scale + h for p, h in zip(at, half, strict=True)])
    inside = ndimage.map_coordinates(
        outline.distance.astype(np.float32), where, order=1, mode="nearest"
    )
    sampled: Array = inside / scale
    return sampled


def read_outlines(folder: Path, least_radius_mm: float = 2.5) -> list[Outline]:
    """Outlines of tumor cores (BraTS-METS labels 1 and 3) in ``*-seg.nii.gz`` of a folder."""
    outlines = []
    for path in sorted(folder.glob("*-seg.nii.gz")):
        image = nib.as_closest_canonical(nib.load(path))
        labels = np.asarray(image.dataobj)
        spacing = np.array(image.header.get_zooms()[:3], float)
        components, _ = ndimage.label(np.isin(labels, (1, 3)), np.ones((3, 3, 3)))
        for number, box in enumerate(ndimage.find_objects(components), start=1):
            region = np.pad(components[box] == number, 4)
            distance = ndimage.distance_transform_edt(
                ~region, sampling=spacing
            ) - ndimage.distance_transform_edt(region, sampling=spacing)
            radius = (3 * region.sum() * spacing.prod() / (4 * np.pi)) ** (1 / 3)
            if radius < least_radius_mm:
                continue
            even = ndimage.zoom(distance.astype(np.float32), spacing, order=1)
            outlines.append(Outline(even.astype(np.float16), float(radius)))
    return outlines
