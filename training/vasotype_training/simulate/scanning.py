"""A rendered scene as it is scanned and prepared: every sequence by itself, then the mask."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from vasotype_training.simulate.acquisition import (
    Acquisition,
    Severity,
    acquire,
    degrade_map,
    draw_acquisition,
)
from vasotype_training.simulate.scene import Scene
from vasotype_training.simulate.stripping import strip_badly

MAP_NOISE = (0.05, 0.25)


@dataclass(frozen=True)
class Scan:
    """How a study is scanned: each structural channel, and whether its mask is ``stripped_badly``.

    ``seed`` fixes maps and mask.
    """

    channels: Mapping[str, Acquisition]
    slice_axis: int
    stripped_badly: bool
    seed: int


def draw_scan(
    channels: Collection[str],
    severity: Severity,
    badly_share: float,
    rng: np.random.Generator,
) -> Scan:
    """Draw how the structural ``channels`` of a study are scanned; four in five are axial.

    ``badly_share`` of the studies have a flawed brain mask.
    """
    axis = int(rng.choice(3, p=(0.1, 0.1, 0.8)))
    return Scan(
        channels={c: draw_acquisition(severity, rng, axis, c) for c in channels},
        slice_axis=axis,
        stripped_badly=bool(rng.random() < badly_share),
        seed=int(rng.integers(2**31)),
    )


def scan_scene(scene: Scene, how: Scan) -> Scene:
    """The scene as scanned; what ``how`` does not name is left out."""
    rng = np.random.default_rng(how.seed)
    if how.stripped_badly:
        scene = strip_badly(scene, rng)
    images = {c: acquire(scene.images[c], a) for c, a in how.channels.items() if c in scene.images}
    maps = {
        name: degrade_map(values, rng.uniform(*MAP_NOISE), rng, how.slice_axis, name)
        for name, values in scene.maps.items()
    }
    return replace(scene, images=images, maps=maps)
