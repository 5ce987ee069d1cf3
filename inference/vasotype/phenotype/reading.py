"""The phenotype of each lesion: tier, calibrated leaning, prediction set, mimicry, abstention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from vasotype_models.contract import CHANNELS, MODES, Calibration, Contract

from vasotype.lesions.boxes import Box, instance_boxes
from vasotype.phenotype.pooling import (
    Values,
    low_permeability_share,
    mimicry_score,
    mode_probabilities,
    prediction_set,
    viable_voxels,
)
from vasotype.result import MimicrySuspicion, ModeProbabilities, PhenotypeRecord
from vasotype.stages import Lesion, LesionSet, Maps, Mask, Prepared

Tier = Literal["structural", "dsc", "dce", "both"]
Mode = Literal["angiogenic", "intermediate", "co_option"]

LEAST_DIAMETER_MM = 5.0
"""Below this the model abstains."""
MARKED_EDEMA_RATIO = 3.4
"""Edema over core volume that counts as marked: upper quartile of what is simulated (1.0-3.4)."""
BRIGHT_SHARE = 0.05
BRIGHT_VOXELS = 5
"""Share and count of T1-bright core voxels that count as evidence of blood or melanin. Ours."""
BRIGHT_PERCENTILE = 99.0

T1 = CHANNELS.index("t1")


@dataclass(frozen=True)
class _View:
    """One lesion in its box of the prepared grid."""

    lesion: Lesion
    box: Box
    core: Mask
    viable: Mask


def tier_of(channels: Sequence[str]) -> Tier:
    """Input tier: which quantitative MRI is there beside the structural channels."""
    dsc, dce = "rcbv" in channels, "ktrans" in channels
    if dsc and dce:
        return "both"
    return "dsc" if dsc else "dce" if dce else "structural"


def read_phenotypes(
    prepared: Prepared,
    maps: Maps,
    lesions: LesionSet,
    contract: Contract,
    calibration: Calibration,
) -> tuple[PhenotypeRecord, ...]:
    """The phenotype of each lesion, in the order of ``lesions``.

    Each is read on its own. The mode logits are averaged over viable voxels, divided by the
    tier's temperature and turned into probabilities. Mimicry stands apart and is never suspected
    without blood, melanin or marked edema. Below 5 mm, or without T1c or FLAIR, there is no label
    and the prediction set is full.
    """
    bright = _bright_t1(prepared, lesions)
    records = []
    for lesion, box in zip(lesions.lesions, instance_boxes(lesions.instances), strict=True):
        core = lesions.instances[box] == lesion.id
        share = contract.inference.viable_enhancing_share
        view = _View(lesion, box, core, viable_voxels(lesions.tissue[box], core, share))
        evidence = _marked_edema(lesion) or _bleeds(prepared, view, bright)
        records.append(_read(prepared, maps, view, calibration, evidence))
    return tuple(records)


def abstention(lesion: Lesion, channels: Sequence[str]) -> str | None:
    """Why the model can't say, or None where it can."""
    reasons = []
    if lesion.model_diameter_mm < LEAST_DIAMETER_MM:
        reasons.append(
            f"the lesion measures {lesion.model_diameter_mm:.1f} mm, "
            f"below the {LEAST_DIAMETER_MM:.0f} mm at which modes can be told apart"
        )
    if "t1c" not in channels:
        reasons.append("T1 after contrast is missing")
    if "flair" not in channels:
        reasons.append("FLAIR is missing")
    return "; ".join(reasons) or None


def _read(
    prepared: Prepared, maps: Maps, view: _View, calibration: Calibration, evidence: bool
) -> PhenotypeRecord:
    tier = tier_of(prepared.channels)
    habitat = maps.habitat[(slice(None), *view.box)]
    probabilities = mode_probabilities(habitat, view.viable, calibration.temperature[tier])
    reason = abstention(view.lesion, prepared.channels)
    modes, label = _leaning(probabilities, calibration.conformal_threshold[tier], reason)
    contrast = "t1c" in prepared.channels
    score = mimicry_score(habitat, view.viable, calibration.mimicry_temperature[tier])
    level: Literal["yes", "no", "unknown"] = "unknown"
    if reason is None:
        level = "yes" if evidence and score >= calibration.mimicry_threshold else "no"
    return PhenotypeRecord(
        probabilities=ModeProbabilities(**dict(zip(MODES, map(float, probabilities), strict=True))),
        mimicry_suspicion=MimicrySuspicion(level=level, score=score if contrast else None),
        label=label,
        label_supported=label is not None and modes == (label,),
        prediction_set=modes,
        abstained=reason is not None,
        reason=reason,
        tier=tier,
        low_permeability_share=low_permeability_share(habitat, view.viable) if contrast else None,
    )


def _leaning(
    probabilities: Values, thresholds: Mapping[str, float], reason: str | None
) -> tuple[tuple[str, ...], Mode | None]:
    """Prediction set and label; all modes and no label where there is a reason to abstain."""
    if reason is not None:
        return MODES, None
    names: tuple[Mode, ...] = ("angiogenic", "intermediate", "co_option")
    return prediction_set(probabilities, thresholds), names[int(probabilities.argmax())]


def _marked_edema(lesion: Lesion) -> bool:
    core_ml = lesion.enhancing_ml + lesion.non_enhancing_core_ml
    return lesion.edema_ml >= MARKED_EDEMA_RATIO * core_ml


def _bright_t1(prepared: Prepared, lesions: LesionSet) -> float | None:
    """T1 signal above which a voxel is bright: 99th percentile of the brain outside all labels.

    It stands for normal white matter, the brightest tissue on T1, and lies a little above it.
    None without T1.
    """
    brain = prepared.mask & (lesions.tissue == 0)
    if not prepared.present[T1] or not brain.any():
        return None
    return float(np.percentile(prepared.image[T1][brain], BRIGHT_PERCENTILE))


def _bleeds(prepared: Prepared, view: _View, bright: float | None) -> bool:
    """Whether enough of the core is bright on T1 before contrast."""
    if bright is None:
        return False
    count = int((prepared.image[(T1, *view.box)][view.core] > bright).sum())
    return count >= max(BRIGHT_VOXELS, BRIGHT_SHARE * int(view.core.sum()))
