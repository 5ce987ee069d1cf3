"""Calibration for inputs beyond the tiers: studies without T1, and lesions with PET.

Without T1 there is no degree of enhancement and the network says something else: temperature,
models and thresholds are fitted anew on lesions that were measured so. PET adds little to what MRI
tells; it shifts the logits of a tier's models by one term, which a few lesions can fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from vasotype.phenotype.features import Features
from vasotype.phenotype.fusion import PET, WITH_PET, WITHOUT_T1, fused_logits
from vasotype_models.contract import MODES, Calibration, ModeModel

from vasotype_training.calibrate import (
    FOLDS,
    TierNumbers,
    as_features,
    conformal_thresholds,
    fit_numbers,
    fit_scaling,
    fit_temperature,
    folds,
    with_numbers,
)
from vasotype_training.calibrate_models import as_columns, column, fit_ladder, fit_shift
from vasotype_training.measured_lesions import TIERS, MeasuredLesion

Lesions = Sequence[MeasuredLesion]
Floats = NDArray[np.float64]


def with_reduced_input(calibration: Calibration, lesions: Lesions) -> Calibration:
    """The calibration with numbers for studies of T1c and FLAIR, on lesions measured so.

    Raises ValueError with too few patients, or too few lesions of a mode.
    """
    names = {tier: tier + WITHOUT_T1 for tier in TIERS}
    edema = calibration.edema_size
    own = {name: fit_numbers(lesions, (name, tier), edema) for tier, name in names.items()}
    return with_numbers(calibration, own)


def with_pet(calibration: Calibration, lesions: Lesions, seen: Lesions) -> Calibration:
    """The calibration with numbers for lesions that have a PET value.

    ``lesions`` were those of the calibration; ``seen`` are some of the same patients', measured
    with a network that saw PET. Raises ValueError where these are too few.
    """
    fold = dict(zip((x.patient for x in lesions), folds([x.patient for x in lesions]), strict=True))
    own = {tier + WITH_PET: _fit_pet(calibration, tier, (lesions, seen), fold) for tier in TIERS}
    return with_numbers(calibration, own)


def _fit_pet(
    calibration: Calibration, tier: str, both: tuple[Lesions, Lesions], fold: Mapping[int, int]
) -> TierNumbers:
    name, edema = tier + WITH_PET, calibration.edema_size
    plain = [as_features(lesion, tier, edema) for lesion in both[0]]
    columns, modes = as_columns(plain), _modes(both[0])
    plain_fold = np.array([fold[lesion.patient] for lesion in both[0]])
    features = [(lesion, as_features(lesion, name, edema)) for lesion in both[1]]
    with_value = [(lesion, values) for lesion, values in features if PET in values]
    if missing := set(range(len(MODES))) - {lesion.mode for lesion, _ in with_value}:
        raise ValueError(f"too few lesions of mode {MODES[min(missing)]} with PET to fit on")
    lesions, values = zip(*with_value, strict=True)
    own_fold = np.array([fold[lesion.patient] for lesion in lesions])
    held_out = np.zeros((len(lesions), len(MODES)))
    for k in range(FOLDS):
        others, here = plain_fold != k, np.flatnonzero(own_fold == k)
        ladder = fit_ladder(
            {n: c[others] for n, c in columns.items()}, modes[others], tier, network=True
        )
        rest = np.flatnonzero(own_fold != k)
        shifted = _shifted(ladder, [values[i] for i in rest], _modes([lesions[i] for i in rest]))
        held_out[here] = _logits(shifted, [values[i] for i in here])
    own_modes = _modes(lesions)
    network = np.array([lesion.answers[name].mode_logits for lesion in lesions])
    fused_temperature = fit_temperature(held_out, own_modes)
    temperature, bias = fit_scaling(network, own_modes)
    return TierNumbers(
        temperature=temperature,
        bias=bias,
        fused_temperature=fused_temperature,
        fusion=_shifted(calibration.fusion[tier], values, own_modes),
        biomarkers_only=calibration.biomarkers_only[tier],
        conformal_threshold=conformal_thresholds(
            softmax(held_out / fused_temperature, axis=1), own_modes
        ),
        lesions=len(lesions),
    )


def _shifted(
    ladder: Sequence[ModeModel], lesions: Sequence[Features], modes: NDArray[np.int64]
) -> tuple[ModeModel, ...]:
    """The models with the term of PET, which is fitted while all others stay as they are."""
    shift = fit_shift(_logits(ladder, lesions), column(lesions, PET), modes, PET)
    return tuple(
        ModeModel(
            intercepts=_sum(model.intercepts, shift.intercepts),
            terms=(*model.terms, *shift.terms),
        )
        for model in ladder
    )


def _logits(ladder: Sequence[ModeModel], lesions: Sequence[Features]) -> Floats:
    """Fused logits [N, 3]; the last model needs the network alone, so that each lesion has some."""
    answers = [fused_logits(ladder, values) for values in lesions]
    rows = [np.zeros(len(MODES)) if found is None else found[0] for found in answers]
    return np.array(rows, np.float64).reshape(len(rows), len(MODES))


def _modes(lesions: Lesions) -> NDArray[np.int64]:
    return np.array([lesion.mode for lesion in lesions], np.int64)


def _sum(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> tuple[float, float, float]:
    a, b, c = (x + y for x, y in zip(first, second, strict=True))
    return a, b, c
