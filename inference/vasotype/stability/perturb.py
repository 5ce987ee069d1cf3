"""Disturbances of a study's structural images, as another scan of the same head would bring.

Pure functions of images; brain that was stripped stays stripped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy import ndimage
from vasotype_models.contract import STRUCTURAL

from vasotype.prepare.brain import Foreground, find_foreground
from vasotype.prepare.intensity import CENTRAL_90_TO_SD
from vasotype.stages import Array, Grid, Study, Volume

NOISE_SHARE = 0.1
"""Standard deviation of the added noise over that of the foreground's signal. Ours."""
BIAS_SHARE = 0.2
"""Standard deviation of the logarithm of the added gain: strong shading, as of images that nobody
corrected; the simulator's own usual scans have up to 0.15. Ours."""
BIAS_KNOTS = 4
"""Knots of the shading along each axis: it varies over a quarter of the image."""
HALF_VOXEL = 0.5

Change = Callable[[Volume, Foreground, np.random.Generator], Volume]


def add_noise(volume: Volume, ground: Foreground, rng: np.random.Generator) -> Volume:
    """Normal noise, a tenth of the signal's own spread, on the foreground."""
    low, high = np.percentile(volume.data[ground.mask], (5, 95))
    sigma = NOISE_SHARE * (high - low) / CENTRAL_90_TO_SD
    noise = sigma * rng.standard_normal(volume.data.shape, dtype=np.float32)
    return _with_data(volume, ground, volume.data + noise)


def add_bias(volume: Volume, ground: Foreground, rng: np.random.Generator) -> Volume:
    """A smooth gain of the signal above the background."""
    knots = rng.standard_normal((BIAS_KNOTS,) * 3)
    factors = [n / BIAS_KNOTS for n in volume.data.shape]
    field = ndimage.zoom(knots, factors, order=3, mode="nearest", grid_mode=True)
    field -= field[ground.mask].mean()
    gain = np.exp(BIAS_SHARE * field / max(float(field[ground.mask].std()), 1e-6))
    signal = ground.background + (volume.data - ground.background) * gain
    return _with_data(volume, ground, signal)


def shift_half_voxel(volume: Volume, ground: Foreground, rng: np.random.Generator) -> Volume:  # noqa: ARG001 - one signature for all changes
    """The same head on a grid that lies half a voxel further along every axis (cubic)."""
    half = (HALF_VOXEL,) * 3
    moved = ndimage.shift(volume.data, half, order=3, mode="nearest")
    mask = ndimage.shift(ground.mask.astype(np.float32), half, order=1) >= HALF_VOXEL
    affine = volume.grid.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ np.array(half)
    own = replace(ground, mask=mask) if ground.stripped else ground
    return replace(
        _with_data(volume, own, moved.astype(np.float32)), grid=Grid(volume.grid.shape, affine)
    )


CHANGES: Mapping[str, Change] = {
    "noise": add_noise,
    "bias field": add_bias,
    "half-voxel shift": shift_half_voxel,
}
"""The disturbances by name."""


def disturbed(study: Study, change: Change, seed: int) -> Study:
    """The study with a change applied to each structural image on its own."""
    rng = np.random.default_rng(seed)
    volumes = {
        channel: change(volume, find_foreground(volume), rng) if channel in STRUCTURAL else volume
        for channel, volume in study.volumes.items()
    }
    return replace(study, volumes=volumes)


def _with_data(volume: Volume, ground: Foreground, data: Array) -> Volume:
    """The volume with new values; where it was stripped only inside, and there never background."""
    if not ground.stripped:
        return replace(volume, data=data.astype(np.float32))
    smallest = np.float32(np.finfo(np.float32).eps)
    inside = np.where(data == ground.background, ground.background + smallest, data)
    if ground.background == 0 and volume.data.min() >= 0:  # an image without negative values
        inside = np.maximum(inside, smallest)
    out = np.where(ground.mask, inside, ground.background)
    return replace(volume, data=out.astype(np.float32))
