"""The fused reading: a small logistic model over the network's logits and the biomarkers.

Its numbers stand in ``calibration.json``, one set a tier, and further ones for studies without T1
and for lesions with PET. Nothing is imputed: of a tier's models the first whose terms a lesion has
all of answers for it; the last needs the network alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from vasotype_models.contract import Calibration, ModeModel, Term

from vasotype.phenotype.features import Features, scaled
from vasotype.phenotype.pooling import NetworkAnswer, Values, softmax

WITHOUT_T1, WITH_PET = "-t1", "+pet"
"""What the name of a tier's numbers ends in where they were fitted for such an input."""
PET = "tbr_max"
"""The biomarker by which a lesion's PET counts."""
FARTHEST = 3.0
"""Standardised values count no farther from 0: one odd measurement must not decide alone. Ours."""


@dataclass(frozen=True)
class Contribution:
    """What one term of a model adds to the logits [3] of the modes; ``standardised`` is its z,
    cut at ``FARTHEST``.
    """

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


def numbers_name(tier: str, channels: Collection[str], *, pet: bool) -> str:
    """Name of the numbers that hold for an input: its tier, without T1 or else with PET."""
    if "t1" not in channels:
        return tier + WITHOUT_T1
    return tier + WITH_PET if pet else tier


def numbers_for(
    calibration: Calibration, tier: str, channels: Collection[str], features: Features
) -> str:
    """Name of the numbers that a lesion is read with: those of its input, or else of its tier.

    A sequence that is missing, or a map that is there, moves what the network says; a calibration
    that was fitted for such an input undoes that. PET counts where it was measured in the lesion.
    """
    name = numbers_name(tier, channels, pet=PET in features)
    return name if name in calibration.conformal_threshold else tier


def network_probabilities(calibration: Calibration, tier: str, answer: NetworkAnswer) -> Values:
    """The network's own calibrated probabilities [3]."""
    bias = np.array(calibration.bias.get(tier, (0.0, 0.0, 0.0)))
    return softmax(answer.mode_logits / calibration.temperature[tier] + bias)


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
        cut = [None if z is None else float(np.clip(z, -FARTHEST, FARTHEST)) for z in values]
        parts = tuple(
            Contribution(term, z, np.array(term.coefficients) * z)
            for term, z in zip(model.terms, cut, strict=True)
            if z is not None
        )
        if len(parts) == len(model.terms):
            return np.array(model.intercepts) + sum((p.logits for p in parts), np.zeros(3)), parts
    return None
