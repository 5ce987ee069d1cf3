"""The detector that a model has to beat: whatever is much brighter in T1c than in T1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from vasotype.prepare import prepare, to_native
from vasotype.stages import Study
from vasotype_models.contract import CHANNELS, ET

from vasotype_training.evaluate.components import components
from vasotype_training.evaluate.predictions import Prediction

LEAST_GAIN = 2.0
"""Scales by which T1c exceeds T1, both normalised over the brain."""
RIND_MM = 4
"""Dura and its vessels: the outermost voxels of the brain are passed over."""
LEAST_VOXELS = 20


def by_threshold(study: Study, prediction: Prediction) -> Prediction:
    """Enhancing voxels of a study that holds T1 and T1c, in place of a model's ``prediction``."""
    prepared = prepare(study)
    t1, t1c = (
        (prepared.image[i] - prepared.stats[i, 0]) / prepared.stats[i, 1]
        for i in (CHANNELS.index("t1"), CHANNELS.index("t1c"))
    )
    inner = ndimage.binary_erosion(prepared.mask, iterations=RIND_MM)
    parts = components((t1c - t1 > LEAST_GAIN) & inner)
    keep = np.bincount(parts.ravel()) >= LEAST_VOXELS
    keep[0] = False
    labels = ET * keep[parts].astype(np.uint8)
    (tissue,) = to_native(labels[None], prepared.grid, prediction.grid, order=0)
    return replace(
        prediction,
        tissue=tissue,
        instances=np.zeros(tissue.shape, np.uint16),
        probabilities=np.stack([tissue == label for label in (1, 2, 3)]).astype(np.uint8) * 255,
        result=prediction.result.model_copy(update={"lesions": ()}),
    )
