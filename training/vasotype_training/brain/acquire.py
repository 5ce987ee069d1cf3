"""What scanner, field of view and privacy do to a head: blur, slices, bias, noise, cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.simulate.fields import along_axes, slice_profile, smooth_field

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

FACE_MARGIN = 6
"""Voxels around the brain that the removal of a face leaves alone."""


@dataclass(frozen=True)
class Acquisition:
    """How a head was imaged; lengths in voxels of the rendered grid.

    ``blur`` is a standard deviation, ``thickness`` that of slices along ``slice_axis`` (1: none),
    ``bias`` the logarithmic amplitude of a field with knots ``bias_scale`` apart, ``noise`` the
    standard deviation of the (Rician) noise; ``cut`` are voxels lost at the start and end of each
    axis; ``defaced`` is how far a slanting plane, beyond which all is air, lies before the brain's
    front lower corner; ``stripped`` leaves only the brain and that many voxels more; ``floor``
    lifts the air, as some reconstructions do.
    """

    blur: tuple[float, float, float]
    slice_axis: int
    thickness: float
    bias: float
    bias_scale: float
    gamma: float
    noise: float
    cut: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    defaced: float | None
    stripped: int | None
    floor: float
    seed: int


def draw_acquisition(rng: np.random.Generator, spacing_mm: float) -> Acquisition:
    """An acquisition, from a research scan to a thick-sliced clinical one."""
    thick = rng.random() < 0.45
    fuzzy = rng.random() < 0.6
    blur = rng.uniform(0, 1.2, 3) if fuzzy else np.zeros(3)
    cut = np.zeros((3, 2), int)
    for axis, end in np.ndindex(3, 2):
        # Slabs often end at the vertex or in the cerebellum; fields of view rarely cut the sides.
        likely, most = (0.2, 40.0) if axis == 2 else (0.07, 25.0)
        if rng.random() < likely:
            cut[axis, end] = int(rng.uniform(0, most) / spacing_mm)
    return Acquisition(
        blur=(float(blur[0]), float(blur[1]), float(blur[2])),
        slice_axis=int(rng.choice(3, p=(0.2, 0.2, 0.6))),
        thickness=rng.uniform(2.0, 6.5) / spacing_mm if thick else 1.0,
        bias=rng.uniform(0, 0.6) if rng.random() < 0.8 else 0.0,
        bias_scale=rng.uniform(20, 60),
        gamma=float(np.exp(rng.normal(0, 0.25))),
        noise=rng.uniform(0, 0.08) if rng.random() < 0.8 else 0.0,
        cut=tuple((int(low), int(high)) for low, high in cut),  # type: ignore[arg-type] # three pairs
        defaced=rng.uniform(2, 12) if rng.random() < 0.12 else None,
        stripped=int(rng.integers(0, 3)) if rng.random() < 0.06 else None,
        floor=rng.uniform(0, 0.05) if rng.random() < 0.2 else 0.0,
        seed=int(rng.integers(2**31)),
    )


def acquire(image: Array, brain: Mask, how: Acquisition) -> tuple[Array, Mask]:
    """The head ``image`` [X, Y, Z] as imaged, and the voxels inside the field of view."""
    rng = np.random.default_rng(how.seed)
    if how.defaced is not None:
        image = np.where(_face(brain, how.defaced), np.float32(0), image)
    if how.stripped is not None:
        kept = ndimage.binary_dilation(brain, iterations=how.stripped) if how.stripped else brain
        image = np.where(kept, image, np.float32(0))
    profiles: list[Array | None] = [
        slice_profile(n, b, how.thickness if axis == how.slice_axis else 1.0, 0.0)
        for axis, (n, b) in enumerate(zip(image.shape, how.blur, strict=True))
    ]
    signal = np.maximum(along_axes(image, (profiles[0], profiles[1], profiles[2])), 0)
    x, y, z = signal.shape
    if how.bias:
        field = smooth_field((x, y, z), how.bias_scale, rng)
        signal = signal * np.exp(np.float32(how.bias) * np.clip(field, -2, 2))
    signal = signal ** np.float32(how.gamma)
    if how.noise:
        real = signal + np.float32(how.noise) * rng.standard_normal((x, y, z), dtype=np.float32)
        other = np.float32(how.noise) * rng.standard_normal((x, y, z), dtype=np.float32)
        noisy = np.hypot(real, other)
        # Skull-stripping sets the background to exactly zero.
        signal = noisy if how.stripped is None else np.where(kept, noisy, np.float32(0))
    signal = signal + np.float32(how.floor)
    seen = np.zeros(signal.shape, bool)
    seen[tuple(slice(a, n - b) for (a, b), n in zip(how.cut, signal.shape, strict=True))] = True
    return np.where(seen, signal, np.float32(0)), seen


def _face(brain: Mask, offset: float) -> Mask:
    """What lies in front of and below a slanting plane before the brain's front lower corner."""
    span = ndimage.find_objects(brain.view(np.uint8))
    if not span:
        return np.zeros_like(brain)
    y, z = (np.arange(n) for n in brain.shape[1:])
    forward = (y - span[0][1].stop)[:, None] * 0.6 - (z - span[0][2].start)[None, :] * 0.8
    plane = forward + 0.35 * (span[0][2].stop - span[0][2].start) - offset > 0
    # Half the resolution will do to stay clear of the brain.
    away = ndimage.distance_transform_edt(~brain[::2, ::2, ::2])
    near = (away < FACE_MARGIN / 2).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    wide, deep, high = brain.shape
    return np.asarray(plane[None] & ~near[:wide, :deep, :high])
