"""What a scanner and a pipeline do to each sequence: resolution, slices, bias, noise, motion.

Drawing comes apart from applying: an :class:`Acquisition` holds all that was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from vasotype_training.simulate.fields import along_axes, slice_profile, smooth_field

Array = NDArray[np.float32]
Vector = tuple[float, float, float]

DARKEST = -3.5
"""Normalised intensity that stands for no signal: bias and gamma act on what lies above it."""

MAP_BLUR_MM = 0.8
PET_BLUR_MM = (2.1, 2.6)
"""Standard deviations of the point spread of perfusion maps and of PET (5-6 mm FWHM)."""

RIM_DECAY_MM = 7.0
"""Depth over which a surface coil's brightening falls to 1/e."""


@dataclass(frozen=True)
class Severity:
    """How hard acquisitions are, from which each channel's parameters are drawn.

    ``thick_share`` of the channels have slices up to ``thickest_mm`` with gaps up to ``gap`` of
    their thickness; ``noise`` is the upper end of the standard deviation in normalised units,
    ``bias`` of the field's amplitude; ``moved_share`` of the channels lie up to ``shift_mm`` and
    ``turn_deg`` beside the others; ``ghost_share`` show motion; ``rim`` is the upper end of the
    brightening at the posterior surface. ``poor_t1_share`` of the T1 images are ``POOR`` instead.
    """

    thick_share: float = 0.35
    thickest_mm: float = 6.0
    gap: float = 0.1
    blur: float = 0.9
    noise: float = 0.22
    bias: float = 0.30
    shift_mm: float = 1.2
    turn_deg: float = 1.2
    moved_share: float = 0.25
    ghost_share: float = 0.08
    rim: float = 0.0
    poor_t1_share: float = 0.12


POOR = Severity(
    thick_share=0.85,
    thickest_mm=7.0,
    noise=0.30,
    bias=0.55,
    shift_mm=2.0,
    turn_deg=2.0,
    moved_share=0.5,
    ghost_share=0.35,
    rim=0.8,
)
"""An old or hurried T1: thick slices, ghosts, strong bias, a bright posterior rim."""


@dataclass(frozen=True)
class Acquisition:
    """How one channel is acquired.

    ``thickness_mm`` of slices across ``slice_axis``, ``gap`` a share of it; ``blur_mm`` standard
    deviation; ``shift_mm`` and ``turn_deg`` to the other channels; ``bias`` amplitude and
    ``bias_mm`` knot distance of the field; ``rim`` brightening at the posterior surface; ``ghost``
    amplitude of a copy ``ghost_mm`` away; ``noise`` standard deviation; ``seed`` fixes the fields.
    """

    slice_axis: int
    thickness_mm: float
    gap: float
    blur_mm: float
    shift_mm: Vector
    turn_deg: Vector
    bias: float
    bias_mm: float
    rim: float
    gamma: float
    ghost: float
    ghost_mm: int
    noise: float
    seed: int


def draw_acquisition(
    severity: Severity, rng: np.random.Generator, slice_axis: int, channel: str = ""
) -> Acquisition:
    """Draw how a channel is acquired; ``slice_axis`` is the study's through-plane axis."""
    if channel == "t1" and rng.random() < severity.poor_t1_share:
        severity = POOR
    thick = rng.random() < severity.thick_share
    moved = rng.random() < severity.moved_share
    ghosted = rng.random() < severity.ghost_share
    shift, turn = (
        tuple(float(v) for v in rng.uniform(-most, most, 3)) if moved else (0.0, 0.0, 0.0)
        for most in (severity.shift_mm, severity.turn_deg)
    )
    return Acquisition(
        slice_axis=slice_axis,
        thickness_mm=float(rng.uniform(1.5, severity.thickest_mm)) if thick else 1.0,
        gap=float(rng.uniform(0, severity.gap)),
        blur_mm=float(rng.uniform(0, severity.blur)) if rng.random() < 0.5 else 0.0,
        shift_mm=(shift[0], shift[1], shift[2]),
        turn_deg=(turn[0], turn[1], turn[2]),
        bias=float(rng.uniform(0, severity.bias)) if rng.random() < 0.6 else 0.0,
        bias_mm=float(rng.uniform(40, 90)),
        rim=float(rng.uniform(0, severity.rim)),
        gamma=float(np.exp(rng.uniform(np.log(0.75), np.log(1.35)))) if rng.random() < 0.3 else 1.0,
        ghost=float(rng.uniform(0.03, 0.15)) if ghosted else 0.0,
        ghost_mm=int(rng.integers(6, 30)),
        noise=float(rng.uniform(0.02, severity.noise)) if rng.random() < 0.7 else 0.0,
        seed=int(rng.integers(2**31)),
    )


def acquire(image: Array, how: Acquisition) -> Array:
    """Acquire one structural channel [X, Y, Z] (normalised units, 1 mm RAS grid) anew."""
    rng = np.random.default_rng(how.seed)
    inside = image != 0
    out = _turned(image, how) if any(how.turn_deg) else image
    profiles = [
        slice_profile(
            length,
            how.blur_mm,
            how.thickness_mm if axis == how.slice_axis else 1.0,
            0.0 if any(how.turn_deg) else how.shift_mm[axis],
            how.gap,
        )
        for axis, length in enumerate(image.shape)
    ]
    out = along_axes(out, (profiles[0], profiles[1], profiles[2]))
    signal = np.maximum(out - DARKEST, 0)
    if how.bias:
        field = smooth_field(_shape(out), how.bias_mm, rng)
        signal = signal * np.exp(how.bias * np.clip(field, -2, 2) / 2)
    if how.rim:
        signal = signal * (1 + how.rim * _posterior_rim(inside))
    if how.gamma != 1:
        signal = (signal / 4.0) ** np.float32(how.gamma) * 4.0
    if how.ghost:
        ghost = np.roll(signal, how.ghost_mm, how.slice_axis - 1)
        signal = signal + how.ghost * (ghost + np.roll(signal, -how.ghost_mm, how.slice_axis - 1))
        signal = signal - how.ghost * 7.0
    if how.noise:
        signal = signal + how.noise * rng.standard_normal(out.shape, dtype=np.float32)
    return (signal + DARKEST).astype(np.float32)


def degrade(
    image: Array,
    severity: Severity,
    rng: np.random.Generator,
    slice_axis: int,
    channel: str = "",
) -> Array:
    """Draw an acquisition and apply it to one structural channel [X, Y, Z]."""
    return acquire(image, draw_acquisition(severity, rng, slice_axis, channel))


def _turned(image: Array, how: Acquisition) -> Array:
    """The image turned about its middle and shifted, as a misregistered channel is."""
    matrix = Rotation.from_euler("xyz", how.turn_deg, degrees=True).as_matrix()
    middle = (np.array(image.shape) - 1) / 2
    offset = middle - matrix @ middle + np.array(how.shift_mm)
    out: Array = ndimage.affine_transform(image, matrix, offset, order=1, mode="nearest")
    return out


def _posterior_rim(inside: NDArray[np.bool_]) -> Array:
    """Exponential fall [X, Y, Z] from the posterior surface, where that lies in the image."""
    first = inside.argmax(axis=1)
    depth = np.arange(inside.shape[1])[None, :, None] - first[:, None, :]
    seen = (first > 0)[:, None, :] & (depth >= -2)
    return np.where(seen, np.exp(-np.maximum(depth, 0) / RIM_DECAY_MM), 0).astype(np.float32)


def degrade_map(
    quantity: Array,
    noise: float,
    rng: np.random.Generator,
    slice_axis: int,
    name: str = "",
) -> Array:
    """Acquire a perfusion or PET map at its own, coarser resolution; ``tbr`` is PET.

    ``noise`` is the voxel standard deviation relative to the value plus a tenth of its mean.
    """
    pet = name == "tbr"
    blur = rng.uniform(*PET_BLUR_MM) if pet else MAP_BLUR_MM
    thickness = 1.7 if pet else rng.uniform(2.5, 5)
    profiles = [
        slice_profile(n, blur, thickness if axis == slice_axis else (1.0 if pet else 1.7), 0.0)
        for axis, n in enumerate(quantity.shape)
    ]
    rough = quantity + noise * (quantity + 0.1 * float(quantity.mean())) * rng.standard_normal(
        quantity.shape, dtype=np.float32
    )
    return np.maximum(along_axes(rough, (profiles[0], profiles[1], profiles[2])), 0)


def _shape(array: Array) -> tuple[int, int, int]:
    x, y, z = array.shape
    return x, y, z
