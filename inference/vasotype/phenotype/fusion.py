"""The fused reading: a small logistic model over the network's logits and the biomarkers.

Its numbers stand in ``calibration.json``, one set a tier. Nothing is imputed: of a tier's models
the first whose terms a lesion has all of answers for it; the last needs the network alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from vasotype_models.contract import Calibration, ModeModel, Term

from vasotype.phenotype.features import Features, scaled
from vasotype.phenotype.pooling import NetworkAnswer, Values, softmax


@dataclass(frozen=True)
class Contribution:
    """What one term of a model adds to the logits [3] of the modes; ``standardised`` is its z."""

    term: Term
    standardised: float
    logits: Values


@dataclass(frozen=True)
class Fused:
    """Probabilities [3] of the modes and where they come from; None without a fused model.

    ``contributions`` stand in the order of the model's terms.
    """

    probabilities: Values
    contributions: tuple[Contribution, ...] | None


def network_probabilities(calibration: Calibration, tier: str, answer: NetworkAnswer) -> Values:
    """The network's own calibrated probabilities [3]."""
    return softmax(answer.mode_logits / calibration.temperature[tier])


def fuse(calibration: Calibration, tier: str, answer: NetworkAnswer, features: Features) -> Fused:
    """The fused probabilities of a lesion; the network's own where no fused model is stored."""
    contributions = fused_logits(calibration.fusion.get(tier, ()), features)
    if contributions is None:
        return Fused(network_probabilities(calibration, tier, answer), None)
    logits, parts = contributions
    return Fused(softmax(logits / calibration.fused_temperature.get(tier, 1.0)), parts)


def fused_logits(
    models: Sequence[ModeModel], features: Features
) -> tuple[Values, tuple[Contribution, ...]] | None:
    """Logits [3] of the first model whose terms the lesion has all of, and what they add up from.

    None where it has the terms of none.
    """
    for model in models:
        values = [scaled(term, features) for term in model.terms]
        parts = tuple(
            Contribution(term, z, np.array(term.coefficients) * z)
            for term, z in zip(model.terms, values, strict=True)
            if z is not None
        )
        if len(parts) == len(model.terms):
            return np.array(model.intercepts) + sum((p.logits for p in parts), np.zeros(3)), parts
    return None
