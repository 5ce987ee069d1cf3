"""Mutual information of two images at a sample of points: is one where the other is?

Poses are rigid motions [4, 4], RAS+ mm, that carry positions in the fixed image to positions in the
moving one. Source of the measure: F. Maes et al., IEEE Trans. Med. Imaging 16 (1997) 187-198.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from vasotype.stages import Affine, Array, Mask, Volume
from vasotype.study.geometry import positions

BINS = 32
POINTS = 15_000
PROBE_MM = 2.0
"""How far the pose is moved to look for a better one: more than interpolation noise, less than the
width of the peak."""


def rigid_motion(shift_mm: Affine, rotation_vector: Affine, centre: Affine) -> Affine:
    """Rotation about ``centre`` (RAS mm) by a rotation vector (radians), then a shift (mm)."""
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_rotvec(rotation_vector).as_matrix()
    motion[:3, 3] = centre - motion[:3, :3] @ centre + shift_mm
    return motion


def invert(pose: Affine) -> Affine:
    """The motion back."""
    return np.asarray(np.linalg.inv(pose))


@dataclass(frozen=True)
class Probe:
    """Points in a fixed image, and the image in which each pose finds their partners.

    ``points`` [N, 3] are world positions (RAS mm) between voxel centres, so that both images are
    interpolated alike whatever the pose; ``bins`` [N] their intensity classes.
    """

    points: Affine
    bins: NDArray[np.int64]
    moving: Volume
    window: tuple[float, float]

    @classmethod
    def draw(cls, fixed: Volume, inside: Mask, moving: Volume, points: int = POINTS) -> Probe:
        """Draw points from the voxels ``inside`` (of the fixed image, not empty), always alike."""
        rng = np.random.default_rng(0)
        voxels = np.flatnonzero(inside)
        chosen = rng.choice(voxels, min(points, len(voxels)), replace=False)
        index = np.stack(np.unravel_index(chosen, inside.shape), axis=1)
        world = positions(fixed.grid.affine, index + rng.uniform(-0.5, 0.5, index.shape))
        values = _sample(fixed, world)
        low, high = np.percentile(moving.data[moving.data != _lowest(moving)], [1, 99])
        own = np.percentile(values, [1, 99])
        return cls(world, _classes(values, own[0], own[1]), moving, (float(low), float(high)))

    @property
    def centre(self) -> Affine:
        """Mean of the points, RAS mm."""
        return np.asarray(self.points.mean(axis=0))

    @property
    def radius_mm(self) -> float:
        """Root mean square distance of the points from their centre."""
        return float(np.sqrt(((self.points - self.centre) ** 2).sum(axis=1).mean()))

    def information(self, pose: Affine) -> float:
        """Mutual information (nats) of both images at this pose; outside the moving one is air."""
        values = _sample(self.moving, positions(pose, self.points))
        classes = _classes(values, *self.window)
        counts = np.bincount(self.bins * BINS + classes, minlength=BINS**2)
        joint = counts.reshape(BINS, BINS) / len(self.bins)
        apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        seen = joint > 0
        return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())

    def possible_rise(self, pose: Affine) -> float:
        """By how much (nats) a small motion could raise the mutual information.

        Along each of the six rigid motions a parabola through three poses, 2 mm apart on the mean,
        says how much higher its top lies.
        """
        here = self.information(pose)
        rise = 0.0
        for steps in PROBE_MM * np.eye(6):
            # A point's mean square distance from an axis is two thirds of that from the centre.
            turn = steps[3:] / (self.radius_mm * np.sqrt(2 / 3))
            back, forth = (
                self.information(pose @ rigid_motion(sign * steps[:3], sign * turn, self.centre))
                for sign in (-1, 1)
            )
            bend = back + forth - 2 * here
            top = (forth - back) ** 2 / (-8 * bend) if bend < 0 else np.inf
            # A top beyond the three poses is no more than a guess.
            rise += min(top, abs(forth - back))
        return rise

    def displacement_mm(self, first: Affine, second: Affine) -> float:
        """Mean distance between the places to which two poses carry the points."""
        apart = positions(first, self.points) - positions(second, self.points)
        return float(np.linalg.norm(apart, axis=1).mean())

    def share_inside(self, pose: Affine) -> float:
        """Share of the points that lie in the moving image's field of view."""
        index = positions(invert(self.moving.grid.affine) @ pose, self.points)
        within = (index >= -0.5) & (index <= np.array(self.moving.grid.shape) - 0.5)
        return float(within.all(axis=1).mean())


def _lowest(volume: Volume) -> float:
    return float(volume.data.min())


def _sample(volume: Volume, points: Affine) -> Array:
    index = positions(invert(volume.grid.affine), points)
    values = ndimage.map_coordinates(volume.data, index.T, order=1, cval=_lowest(volume))
    return np.asarray(values, dtype=np.float32)


def _classes(values: Array, low: float, high: float) -> NDArray[np.int64]:
    scaled = (values - low) * (BINS / max(high - low, 1e-6))
    return np.asarray(np.clip(scaled, 0, BINS - 1), dtype=np.int64)
