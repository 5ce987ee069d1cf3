"""Each lesion in its box of the prepared grid, and the voxels that speak for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vasotype.lesions.boxes import Box, instance_boxes
from vasotype.phenotype.pooling import viable_voxels
from vasotype.stages import Lesion, LesionSet, Mask


@dataclass(frozen=True)
class LesionView:
    """One lesion: masks [X, Y, Z] of its core and of its viable voxels in ``box``."""

    lesion: Lesion
    box: Box
    core: Mask
    viable: Mask


def lesion_views(lesions: LesionSet, viable_enhancing_share: float) -> Iterator[LesionView]:
    """The views of all lesions, in their order; the share is the contract's."""
    for lesion, box in zip(lesions.lesions, instance_boxes(lesions.instances), strict=True):
        core = lesions.instances[box] == lesion.id
        yield LesionView(
            lesion, box, core, viable_voxels(lesions.tissue[box], core, viable_enhancing_share)
        )
