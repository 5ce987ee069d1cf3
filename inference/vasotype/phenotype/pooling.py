"""One answer a lesion: the network's logits pooled over viable voxels, then calibrated.

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
    """What the network says of a lesion, pooled over its viable voxels and not calibrated.

    ``mode_logits`` [3] in the order of ``MODES``, ``mimicry_logit``, and the share of viable tumor
    that is barely permeable, 0-1.
    """

    mode_logits: Values
    mimicry_logit: float
    low_permeability_share: float


def pool(habitat: Array, viable: Mask) -> NetworkAnswer:
    """Pool habitat logits [5, X, Y, Z] over viable voxels [X, Y, Z]."""
    inside = habitat[:, viable].astype(np.float64)
    return NetworkAnswer(
        mode_logits=inside[: len(MODES)].mean(axis=1),
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
