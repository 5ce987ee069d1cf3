"""How a lesion enhances: against white matter, and in which pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from vasotype_models.contract import CHANNELS, ET

from vasotype.boxes import Box
from vasotype.prepare.white_matter import WhiteMatter, WhiteMatterFinder, has_true_zero
from vasotype.stages import Array, Labels, Mask, Prepared

T1, T1C = CHANNELS.index("t1"), CHANNELS.index("t1c")

MINIMAL_P95 = 0.25
"""95th percentile of the enhancement, in units of white matter's T1, below which it is minimal
(FE-09)."""
MINIMAL_SCALES = 1.0
"""The same of T1c - T1, each in robust scales of the whole brain, where there is no such unit:
unlike a ratio, scales survive images that were shifted or z-scored. Ours: about as much, as a
brain's median T1 is 4 to 5 scales."""
MINIMAL_SHARE = 0.1
"""Share of enhancing voxels below which a lesion without T1 counts as minimal. Ours."""
RING_CORE_SHARE = 0.1
RING_SURFACE_SHARE = 0.7


@dataclass(frozen=True)
class EnhancementScale:
    """What a study's enhancement is measured with: its white matter, if ratios mean anything."""

    prepared: Prepared
    finder: WhiteMatterFinder
    true_zero: bool

    @classmethod
    def of(cls, prepared: Prepared, tissue: Labels) -> EnhancementScale:
        """The scale of a study whose labels are ``tissue`` (0 is none)."""
        true_zero = all(has_true_zero(prepared, c) for c in (T1, T1C) if prepared.present[c])
        return cls(prepared, WhiteMatterFinder.of(prepared, tissue), true_zero)

    def white(self, tight: Box) -> WhiteMatter:
        """White matter of a lesion that fills the box ``tight``."""
        return self.finder.opposite((tight[0].start + tight[0].stop - 1) / 2)

    def enhancement(self, images: Mapping[str, Array], white: WhiteMatter) -> Array | str:
        """(T1c - T1) / T1 of white matter after matched scaling [X, Y, Z] (FE-02), or why there is
        none; ``images`` by channel.

        T1c is scaled so that its white matter, which hardly enhances, equals that of T1.
        """
        if not {"t1", "t1c"} <= set(images):
            return "T1 before or after contrast is missing"
        if white.t1 is None or white.t1c is None:
            return white.reason or "no white matter to compare with"
        if not self.true_zero or min(white.t1, white.t1c) <= 0:
            return "T1 or T1c has no true zero (negative values), so a ratio means nothing"
        after = images["t1c"] / white.t1c
        before = images["t1"] / white.t1
        return np.asarray(after - before, np.float32)


def enhancement_pattern(scale: EnhancementScale, tissue: Labels, lesion: Mask, box: Box) -> str:
    """Pattern of one lesion (FE-01), given as a mask that fills ``box`` of the prepared grid.

    ``tissue`` holds the labels in that box. Without T1c there is no pattern. What no voxel of
    enhancing tumor was found in is minimal, whatever its signal.
    """
    if not scale.prepared.present[T1C]:
        return "not assessable"
    enhancing = (tissue == ET) & lesion
    share = float(enhancing.sum() / lesion.sum())
    if share == 0 or _hardly_enhances(scale, lesion, box, share):
        return "minimal"
    surface = lesion & ~ndimage.binary_erosion(lesion)
    covered = enhancing[surface].mean()
    ring = 1.0 - share >= RING_CORE_SHARE and covered >= RING_SURFACE_SHARE
    return "ring" if ring else "nodular"


def _hardly_enhances(scale: EnhancementScale, lesion: Mask, box: Box, share: float) -> bool:
    """Whether enhancement is minimal: by white matter, else by the brain, else by its ``share``."""
    prepared = scale.prepared
    there = {"t1": T1, "t1c": T1C} if prepared.present[T1] else {"t1c": T1C}
    images = {name: prepared.image[(channel, *box)] for name, channel in there.items()}
    measured = scale.enhancement(images, scale.white(box))
    if not isinstance(measured, str):
        return bool(np.percentile(measured[lesion], 95) < MINIMAL_P95)
    if prepared.present[T1]:
        difference = scaled(prepared, T1C, box) - scaled(prepared, T1, box)
        return bool(np.percentile(difference[lesion], 95) < MINIMAL_SCALES)
    return share < MINIMAL_SHARE


def scaled(prepared: Prepared, channel: int, box: Box) -> Array:
    """A channel in a box about the brain's location and in the brain's scale."""
    location, scale = prepared.stats[channel]
    scaled: Array = (prepared.image[(channel, *box)] - location) / max(float(scale), 1e-6)
    return scaled
