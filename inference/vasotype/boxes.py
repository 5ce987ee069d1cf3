"""The box of a mask, so that work stays where brain and tumor are."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vasotype.stages import Mask

Box = tuple[slice, slice, slice]


def bounding_box(mask: Mask, margin: int = 0) -> Box:
    """Smallest box around ``mask``, widened by ``margin`` voxels within the grid.

    That of an empty mask is the first voxel, so that there is always something to look at.
    """
    found = ndimage.find_objects(mask.view(np.uint8))
    if not found:
        return slice(0, 1), slice(0, 1), slice(0, 1)
    x, y, z = (
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(found[0], mask.shape, strict=True)
    )
    return x, y, z
