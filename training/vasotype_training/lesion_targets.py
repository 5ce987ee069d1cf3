"""What the habitat head is asked for: each lesion's mode and mimicry, and which voxels say so."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.phenotype.pooling import inner_voxels
from vasotype_models.contract import ET, MODES, Inference

from vasotype_training.simulate.perfect_reader import perfect_reader
from vasotype_training.simulate.scene import Scene

Integers = NDArray[np.int64]

MOST_LESIONS = 24
"""Lesion slots of a sample; further lesions train the segmentation only."""

RULES = Inference()
"""By which the runtime pools a lesion's logits."""


def lesion_targets(scene: Scene, channels: Collection[str]) -> tuple[NDArray[np.float32], Integers]:
    """Probabilities of the modes [slots, 3] and mimicry [slots] (0, 1); -1 is unknown or empty.

    A simulated lesion's mode is as probable as to a perfect reader of these ``channels``; a label
    from elsewhere is taken at its word.
    """
    mode = np.full((MOST_LESIONS, len(MODES)), -1, np.float32)
    mimicry = np.full(MOST_LESIONS, -1, np.int64)
    simulated = len(scene.truth) - len(scene.plans)
    for n, lesion in enumerate(scene.truth):
        if lesion.id > MOST_LESIONS:
            continue
        if n >= simulated and scene.plans[n - simulated].biology is not None:
            plan = scene.plans[n - simulated]
            mode[lesion.id - 1] = perfect_reader().probabilities(plan, channels)
        elif lesion.mode is not None:
            mode[lesion.id - 1] = [lesion.mode == name for name in MODES]
        if lesion.mimicry is not None:
            mimicry[lesion.id - 1] = int(lesion.mimicry)
    return mode, mimicry


def voices(scene: Scene) -> tuple[Integers, Integers]:
    """Numbers of the lesions whose mode each voxel [X, Y, Z] speaks for, and is held against.

    As in the runtime: viable voxels away from their edge, and brain in a shell about the lesion.
    """
    speaking = np.zeros(scene.instances.shape, np.int64)
    for number, box in enumerate(ndimage.find_objects(scene.instances.astype(np.int32)), start=1):
        if box is None:
            continue
        own = np.pad(scene.instances[box] == number, 1)
        enhancing = own & np.pad(scene.tissue[box] == ET, 1)
        viable = enhancing if enhancing.sum() >= RULES.viable_enhancing_share * own.sum() else own
        inner = inner_voxels(viable, RULES.least_inner_voxels)[1:-1, 1:-1, 1:-1]
        speaking[box][inner] = number
    around = np.zeros_like(speaking)
    if scene.instances.any():
        away, nearest = ndimage.distance_transform_edt(scene.instances == 0, return_indices=True)
        shell = scene.mask & (away > 0) & (away <= RULES.surroundings_mm)
        around[shell] = scene.instances[tuple(nearest)][shell]
    return speaking, around
