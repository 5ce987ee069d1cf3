"""Smooth random fields and separable resampling, both as small matrix products.

A product along each axis costs milliseconds where a general spline zoom costs a second, so the
simulator can draw textures, bias fields and slice profiles for every crop anew.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Shape = tuple[int, int, int]


def along_axes(volume: Array, matrices: tuple[Array | None, Array | None, Array | None]) -> Array:
    """Multiply each axis of ``volume`` [X, Y, Z] by its matrix [X', X]; None leaves an axis."""
    out = volume
    if matrices[0] is not None:
        out = (matrices[0] @ out.reshape(out.shape[0], -1)).reshape(-1, *out.shape[1:])
    if matrices[1] is not None:
        out = np.matmul(matrices[1], out)
    if matrices[2] is not None:
        out = np.matmul(out, matrices[2].T)
    return out


def _spline_weights(position: NDArray[np.float64], knots: int) -> Array:
    """Uniform cubic B-spline weights [positions, knots]; each row sums to 1."""
    distance = np.abs(position[:, None] - np.arange(knots)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    return weights.astype(np.float32)


@lru_cache(maxsize=512)
def _basis(length: int, tenths: int) -> Array:
    scale = tenths / 10
    knots = int(np.ceil(length / scale)) + 3
    return _spline_weights(1 + np.arange(length) / scale, knots)


def smooth_field(shape: Shape, scale: float, rng: np.random.Generator) -> Array:
    """Gaussian field [X, Y, Z] of zero mean and about unit variance.

    ``scale`` is the knot distance in voxels, about the correlation length.
    """
    tenths = max(10, round(scale * 10))
    bases = tuple(_basis(n, tenths) for n in shape)
    coarse = rng.standard_normal([b.shape[1] for b in bases], dtype=np.float32)
    field = along_axes(coarse, (bases[0], bases[1], bases[2]))
    # A cubic B-spline average of unit noise has variance 0.479 an axis, averaged over positions.
    return field / np.float32(0.479**1.5)


def slice_profile(
    length: int, blur: float, thickness: float, shift: float, gap: float = 0.0
) -> Array | None:
    """Matrix [length, length] of one axis of an acquisition resampled back to its grid.

    Gaussian blur of ``blur`` voxels (standard deviation), slices ``thickness`` voxels apart, of
    which the share ``gap`` is not imaged, a displacement of ``shift`` voxels; None where all of it
    is negligible.
    """
    if blur < 0.2 and thickness < 1.1 and abs(shift) < 0.05:
        return None
    at = np.arange(length, dtype=np.float64)
    if thickness < 1.1:
        width = max(blur, 0.2)
        kernel = np.exp(-0.5 * ((at[None, :] - (at[:, None] + shift)) / width) ** 2)
        return (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
    reach = thickness + abs(shift)
    centres = np.arange(-reach, length + reach, thickness)
    offset = np.abs(at[None, :] - centres[:, None])
    # A slice is a box of its thickness with soft edges of one voxel, wider by the blur.
    imaged = thickness * (1 - gap)
    box = np.clip((imaged / 2 + 0.5 + blur - offset) / (1 + 2 * blur), 0, 1)
    # Slices beyond the volume repeat its edge.
    empty = box.sum(axis=1) < 1e-3
    box[empty, np.clip(np.round(centres[empty]), 0, length - 1).astype(int)] = 1.0
    sampling = box / box.sum(axis=1, keepdims=True)
    between = np.clip(1 - np.abs(at[:, None] - (centres - shift)[None, :]) / thickness, 0, None)
    between /= between.sum(axis=1, keepdims=True)
    return (between @ sampling).astype(np.float32)
