"""One answer a lesion: the network's logits pooled over its voxels, then calibrated.

Pure arithmetic; logits in, probabilities out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import ET, HABITATS, MODES

from vasotype.stages import Array, Labels, Mask

MIMICRY = HABITATS.index("mimicry")
LOW_PERMEABILITY = HABITATS.index("low_permeability")

Values = NDArray[np.float64]


def softmax(logits: NDArray[np.floating]) -> Values:
    """Probabilities along the first axis."""
    shifted = np.exp(np.asarray(logits, np.float64) - logits.max(axis=0))
    probabilities: Values = shifted / shifted.sum(axis=0)
    return probabilities


def sigmoid(logits: NDArray[np.floating]) -> Values:
    """Logistic function, free of overflow."""
    probabilities: Values = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, np.float64)))
    return probabilities


def viable_voxels(tissue: Labels, lesion: Mask, enhancing_share: float) -> Mask:
    """Voxels that speak for a lesion: ET, or all its core where ET is a smaller share of it."""
    enhancing = lesion & (tissue == ET)
    enough = enhancing.sum() >= enhancing_share * lesion.sum()
    return enhancing if enough and enhancing.any() else lesion


@dataclass(frozen=True)
class NetworkAnswer:
    """What the network says of a lesion, not calibrated.

    ``mode_logits`` [3] in the order of ``MODES``, ``mimicry_logit``, and the share of viable tumor
    that is barely permeable, 0-1.
    """

    mode_logits: Values
    mimicry_logit: float
    low_permeability_share: float


def pool(habitat: Array, viable: Mask, around: Mask, surroundings_weight: float) -> NetworkAnswer:
    """Pool habitat logits [5, X, Y, Z] over a lesion's voxels, masks [X, Y, Z].

    All are means over ``viable`` voxels. Of the mode logits ``surroundings_weight`` times those
    ``around`` the lesion are taken off: what scanner and region do to the logits, they do there as
    well. Without any around, nothing is.
    """
    inside = habitat[:, viable].astype(np.float64)
    modes = slice(len(MODES))
    logits = inside[modes].mean(axis=1)
    if around.any():
        outside = habitat[modes, around].astype(np.float64)
        logits = logits - surroundings_weight * outside.mean(axis=1)
    return NetworkAnswer(
        mode_logits=logits,
        mimicry_logit=float(inside[MIMICRY].mean()),
        low_permeability_share=float(sigmoid(inside[LOW_PERMEABILITY]).mean()),
    )


def prediction_set(probabilities: Values, thresholds: Mapping[str, float]) -> tuple[str, ...]:
    """Modes that a class-conditional split-conformal test does not exclude; never empty.

    A mode stays where 1 - p is at most its threshold (Vovk, Gammerman and Shafer, Algorithmic
    Learning in a Random World, 2005); the most probable one always does.
    """
    best = int(probabilities.argmax())
    return tuple(
        mode
        for index, mode in enumerate(MODES)
        if index == best or 1.0 - probabilities[index] <= thresholds[mode]
    )
