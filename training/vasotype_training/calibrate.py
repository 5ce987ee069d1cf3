"""Calibration of the phenotype head on lesions whose mode is known.

Temperatures make the pooled logits honest (Guo et al. 2017); class-conditional split-conformal
thresholds turn the calibrated probabilities into sets that hold the true mode with a stated
probability, for every mode on its own (Vovk 2012; Sadinle et al. 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax
from vasotype_models.contract import MODES, Calibration

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COVERAGE = 0.9
TEMPERATURES = (0.05, 20.0)
"""Range that a temperature is sought in."""


@dataclass(frozen=True)
class PooledLesions:
    """Pooled answers of lesions of one input tier, with their truth.

    ``mode_logits`` [N, 3] in the order of ``MODES`` and ``mimicry_logits`` [N]; ``modes`` [N] is
    the index of the true mode, -1 where unknown; ``mimicry`` [N] is 1, 0 or -1 where unknown.
    """

    mode_logits: Floats
    modes: Integers
    mimicry_logits: Floats
    mimicry: Integers


def fit_temperature(logits: Floats, modes: Integers) -> float:
    """Temperature that minimises the negative log-likelihood of ``modes`` [N] under
    ``softmax(logits / temperature)``, ``logits`` [N, K].
    """
    rows = np.arange(len(modes))
    return _best_temperature(lambda t: -log_softmax(logits / t, axis=1)[rows, modes].mean())


def fit_binary_temperature(logits: Floats, truth: Integers) -> float:
    """The same for one logit a lesion [N] and truth 0 or 1."""
    signed = np.where(truth == 1, logits, -logits)
    return _best_temperature(lambda t: np.logaddexp(0.0, -signed / t).mean())


def conformal_thresholds(
    probabilities: Floats, modes: Integers, coverage: float = COVERAGE
) -> dict[str, float]:
    """Largest 1 - p that a prediction set admits, for each mode.

    For a mode with n lesions this is the ceil((n + 1) * coverage)-th smallest score 1 - p(true
    mode); exchangeable lesions of that mode are then covered with at least ``coverage``. A mode
    with too few lesions for the claim is always admitted (threshold 1).
    """
    return {
        mode: _conformal_quantile(1.0 - probabilities[modes == k, k], coverage)
        for k, mode in enumerate(MODES)
    }


def prediction_sets(probabilities: Floats, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Which modes are in each lesion's set [N, 3]."""
    limits = np.array([thresholds[mode] for mode in MODES])
    return 1.0 - probabilities <= limits


def best_threshold(scores: Floats, truth: Integers) -> float:
    """Score from which a lesion counts as positive, at the highest sensitivity + specificity.

    Raises ValueError when ``truth`` lacks one of the two classes.
    """
    positive, negative = np.sort(scores[truth == 1]), np.sort(scores[truth == 0])
    if not len(positive) or not len(negative):
        raise ValueError("a threshold needs lesions of both classes")
    candidates = np.unique(scores)
    sensitivity = 1.0 - np.searchsorted(positive, candidates) / len(positive)
    specificity = np.searchsorted(negative, candidates) / len(negative)
    return float(candidates[np.argmax(sensitivity + specificity)])


def calibrate(tiers: Mapping[str, PooledLesions], source: str) -> Calibration:
    """Fit every number of ``calibration.json``.

    ``tiers`` maps ``structural``, ``dsc``, ``dce`` and ``both`` to their lesions; ``source`` names
    the data. Every second lesion fits the temperature and the others the conformal thresholds, so
    that the coverage claim holds. Raises ValueError when a tier lacks a mode, or when mimicry is
    never present or never absent.
    """
    temperature, mimicry_temperature, thresholds, counts = {}, {}, {}, {}
    scores: list[Floats] = []
    truths: list[Integers] = []
    for tier, lesions in tiers.items():
        known = lesions.modes >= 0
        logits, modes = lesions.mode_logits[known], lesions.modes[known]
        if missing := [m for k, m in enumerate(MODES) if not (modes[::2] == k).any()]:
            raise ValueError(f"tier {tier}: no lesion of mode {', '.join(missing)} to fit on")
        temperature[tier] = fit_temperature(logits[::2], modes[::2])
        held_out = softmax(logits[1::2] / temperature[tier], axis=1)
        thresholds[tier] = conformal_thresholds(held_out, modes[1::2])
        known = lesions.mimicry >= 0
        mimicry_logits, mimicry = lesions.mimicry_logits[known], lesions.mimicry[known]
        mimicry_temperature[tier] = fit_binary_temperature(mimicry_logits, mimicry)
        scores.append(expit(mimicry_logits / mimicry_temperature[tier]))
        truths.append(mimicry)
        counts[tier] = len(modes)
    return Calibration(
        source=source,
        temperature=temperature,
        mimicry_temperature=mimicry_temperature,
        mimicry_threshold=best_threshold(np.concatenate(scores), np.concatenate(truths)),
        conformal_threshold=thresholds,
        coverage=COVERAGE,
        lesions=counts,
    )


def _best_temperature(loss: Callable[[float], float]) -> float:
    bounds = tuple(np.log(TEMPERATURES))
    found = minimize_scalar(lambda x: loss(float(np.exp(x))), bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def _conformal_quantile(scores: Floats, coverage: float) -> float:
    # The tiny subtraction keeps 0.9 * 10 from rounding up to rank 10.
    rank = int(np.ceil((len(scores) + 1) * coverage - 1e-9))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else 1.0
