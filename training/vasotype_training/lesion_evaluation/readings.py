"""Measured lesions of known mode, read in one input tier by every reader of the phenotype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vasotype.phenotype.features import adjusted
from vasotype.phenotype.fusion import fuse, fused_logits, network_probabilities
from vasotype.phenotype.novelty import novelty_score
from vasotype.phenotype.pooling import prediction_set, softmax
from vasotype.phenotype.rules import Rulebook, leaning_by_rules
from vasotype.result import BiomarkerRecord
from vasotype_models.contract import MODES, Calibration

from vasotype_training.calibrate import as_features
from vasotype_training.measured_lesions import MeasuredLesion

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

READERS = ("network", "fused", "rules", "biomarkers")
"""The network alone; network and biomarkers; thresholds; logistic regression on biomarkers."""
MAP_OF = {"FE-10": "dsc", "FE-11": "dce", "FE-14": "dce"}
"""Biomarkers that need a map, and the tier that has it."""


@dataclass(frozen=True)
class Readings:
    """N lesions of one tier.

    ``probabilities`` [N, 3] by reader (the rules say one mode or none: 1, or a third each);
    ``in_set`` whether the true mode is not excluded, ``set_size``, ``abstained`` and ``novelty``
    are those of the reported answer; ``enhancement`` is nan where it was not measurable.
    """

    patient: Integers
    mode: Integers
    probabilities: dict[str, Floats]
    in_set: Flags
    set_size: Integers
    abstained: Flags
    novelty: Floats
    enhancement: Floats


def read_lesions(
    lesions: Sequence[MeasuredLesion], tier: str, calibration: Calibration, rules: Rulebook
) -> Readings:
    """Read lesions in a tier with the numbers of a calibration."""
    thresholds = calibration.conformal_threshold[tier]
    limit = np.inf if calibration.density is None else calibration.density.threshold
    rows = []
    for lesion in lesions:
        features = as_features(lesion, tier, calibration.edema_size)
        fused = fuse(calibration, tier, lesion.answers[tier], features).probabilities
        alone = fused_logits(calibration.biomarkers_only.get(tier, ()), features)
        measured = adjusted(lesion.biomarkers, lesion.lesion, calibration.edema_size)
        label = leaning_by_rules(_of_tier(measured, tier), rules)
        novelty = 0.0
        if calibration.density is not None:
            novelty = novelty_score(calibration.density, features) or 0.0
        members = MODES if novelty > limit else prediction_set(fused, thresholds)
        by_reader = {
            "network": network_probabilities(calibration, tier, lesion.answers[tier]),
            "fused": fused,
            "rules": _certain(label),
            "biomarkers": _certain(None) if alone is None else softmax(alone[0]),
        }
        rows.append((lesion, by_reader, members, novelty, features.get("enhancement_mean", np.nan)))
    modes = np.array([lesion.mode for lesion, *_ in rows], np.int64)
    return Readings(
        patient=np.array([lesion.patient for lesion, *_ in rows], np.int64),
        mode=modes,
        probabilities={r: np.array([row[1][r] for row in rows]) for r in READERS},
        in_set=np.array([MODES[m] in row[2] for m, row in zip(modes, rows, strict=True)], bool),
        set_size=np.array([len(row[2]) for row in rows], np.int64),
        abstained=np.array([row[3] > limit for row in rows], bool),
        novelty=np.array([row[3] for row in rows], np.float64),
        enhancement=np.array([row[4] for row in rows], np.float64),
    )


def _of_tier(biomarkers: Sequence[BiomarkerRecord], tier: str) -> list[BiomarkerRecord]:
    """Biomarkers that can be measured with the maps of a tier."""
    return [b for b in biomarkers if tier == "both" or MAP_OF.get(b.id, tier) == tier]


def _certain(label: str | None) -> Floats:
    if label is None:
        return np.full(len(MODES), 1 / len(MODES))
    return np.array([float(mode == label) for mode in MODES])
