"""Imperfect brain extraction: cortex cut away, dura and mucosa left behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.scene import Scene

Mask = NDArray[np.bool_]

WORST_MM = 3
"""A mask is at most this far off."""

RESIDUE = {
    # T1, T1c minus T1, T2, FLAIR in normalised units (assumptions)
    "dura": ((-1.0, 0.5), (1.0, 5.0), (-1.5, 0.5), (-1.0, 0.5)),
    "mucosa": ((-0.5, 0.8), (1.5, 6.0), (1.0, 4.0), (0.5, 3.0)),
    "fat": ((2.0, 5.0), (-0.3, 0.3), (0.5, 3.0), (0.5, 3.0)),
}
ROUGH = 0.35
"""Standard deviation of the residue's texture."""


def strip_badly(scene: Scene, rng: np.random.Generator) -> Scene:
    """A scene whose mask misses patches of brain and holds patches of residue.

    Labelled tissue and its next 2 mm stay inside. The scene's images change in place where residue
    is left.
    """
    wide = int(rng.integers(1, WORST_MM + 1))
    size = 2 * wide + 1
    shape = _shape(scene.mask)
    eroded = ndimage.minimum_filter(scene.mask, size)
    keep = ndimage.maximum_filter(scene.tissue > 0, 5)
    cut = scene.mask & ~eroded & ~keep & (smooth_field(shape, 14, rng) > rng.uniform(0.5, 2.0))
    grown = ndimage.maximum_filter(scene.mask, size) & ~scene.mask
    left = grown & (smooth_field(shape, 10, rng) > rng.uniform(0.3, 1.8))
    _paint_residue(scene, left, rng)
    return replace(scene, mask=(scene.mask & ~cut) | left)


def _paint_residue(scene: Scene, left: Mask, rng: np.random.Generator) -> None:
    t1, gain, t2, flair = RESIDUE[str(rng.choice(list(RESIDUE)))]
    base = rng.uniform(*t1)
    values = {
        "t1": base,
        "t1c": base + rng.uniform(*gain),
        "t2": rng.uniform(*t2),
        "flair": rng.uniform(*flair),
    }
    texture = ROUGH * smooth_field(_shape(left), 2, rng)
    for channel, image in scene.images.items():
        image[left] = values[channel] + texture[left]


def _shape(array: Mask) -> tuple[int, int, int]:
    x, y, z = array.shape
    return x, y, z
