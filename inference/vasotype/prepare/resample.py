"""Move values between grids: exactly where voxels coincide, by interpolation elsewhere."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype.stages import Affine, Array, Grid, Volume

Scalar = TypeVar("Scalar", bound=np.generic)

COINCIDENT_VOXELS = 0.1
"""Grids whose voxel centres lie no further apart than this share them: copying then errs less than
interpolation blurs."""
NEGLIGIBLE_VOXELS = 1e-3
FWHM_PER_SIGMA = 2.3548


def resample(
    data: NDArray[Scalar],
    source: Grid,
    target: Grid,
    *,
    order: Literal[0, 1] = 1,
    fill: float = 0.0,
) -> NDArray[Scalar]:
    """Values of ``data`` [X, Y, Z] on ``source`` at the voxels of ``target``, in the same dtype.

    Where the voxels of both grids coincide (up to axis order, flips and whole steps) values are
    copied bit by bit; otherwise they are interpolated, linearly (``order`` 1) or from the nearest
    voxel (0). The outermost values hold for one voxel more; beyond lies ``fill``.
    """
    to_source = np.linalg.inv(source.affine) @ target.affine
    matrix, first = to_source[:3, :3], to_source[:3, 3]
    # scipy interpolates no booleans; their bytes are 0 and 1.
    values: NDArray[Any] = data.view(np.uint8) if data.dtype == np.bool_ else data
    drift = _drift(matrix, target.shape)
    if drift <= COINCIDENT_VOXELS:
        turned, step, offset = _turn(values, matrix, first)
        start = np.rint(offset)
        apart = np.abs(step - 1) * (np.array(target.shape) - 1) + np.abs(offset - start)
        if apart.max() + drift <= COINCIDENT_VOXELS:
            x, y, z = (int(index) for index in start)
            return window(turned, (x, y, z), target.shape, fill).view(data.dtype)
        if drift <= NEGLIGIBLE_VOXELS:  # axis by axis is faster
            values, matrix, first = turned, step, offset
    # Half of a border voxel lies outside the voxel centres, and must not be lost.
    padded = np.pad(values, 1, mode="edge")
    out = ndimage.affine_transform(padded, matrix, first + 1, target.shape, order=order, cval=fill)
    return np.asarray(out.view(data.dtype))


def to_native(
    values: NDArray[Scalar], grid: Grid, native: Grid, order: Literal[0, 1]
) -> NDArray[Scalar]:
    """Resample ``values`` [C, X, Y, Z] of the prepared grid onto the native grid, [C, x, y, z].

    ``order`` 0 for labels (nearest voxel), 1 for probabilities (trilinear). Outside the prepared
    grid lies 0.
    """
    out = np.empty((len(values), *native.shape), dtype=values.dtype)
    for channel, volume in enumerate(values):
        out[channel] = resample(volume, grid, native, order=order)
    return out


def lowpass(data: Array, source: Grid, target: Grid) -> Array:
    """Smooth ``data`` along the axes on which ``target`` is coarser, so that nothing aliases.

    The Gaussian widens a point of one source voxel (full width at half maximum) to one target
    voxel; without a coarser axis the data come back untouched.
    """
    to_source = np.linalg.inv(source.affine) @ target.affine
    step = np.abs(to_source[:3, :3]).max(axis=1)
    sigma = np.sqrt(np.maximum(step**2 - 1, 0)) / FWHM_PER_SIGMA
    sigma[step < 1 + COINCIDENT_VOXELS] = 0
    return np.asarray(ndimage.gaussian_filter(data, sigma)) if sigma.any() else data


def shrink(volume: Volume, spacing_mm: float) -> Volume:
    """The mean of blocks of voxels, as many as fit into ``spacing_mm`` along each axis.

    Voxels at the far ends that fill no whole block are left out.
    """
    block = [max(1, int(spacing_mm / spacing + 0.05)) for spacing in volume.grid.spacing_mm]
    if max(block) == 1:
        return volume
    shape = [n // k for n, k in zip(volume.grid.shape, block, strict=True)]
    whole = volume.data[tuple(slice(0, n * k) for n, k in zip(shape, block, strict=True))]
    split = [size for pair in zip(shape, block, strict=True) for size in pair]
    affine = volume.grid.affine @ np.diag([*block, 1.0])
    affine[:3, 3] = volume.grid.affine[:3] @ [*((k - 1) / 2 for k in block), 1]
    data = whole.reshape(split).mean(axis=(1, 3, 5), dtype=np.float32)
    return Volume(data, Grid((shape[0], shape[1], shape[2]), affine))


def window(
    data: NDArray[Scalar],
    start: tuple[int, ...],
    shape: tuple[int, ...],
    fill: float = 0.0,
) -> NDArray[Scalar]:
    """Copy of the box of ``shape`` at ``start``; where it reaches beyond ``data``, ``fill``."""
    out = np.full(shape, fill, dtype=data.dtype)
    inside: list[slice] = []
    outside: list[slice] = []
    for first, size, available in zip(start, shape, data.shape, strict=True):
        low, high = max(first, 0), min(first + size, available)
        inside.append(slice(low, max(high, low)))
        outside.append(slice(low - first, max(high, low) - first))
    out[tuple(outside)] = data[tuple(inside)]
    return out


def _drift(matrix: Affine, shape: tuple[int, int, int]) -> float:
    """How far, in voxels, the axes of two grids run apart over ``shape``.

    0 where every axis runs along one of the other grid, in any order and direction; infinite where
    two axes are closest to the same one.
    """
    axes = np.abs(matrix).argmax(axis=0)
    if sorted(axes) != [0, 1, 2]:
        return np.inf
    rest = np.abs(matrix)
    rest[axes, range(3)] = 0
    return float((rest @ (np.array(shape) - 1)).max())


def _turn(
    data: NDArray[Scalar], matrix: Affine, first: Affine
) -> tuple[NDArray[Scalar], Affine, Affine]:
    """View of ``data`` with axes ordered and directed as the target's, and the step (> 0) and the
    first index of the target in it, axis by axis."""
    axes = np.abs(matrix).argmax(axis=0)
    moved = data.transpose(axes)
    step, offset = matrix[axes, range(3)], first[axes]
    back = step < 0
    moved = np.flip(moved, tuple(np.flatnonzero(back)))
    offset = np.where(back, np.array(moved.shape) - 1 - offset, offset)
    return moved, np.abs(step), offset
