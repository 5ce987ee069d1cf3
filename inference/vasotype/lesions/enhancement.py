"""How a lesion enhances: ring, nodular or minimal."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from vasotype_models.contract import CHANNELS, ET

from vasotype.lesions.boxes import Box
from vasotype.stages import Array, Labels, Mask, Prepared

T1, T1C = CHANNELS.index("t1"), CHANNELS.index("t1c")

MINIMAL_ENHANCEMENT = 1.0
"""95th percentile of T1c - T1 over a lesion, each in robust scales of the whole brain, below which
enhancement is minimal. Ours: about a quarter of white matter's T1 signal, as a brain's median T1 is
4 to 5 scales. Scales, unlike that ratio, survive images that were shifted or z-scored."""
MINIMAL_SHARE = 0.1
"""Share of enhancing voxels below which a lesion without T1 counts as minimal. Ours."""
RING_CORE_SHARE = 0.1
RING_SURFACE_SHARE = 0.7


def enhancement_pattern(prepared: Prepared, tissue: Labels, lesion: Mask, box: Box) -> str:
    """Pattern of one lesion, given as a mask in ``box`` of the prepared grid.

    ``tissue`` holds the labels in that box. With T1 and T1c, minimal enhancement is measured;
    with T1c alone it is read from the share of enhancing voxels; without T1c there is none.
    """
    if not prepared.present[T1C]:
        return "not assessable"
    enhancing = (tissue == ET) & lesion
    share = enhancing.sum() / lesion.sum()
    if prepared.present[T1]:
        minimal = np.percentile(enhancement(prepared, box)[lesion], 95) < MINIMAL_ENHANCEMENT
    else:
        minimal = share < MINIMAL_SHARE
    if minimal or share == 0:
        return "minimal"
    surface = lesion & ~ndimage.binary_erosion(lesion)
    covered = enhancing[surface].mean()
    ring = 1.0 - share >= RING_CORE_SHARE and covered >= RING_SURFACE_SHARE
    return "ring" if ring else "nodular"


def enhancement(prepared: Prepared, box: Box) -> Array:
    """T1c - T1 in a box, each about the brain's location and in the brain's scale."""
    difference: Array = _scaled(prepared, T1C, box) - _scaled(prepared, T1, box)
    return difference


def _scaled(prepared: Prepared, channel: int, box: Box) -> Array:
    location, scale = prepared.stats[channel]
    scaled: Array = (prepared.image[(channel, *box)] - location) / max(float(scale), 1e-6)
    return scaled
