"""Each lesion in its region of the prepared grid, and the voxels that speak for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from vasotype_models.contract import Inference

from vasotype.boxes import Box, grown, instance_boxes
from vasotype.phenotype.pooling import NetworkAnswer, pool, viable_voxels
from vasotype.stages import Array, Lesion, LesionSet, Mask

MARGIN = 10
"""Voxels about a lesion that belong to its region."""


@dataclass(frozen=True)
class LesionView:
    """One lesion: masks [X, Y, Z] in ``box`` of the prepared grid, which reaches 10 voxels beyond.

    ``core`` is its tumor core, ``viable`` the voxels of it that speak, ``around`` the shell of
    brain about it.
    """

    lesion: Lesion
    box: Box
    core: Mask
    viable: Mask
    around: Mask

    def answer(self, habitat: Array, inference: Inference) -> NetworkAnswer:
        """The lesion's answer from habitat logits [5, X, Y, Z] of the whole grid."""
        return pool(
            habitat[(slice(None), *self.box)],
            self.viable,
            self.around,
            inference.surroundings_weight,
        )


def lesion_views(lesions: LesionSet, brain: Mask, inference: Inference) -> Iterator[LesionView]:
    """The views of all lesions, in their order; ``brain`` [X, Y, Z] is the mask."""
    for lesion, tight in zip(lesions.lesions, instance_boxes(lesions.instances), strict=True):
        box = grown(tight, MARGIN)
        instances = lesions.instances[box]
        core = instances == lesion.id
        viable = viable_voxels(lesions.tissue[box], core, inference.viable_enhancing_share)
        near = ndimage.distance_transform_edt(~core) <= inference.surroundings_mm
        around: Mask = near & (instances == 0) & np.asarray(brain[box], bool)
        yield LesionView(lesion, box, core, viable, around)
