"""How good an image is, from its voxels alone: noise, motion, and how much of the head it holds.

All functions are pure. Values are apparent ones: interpolation and filters made before an image
came here lower its noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vasotype.stages import Array, Grid, Mask
from vasotype.study.geometry import positions

MAD_TO_SIGMA = 1 / 0.6745
"""Median absolute deviation of a normal distribution to its standard deviation."""
FINE = 1.5
"""Axes whose spacing is at most this many times the finest are looked at for noise."""
COARSE_MM = 1.6
"""Coarser voxels differ by anatomy more than by noise."""
FLAT_PERCENTILE = 25.0
"""Share of the places, %, that are flat enough to show noise more than anatomy."""
LEAST_VOXELS = 2000
STACKED = 1.8
"""An axis this many times coarser than the finest is one of stacked slices, acquired in turns."""
SLICE_AREA_MM2 = 4000.0
"""Slices that hold less of the head say little about where it lies."""
LEAST_SLICES = 8
GAP_MM = 6.0
"""Distance from the head's box beyond which nothing but air and ghosts is expected."""
LEAST_AIR_SHARE = 0.005
"""Share of an image that a strip of air must hold to say anything."""


def noise(data: Array, mask: Mask, spacing_mm: tuple[float, float, float]) -> float | None:
    """Standard deviation of the noise in ``mask``, in the unit of ``data`` [X, Y, Z].

    Robust spread of the finest diagonal Haar coefficients over the axes of fine spacing, where the
    image is flattest; what anatomy remains there makes it an upper bound. None where too little is
    inside, and for voxels so coarse that anatomy drowns the noise. Source: Donoho and Johnstone,
    Biometrika 81 (1994) 425-455; for MR: Coupe et al., Med. Image Anal. 14 (2010) 483-493; the
    choice of flat places is ours.
    """
    fine = [axis for axis in range(3) if spacing_mm[axis] <= FINE * min(spacing_mm)]
    if max(spacing_mm[axis] for axis in fine) > COARSE_MM:
        return None
    detail: NDArray[Any] = data
    smooth: NDArray[Any] = data
    inside = mask
    for axis in fine:
        detail = _pairs(detail, axis, np.subtract) / np.float32(np.sqrt(2))
        smooth = _pairs(smooth, axis, np.add) / np.float32(2)
        inside = _pairs(inside, axis, np.logical_and)
    if inside.sum() < LEAST_VOXELS:
        return None
    slopes = [np.abs(np.gradient(smooth, axis=axis)) for axis in fine]
    steepness = np.sum(slopes, axis=0)[inside]
    flat = steepness <= np.percentile(steepness, FLAT_PERCENTILE)
    return float(np.median(np.abs(detail[inside][flat]))) * MAD_TO_SIGMA


def ghosting(
    data: Array, mask: Mask, spacing_mm: tuple[float, float, float], slices: int
) -> float | None:
    """How much brighter the air beside the head is along one in-plane axis than along the other.

    Motion and flow repeat the head along the direction of phase encoding. The difference is a
    share of the median signal of the head; ``slices`` is the axis across slices. None where there
    is no air on both axes, or where it was set to one value. Source: the ghost-to-signal ratio of
    Giannelli et al., J. Appl. Clin. Med. Phys. 11 (2010) 3237, on unsigned strips.
    """
    strips = []
    box = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    for axis in {0, 1, 2} - {slices}:
        gap = int(np.ceil(GAP_MM / spacing_mm[axis]))
        outside = [slice(None, max(0, box[axis][0] - gap)), slice(box[axis][-1] + 1 + gap, None)]
        place = [slice(int(b[0]), int(b[-1]) + 1) for b in box]
        values = []
        for side in outside:
            place[axis] = side
            values.append(data[tuple(place)].ravel())
        air = np.concatenate(values)
        if len(air) < LEAST_AIR_SHARE * data.size or np.median(air) == air.min() == air.max():
            return None
        strips.append(float(air.mean()))
    signal = float(np.median(data[mask]))
    return abs(strips[0] - strips[1]) / signal if signal > 0 else None


def slice_shift_mm(mask: Mask, spacing_mm: tuple[float, float, float], slices: int) -> float | None:
    """How far every second slice lies beside its neighbours, mm.

    Slices acquired in two turns show a head that moved between them as a comb. ``mask`` is the
    head, ``slices`` the axis across slices. None in 3-D acquisitions, told by their voxels, and
    where too few slices hold enough of the head. The measure is ours.
    """
    if spacing_mm[slices] < STACKED * min(spacing_mm):
        return None
    plane = [axis for axis in range(3) if axis != slices]
    sheets = np.moveaxis(mask, slices, 0)
    area_mm2 = sheets.sum(axis=(1, 2)) * spacing_mm[plane[0]] * spacing_mm[plane[1]]
    kept = np.flatnonzero(area_mm2 >= SLICE_AREA_MM2)
    if len(kept) < LEAST_SLICES or len(kept) != kept[-1] - kept[0] + 1:
        return None
    edges = np.array([spacing_mm[axis] for axis in plane])
    centres = np.array([np.argwhere(sheets[index]).mean(axis=0) for index in kept]) * edges
    beside = centres[1:-1] - (centres[:-2] + centres[2:]) / 2
    signs = np.where(np.arange(len(beside)) % 2, -1.0, 1.0)[:, None]
    return float(np.linalg.norm(np.median(signs * beside, axis=0)))


def covered_share(mask: Mask, grid: Grid, other: Grid) -> float:
    """Share of ``mask`` (on ``grid``) that lies in the field of view of another grid."""
    inside = np.argwhere(mask[::4, ::4, ::2]) * (4, 4, 2)
    if not len(inside):
        return 0.0
    to_other = np.linalg.inv(other.affine) @ grid.affine
    index = positions(to_other, inside.astype(np.float64))
    limits = np.array(other.shape) - 0.5
    return float(((index > -0.5) & (index < limits)).all(axis=1).mean())


def _pairs(values: NDArray[Any], axis: int, join: np.ufunc) -> NDArray[Any]:
    """Voxels joined two by two along an axis, an odd last one left out."""
    count = values.shape[axis] // 2 * 2
    moved = np.moveaxis(values, axis, 0)[:count]
    return np.asarray(np.moveaxis(join(moved[::2], moved[1::2]), 0, axis))
