"""What a scanner and a pipeline do to each sequence: resolution, slices, bias, noise, motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.simulate.fields import along_axes, slice_profile, smooth_field

Array = NDArray[np.float32]

DARKEST = -3.5
"""Normalised intensity that stands for no signal: bias and gamma act on what lies above it."""


@dataclass(frozen=True)
class Severity:
    """How hard acquisitions are, from which each channel's parameters are drawn.

    ``thick_share`` of the channels have slices up to ``thickest_mm``; ``noise`` is the upper end of
    the standard deviation in normalised units, ``bias`` of the field's amplitude, ``shift_mm`` of
    the misregistration between channels.
    """

    thick_share: float = 0.35
    thickest_mm: float = 6.0
    blur: float = 0.9
    noise: float = 0.22
    bias: float = 0.30
    shift_mm: float = 1.2
    ghost_share: float = 0.06


def degrade(image: Array, severity: Severity, rng: np.random.Generator, slice_axis: int) -> Array:
    """Acquire one structural channel [X, Y, Z] (normalised units) anew.

    ``slice_axis`` is the study's through-plane axis.
    """
    thick = rng.random() < severity.thick_share
    thickness = rng.uniform(1.5, severity.thickest_mm) if thick else 1.0
    blur = rng.uniform(0, severity.blur) if rng.random() < 0.5 else 0.0
    moved = rng.random() < 0.25
    profiles: list[Array | None] = []
    for axis, length in enumerate(image.shape):
        shift = rng.uniform(-1, 1) * severity.shift_mm if moved else 0.0
        profiles.append(
            slice_profile(length, blur, thickness if axis == slice_axis else 1.0, shift)
        )
    out = along_axes(image, (profiles[0], profiles[1], profiles[2]))
    signal = np.maximum(out - DARKEST, 0)
    if rng.random() < 0.6:
        amplitude = rng.uniform(0, severity.bias)
        field = smooth_field(out.shape, rng.uniform(40, 90), rng)
        signal = signal * np.exp(amplitude * np.clip(field, -2, 2) / 2)
    if rng.random() < 0.3:
        gamma = np.exp(rng.uniform(np.log(0.75), np.log(1.35)))
        signal = (signal / 4.0) ** np.float32(gamma) * 4.0
    if rng.random() < severity.ghost_share:
        shift = int(rng.integers(6, 30))
        signal = signal + rng.uniform(0.03, 0.15) * (np.roll(signal, shift, slice_axis - 1) - 3.5)
    if rng.random() < 0.7:
        spread = rng.uniform(0.02, severity.noise)
        signal = signal + spread * rng.standard_normal(out.shape, dtype=np.float32)
    return (signal + DARKEST).astype(np.float32)


def degrade_map(quantity: Array, noise: float, rng: np.random.Generator, slice_axis: int) -> Array:
    """Acquire a perfusion or PET map at its own, coarser resolution.

    ``noise`` is the voxel standard deviation relative to the value plus a tenth of its mean.
    """
    thickness = rng.uniform(2.5, 5)
    profiles = [
        slice_profile(n, 0.8, thickness if axis == slice_axis else 1.7, 0.0)
        for axis, n in enumerate(quantity.shape)
    ]
    rough = quantity + noise * (quantity + 0.1 * float(quantity.mean())) * rng.standard_normal(
        quantity.shape, dtype=np.float32
    )
    return np.maximum(along_axes(rough, (profiles[0], profiles[1], profiles[2])), 0)
