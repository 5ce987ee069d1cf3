"""Tissue probabilities that mean what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from vasotype_models.contract import TissueScaling

from vasotype.stages import Array, Maps, Mask

LEAST = np.float32(2.0**-9)
"""Probability below which nothing is told apart: half a step of the finest stored form."""


def calibrated(maps: Maps, brain: Mask, scaling: TissueScaling | None) -> Maps:
    """The maps with calibrated tissue probabilities inside the ``brain`` [X, Y, Z].

    For what is written and shown; labels are drawn from the network's own.
    """
    if scaling is None:
        return maps
    tissue = maps.tissue.copy()
    tissue[:, brain] = scaled_tissue(tissue[:, brain], scaling)
    return replace(maps, tissue=tissue)


def scaled_tissue(tissue: Array, scaling: TissueScaling) -> Array:
    """Calibrated probabilities [4, N] of voxels with the network's own ``tissue`` [4, N]."""
    logits = np.log(np.maximum(tissue, LEAST))
    logits *= np.float32(scaling.slope)
    logits += np.array(scaling.bias, np.float32)[:, None]
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits
