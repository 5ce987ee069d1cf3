"""Calibration of the phenotype head on lesions whose mode is known.

A temperature and a bias make the pooled logits honest (Guo et al. 2017), a small model fuses them
with the biomarkers, and class-conditional conformal thresholds turn the fused probabilities into
sets that hold the true mode with a stated probability, for every mode on its own (Vovk 2012;
Sadinle et al. 2019). Thresholds, and the temperature of the fused model, come from lesions that it
did not see: it is fitted fold by fold, no patient in two folds (cross-conformal prediction, Vovk
2015), and once more on all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax
from vasotype.phenotype.features import Features, adjusted, lesion_features, log_edema_ratio
from vasotype.phenotype.fusion import fused_logits
from vasotype_models.contract import MODES, Calibration, Density, EdemaSize, ModeModel

from vasotype_training.calibrate_models import (
    Columns,
    as_columns,
    fit_density,
    fit_edema_size,
    fit_ladder,
    novelty_scores,
)
from vasotype_training.measured_lesions import TIERS, MeasuredLesion

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COVERAGE = 0.9
TEMPERATURES = (0.05, 20.0)
"""Range that a temperature is sought in."""
FOLDS = 5
NOVELTY_QUANTILE = 0.975
"""Share of held-out simulated lesions that count as like those of the calibration. Ours."""


def fit_temperature(logits: Floats, modes: Integers) -> float:
    """Temperature that minimises the negative log-likelihood of ``modes`` [N] under
    ``softmax(logits / temperature)``, ``logits`` [N, K].
    """
    rows = np.arange(len(modes))
    return _best_temperature(lambda t: -log_softmax(logits / t, axis=1)[rows, modes].mean())


def fit_scaling(logits: Floats, modes: Integers) -> tuple[float, tuple[float, float, float]]:
    """Temperature and bias [3] that minimise the negative log-likelihood of ``modes`` [N] under
    ``softmax(logits / temperature + bias)``, ``logits`` [N, 3]; the bias sums to 0.
    """
    rows = np.arange(len(modes))

    def loss(flat: Floats) -> float:
        answer = log_softmax(logits * flat[0] + flat[1:], axis=1)
        return float(-answer[rows, modes].mean())

    slopes = (1.0 / TEMPERATURES[1], 1.0 / TEMPERATURES[0])
    start = np.array([1.0 / fit_temperature(logits, modes), 0.0, 0.0, 0.0])
    bounds = (slopes, *[(None, None)] * len(MODES))
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    first, second, third = (round(float(b), 4) for b in found[1:] - found[1:].mean())
    return float(1.0 / found[0]), (first, second, third)


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


@dataclass(frozen=True)
class TierNumbers:
    """What is fitted for one kind of input: the network's scale, models, thresholds."""

    temperature: float
    bias: tuple[float, float, float]
    fused_temperature: float
    fusion: tuple[ModeModel, ...]
    biomarkers_only: tuple[ModeModel, ...]
    conformal_threshold: dict[str, float]
    lesions: int


def calibrate(lesions: Sequence[MeasuredLesion], source: str) -> Calibration:
    """Fit ``calibration.json`` for studies with all four sequences; ``source`` names the data.

    Raises ValueError when there are too few patients for the folds, when a mode is missing, or
    when mimicry is never present or never absent.
    """
    fold = folds([lesion.patient for lesion in lesions])
    edema = edema_by_size(lesions)
    numbers = {tier: fit_numbers(lesions, (tier, tier), edema) for tier in TIERS}
    mimicry_temperature, mimicry_threshold = _fit_mimicry(lesions)
    empty = Calibration(
        source=source,
        temperature={},
        mimicry_temperature=mimicry_temperature,
        mimicry_threshold=mimicry_threshold,
        edema_size=edema,
        density=_fit_density([as_features(lesion, "both", edema) for lesion in lesions], fold),
        conformal_threshold={},
        coverage=COVERAGE,
        lesions={},
    )
    return with_numbers(empty, numbers)


def with_numbers(calibration: Calibration, numbers: Mapping[str, TierNumbers]) -> Calibration:
    """The calibration with further numbers, by their names."""
    return calibration.model_copy(
        update={
            field.name: {
                **getattr(calibration, field.name),
                **{name: getattr(own, field.name) for name, own in numbers.items()},
            }
            for field in fields(TierNumbers)
        }
    )


def fit_numbers(
    lesions: Sequence[MeasuredLesion], names: tuple[str, str], edema: EdemaSize | None
) -> TierNumbers:
    """Fit the numbers of one kind of input to lesions whose answers stand under its name.

    ``names`` are those of the answers and of the tier, whose maps the models may use. Raises
    ValueError with too few patients, or too few lesions of a mode.
    """
    name, tier = names
    modes = np.array([lesion.mode for lesion in lesions], np.int64)
    if missing := [mode for k, mode in enumerate(MODES) if (modes == k).sum() < FOLDS]:
        raise ValueError(f"too few lesions of mode {', '.join(missing)} to fit on")
    fold = folds([lesion.patient for lesion in lesions])
    values = [as_features(lesion, name, edema) for lesion in lesions]
    columns = as_columns(values)
    held_out = _held_out(values, columns, modes, fold, tier)
    fused_temperature = fit_temperature(held_out, modes)
    logits = np.array([lesion.answers[name].mode_logits for lesion in lesions])
    temperature, bias = fit_scaling(logits, modes)
    return TierNumbers(
        temperature=temperature,
        bias=bias,
        fused_temperature=fused_temperature,
        fusion=fit_ladder(columns, modes, tier, network=True),
        biomarkers_only=fit_ladder(columns, modes, tier, network=False),
        conformal_threshold=conformal_thresholds(
            softmax(held_out / fused_temperature, axis=1), modes
        ),
        lesions=len(lesions),
    )


def folds(patients: Sequence[int]) -> Integers:
    """Fold of each lesion [N], 0 to 4, all lesions of a patient in one.

    Raises ValueError with fewer patients than folds.
    """
    numbers, which = np.unique(patients, return_inverse=True)
    if len(numbers) < FOLDS:
        raise ValueError(f"{len(numbers)} patients; at least {FOLDS} are needed")
    return np.asarray(which % FOLDS, np.int64)


def edema_by_size(lesions: Sequence[MeasuredLesion]) -> EdemaSize:
    """Regression of the edema ratio on tumor volume over all lesions (FE-05)."""
    tumor = [x.lesion.enhancing_ml + x.lesion.non_enhancing_core_ml for x in lesions]
    ratio = [log_edema_ratio(x.lesion.edema_ml, v) for x, v in zip(lesions, tumor, strict=True)]
    return fit_edema_size(np.array(ratio), np.array(tumor))


def as_features(lesion: MeasuredLesion, name: str, edema: EdemaSize | None) -> Features:
    """A lesion as the runtime's models see it; ``name`` is that of one of its answers."""
    measured = adjusted(lesion.biomarkers, lesion.lesion, edema)
    return {**lesion_features(measured, lesion.answers[name]), **lesion.images}


def _held_out(
    lesions: Sequence[Features], columns: Columns, modes: Integers, fold: Integers, tier: str
) -> Floats:
    """Fused logits [N, 3] of each lesion by models that saw no lesion of its fold."""
    logits = np.zeros((len(lesions), len(MODES)))
    for k in range(FOLDS):
        others = fold != k
        models = fit_ladder(_rows(columns, others), modes[others], tier, network=True)
        for n in np.flatnonzero(fold == k):
            if (found := fused_logits(models, lesions[int(n)])) is not None:
                logits[n] = found[0]
    return logits


def _fit_mimicry(lesions: Sequence[MeasuredLesion]) -> tuple[dict[str, float], float]:
    """Temperature of the mimicry logit in each tier, and the threshold of suspicion."""
    known = [lesion for lesion in lesions if lesion.mimicry >= 0]
    truth = np.array([lesion.mimicry for lesion in known], np.int64)
    temperatures, scores = {}, []
    for tier in TIERS:
        logits = np.array([lesion.answers[tier].mimicry_logit for lesion in known])
        temperatures[tier] = fit_binary_temperature(logits, truth)
        scores.append(expit(logits / temperatures[tier]))
    return temperatures, best_threshold(np.concatenate(scores), np.tile(truth, len(TIERS)))


def _rows(columns: Columns, which: NDArray[np.bool_]) -> Columns:
    return {name: values[which] for name, values in columns.items()}


def _fit_density(lesions: Sequence[Features], fold: Integers) -> Density:
    """Density of all lesions, with a threshold from lesions that it was not fitted on."""
    columns = as_columns(lesions)
    scores = np.zeros(len(lesions))
    for k in range(FOLDS):
        density = fit_density(_rows(columns, fold != k))
        own = np.flatnonzero(fold == k)
        scores[own] = novelty_scores(density, [lesions[int(n)] for n in own])
    threshold = float(np.quantile(scores, NOVELTY_QUANTILE))
    return fit_density(columns).model_copy(update={"threshold": threshold})


def _best_temperature(loss: Callable[[float], float]) -> float:
    bounds = tuple(np.log(TEMPERATURES))
    found = minimize_scalar(lambda x: loss(float(np.exp(x))), bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def _conformal_quantile(scores: Floats, coverage: float) -> float:
    # The tiny subtraction keeps 0.9 * 10 from rounding up to rank 10.
    rank = int(np.ceil((len(scores) + 1) * coverage - 1e-9))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else 1.0
