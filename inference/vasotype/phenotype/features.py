"""A lesion as a few named numbers: what the fused model and the density of lesions look at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from vasotype_models.contract import MODES, EdemaSize, Feature

from vasotype.phenotype.pooling import NetworkAnswer
from vasotype.result import BiomarkerRecord
from vasotype.stages import Lesion, LesionSet

Features = Mapping[str, float]

EDEMA_OFFSET_ML = 0.05
"""Added to edema before the logarithm, so that a lesion without any has a value (FE-05)."""
SHARE_LIMIT = 0.01
"""Shares are kept this far from 0 and 1 before their logit. Ours."""
ADJUSTED = "edema_ratio_size_adjusted"
EDEMATOUS_MM = 9.4
"""Diameter at which edema begins to be seen, in 1,416 metastases (Schneider 2017)."""
NETWORK = tuple(f"network_{mode}" for mode in MODES)
LOW_PERMEABILITY = "network_low_permeability"


def lesion_features(biomarkers: Iterable[BiomarkerRecord], answer: NetworkAnswer) -> Features:
    """All numbers that a lesion has, by name; what could not be measured is not there.

    The mode logits are centred: only their differences mean anything. ``edema_present`` is 1 or 0,
    so that a lesion without edema, which many small ones lack in every mode, is not taken for one
    with very little.
    """
    values = {
        b.name: float(b.value)
        for b in biomarkers
        if b.available and isinstance(b.value, float | int) and not isinstance(b.value, bool)
    }
    if "edema_volume" in values:
        values["edema_present"] = float(values["edema_volume"] > 0)
    centred = answer.mode_logits - answer.mode_logits.mean()
    values |= dict(zip(NETWORK, map(float, centred), strict=True))
    values[LOW_PERMEABILITY] = answer.low_permeability_share
    return values


def scaled(feature: Feature, values: Features) -> float | None:
    """A feature on its common scale; None where the lesion has no such number."""
    value = values.get(feature.name)
    if value is None or not math.isfinite(value):
        return None
    moved = transformed(feature.transform, value)
    return None if moved is None else (moved - feature.centre) / feature.spread


def transformed(transform: str, value: float) -> float | None:
    """f(x) of a feature; None where that is undefined."""
    if transform == "log":
        return math.log(value) if value > 0 else None
    if transform == "logit":
        share = float(np.clip(value, SHARE_LIMIT, 1 - SHARE_LIMIT))
        return math.log(share / (1 - share))
    return value


def log_edema_ratio(edema_ml: float, tumor_ml: float) -> float:
    """ln((V_edema + 0.05 mL) / V_tumor)."""
    return math.log((edema_ml + EDEMA_OFFSET_ML) / tumor_ml)


def adjust_edema(
    biomarkers: Sequence[tuple[BiomarkerRecord, ...]],
    lesions: LesionSet,
    regression: EdemaSize | None,
) -> tuple[tuple[BiomarkerRecord, ...], ...]:
    """The biomarkers of all lesions with their size-adjusted edema ratios (FE-05)."""
    return tuple(
        adjusted(measured, lesion, regression)
        for measured, lesion in zip(biomarkers, lesions.lesions, strict=True)
    )


def adjusted(
    biomarkers: tuple[BiomarkerRecord, ...], lesion: Lesion, regression: EdemaSize | None
) -> tuple[BiomarkerRecord, ...]:
    """The biomarkers of a lesion with its size-adjusted edema ratio, where it has a ratio.

    It is the residual of the logarithmic ratio: 0 for a tumor with the edema that simulated ones
    of its size have on average. Without a ``regression`` nothing changes. Of a small lesion without
    edema it is of low quality: in every mode many have none.
    """
    ratio = next((b for b in biomarkers if b.name == "edema_ratio"), None)
    tumor_ml = lesion.enhancing_ml + lesion.non_enhancing_core_ml
    if regression is None or ratio is None or not ratio.available or tumor_ml <= 0:
        return biomarkers
    expected = regression.intercept + regression.slope * math.log(tumor_ml)
    small = lesion.edema_ml == 0 and lesion.longest_diameter_mm < EDEMATOUS_MM
    notes = (
        ratio.note,
        "against simulated tumors of its size",
        f"without edema, which lesions below {EDEMATOUS_MM:g} mm often lack" if small else None,
    )
    value = {
        "value": log_edema_ratio(lesion.edema_ml, tumor_ml) - expected,
        "available": True,
        "quality": "low" if small else ratio.quality,
        "note": "; ".join(filter(None, notes)),
    }
    return tuple(b.model_copy(update=value) if b.name == ADJUSTED else b for b in biomarkers)
