"""The phenotype of each lesion: tier, fused leaning, prediction set, mimicry, abstention."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from vasotype_models.contract import MODES, Calibration, Contract

from vasotype.phenotype.answers import LesionView, lesion_views
from vasotype.phenotype.features import ADJUSTED, Features, lesion_features
from vasotype.phenotype.fusion import fuse, network_probabilities, numbers_for
from vasotype.phenotype.novelty import image_statistics, novelty_score
from vasotype.phenotype.pooling import NetworkAnswer, Values, prediction_set, sigmoid
from vasotype.phenotype.reasons import reasons
from vasotype.prepare.quality import NOTHING_ENHANCES
from vasotype.result import BiomarkerRecord, MimicrySuspicion, ModeProbabilities, PhenotypeRecord
from vasotype.stages import Lesion, LesionSet, Maps, Prepared

Tier = Literal["structural", "dsc", "dce", "both"]
Mode = Literal["angiogenic", "intermediate", "co_option"]

LEAST_DIAMETER_MM = 5.0
"""Below this the model abstains."""
MARKED_EDEMA = math.log(3.4 / 1.9)
"""Size-adjusted edema ratio (FE-05) that counts as marked: upper quartile over the median of the
ratios that are simulated, on its logarithmic scale."""
BRIGHT_SHARE, BRIGHT_ML = 0.05, 0.005
"""Share and volume of T1-bright core (FE-08) that count as evidence of blood or melanin. Ours."""

MEASURED_BY = {"rcbv": "rcbv_mean", "ktrans": "ktrans_tumor_mean"}
"""The biomarker without which a map says nothing of a lesion."""
FAILED_QUALITY = {
    "no-visible-contrast": "no contrast agent is visible on T1 after contrast",
    NOTHING_ENHANCES: "nothing is brighter on T1 after contrast than before",
    "implausible-brain-volume": "the brain mask is implausible",
}
"""Findings on the images that leave nothing to read a mode from, and what they mean."""


@dataclass(frozen=True)
class LesionInput:
    """All that one lesion is read from.

    ``features`` are its biomarkers, the network's answers and the statistics of its images.
    """

    view: LesionView
    tier: Tier
    answer: NetworkAnswer
    features: Features


def tier_of(channels: Sequence[str]) -> Tier:
    """Input tier: which quantitative MRI is there beside the structural channels."""
    dsc, dce = "rcbv" in channels, "ktrans" in channels
    if dsc and dce:
        return "both"
    return "dsc" if dsc else "dce" if dce else "structural"


def read_phenotypes(
    prepared: Prepared,
    lesions: LesionSet,
    inputs: Sequence[LesionInput],
    calibration: Calibration,
) -> tuple[PhenotypeRecord, ...]:
    """The phenotype of each lesion, in the order of ``lesions`` and of their ``inputs``.

    Each is read on its own. The network's mode logits are pooled over viable voxels and fused
    with the biomarkers by the model of the lesion's tier. Mimicry stands apart and is never
    suspected without blood, melanin or marked edema; it stays unknown where one of them could not
    be looked for and no other was found. Where the model abstains there is no label and the
    prediction set is full.
    """
    return tuple(
        _read(prepared, lesion, given, calibration)
        for lesion, given in zip(lesions.lesions, inputs, strict=True)
    )


def lesion_inputs(
    prepared: Prepared,
    maps: Maps,
    lesions: LesionSet,
    biomarkers: Sequence[Sequence[BiomarkerRecord]],
    contract: Contract,
) -> tuple[LesionInput, ...]:
    """What each lesion is read from, in the order of ``lesions``.

    The tier is chosen lesion by lesion: a map counts where it gave this lesion a value. Biomarkers
    of a PET that ``prepared`` lacks are left out.
    """
    pet = "tbr" in prepared.channels
    views = lesion_views(lesions, prepared.mask, contract.inference)
    inputs = []
    for view, measured in zip(views, biomarkers, strict=True):
        answer = view.answer(maps.habitat, contract.inference)
        seen = (b for b in measured if pet or not b.name.startswith("tbr_"))
        features = {
            **lesion_features(seen, answer),
            **image_statistics(prepared, view.box, view.core),
        }
        inputs.append(
            LesionInput(view, _lesion_tier(prepared.channels, features), answer, features)
        )
    return tuple(inputs)


def abstention(
    prepared: Prepared, lesion: Lesion, novelty: float | None, calibration: Calibration
) -> str | None:
    """Why the model can't say, or None where it can."""
    reasons_against = []
    if lesion.model_diameter_mm < LEAST_DIAMETER_MM:
        reasons_against.append(
            f"the lesion measures {lesion.model_diameter_mm:.1f} mm, "
            f"below the {LEAST_DIAMETER_MM:.0f} mm at which modes can be told apart"
        )
    if "t1c" not in prepared.channels:
        reasons_against.append("T1 after contrast is missing")
    if "flair" not in prepared.channels:
        reasons_against.append("FLAIR is missing")
    codes = dict.fromkeys(finding.code for finding in prepared.findings)
    reasons_against += [FAILED_QUALITY[code] for code in codes if code in FAILED_QUALITY]
    limit = None if calibration.density is None else calibration.density.threshold
    if novelty is not None and limit is not None and novelty > limit:
        reasons_against.append(
            f"the lesion or its images look unlike what the model was calibrated on "
            f"(score {novelty:.1f}, limit {limit:.1f})"
        )
    return "; ".join(reasons_against) or None


def _lesion_tier(channels: Sequence[str], features: Features) -> Tier:
    return tier_of([c for c in channels if MEASURED_BY.get(c, "") in features])


def _read(
    prepared: Prepared, lesion: Lesion, given: LesionInput, calibration: Calibration
) -> PhenotypeRecord:
    tier, answer, features = given.tier, given.answer, given.features
    density = calibration.density
    novelty = None if density is None else novelty_score(density, features)
    reason = abstention(prepared, lesion, novelty, calibration)
    numbers = numbers_for(calibration, tier, prepared.channels, features)
    fused = fuse(calibration, numbers, answer, features)
    modes, label = _leaning(fused.probabilities, calibration.conformal_threshold[numbers], reason)
    contrast = "t1c" in prepared.channels
    score = float(sigmoid(np.array(answer.mimicry_logit / calibration.mimicry_temperature[tier])))
    level: Literal["yes", "no", "unknown"] = "unknown"
    evidence = _mimicry_evidence(features)
    if reason is None and evidence is not None:
        level = "yes" if evidence and score >= calibration.mimicry_threshold else "no"
    return PhenotypeRecord(
        probabilities=_named(fused.probabilities),
        network_probabilities=_named(network_probabilities(calibration, numbers, answer)),
        fused_from=None
        if fused.contributions is None
        else tuple(c.term.name for c in fused.contributions),
        mimicry_suspicion=MimicrySuspicion(level=level, score=score if contrast else None),
        label=label,
        label_supported=label is not None and modes == (label,),
        prediction_set=modes,
        abstained=reason is not None,
        reason=reason,
        tier=tier,
        numbers=numbers,
        low_permeability_share=answer.low_permeability_share if contrast else None,
        novelty=novelty,
        novelty_limit=None if density is None else density.threshold,
        reasons=reasons(fused, label, features),
    )


def _named(probabilities: Values) -> ModeProbabilities:
    return ModeProbabilities(**dict(zip(MODES, map(float, probabilities), strict=True)))


def _leaning(
    probabilities: Values, thresholds: Mapping[str, float], reason: str | None
) -> tuple[tuple[str, ...], Mode | None]:
    """Prediction set and label; all modes and no label where there is a reason to abstain."""
    if reason is not None:
        return MODES, None
    names: tuple[Mode, ...] = ("angiogenic", "intermediate", "co_option")
    return prediction_set(probabilities, thresholds), names[int(probabilities.argmax())]


def _mimicry_evidence(features: Features) -> bool | None:
    """Whether a lesion bleeds, holds melanin or has marked edema for its size.

    None where no evidence was found and one of them could not be looked for.
    """
    signs = (_bright(features), _marked_edema(features))
    return True if True in signs else None if None in signs else False


def _bright(features: Features) -> bool | None:
    """Whether enough of the core is bright on T1 before contrast; None without T1."""
    volume, share = features.get("t1_bright_volume"), features.get("t1_bright_fraction")
    if volume is None or share is None:
        return None
    return volume >= BRIGHT_ML and share >= BRIGHT_SHARE


def _marked_edema(features: Features) -> bool | None:
    """Whether there is much edema for the lesion's size; None where that is not measured."""
    adjusted = features.get(ADJUSTED)
    return None if adjusted is None else adjusted >= MARKED_EDEMA
