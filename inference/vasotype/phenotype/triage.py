"""The patient at a glance, after each lesion was read on its own (PH-05 to PH-07, WF-01 to WF-04).

It counts and compares leanings; it never averages them into one for the patient, and it proposes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vasotype_models.contract import MODES

from vasotype.findings import StudyError
from vasotype.result import LeaningCounts, LesionRecord, ModeSpread, Triage


def core_ml(lesion: LesionRecord) -> float:
    """Volume of the tumor itself, enhancing or not, mL."""
    return lesion.volume_ml.enhancing + lesion.volume_ml.non_enhancing_core


def triage(lesions: Sequence[LesionRecord], symptomatic: int | None = None) -> Triage | None:
    """Summary of a patient's lesions; None where there are none.

    The dominant lesion is the one named by ``symptomatic``, else the largest by core volume; ties
    go to the lower number. Lesions disagree with it where both lean and their leanings differ.
    Raises StudyError ``symptomatic-unknown`` when no lesion has that number.
    """
    if symptomatic is not None and all(lesion.id != symptomatic for lesion in lesions):
        raise StudyError("symptomatic-unknown", _unknown(symptomatic, lesions))
    if not lesions:
        return None
    if symptomatic is None:
        dominant = max(lesions, key=lambda lesion: (core_ml(lesion), -lesion.id))
    else:
        dominant = next(lesion for lesion in lesions if lesion.id == symptomatic)
    label = dominant.phenotype.label
    labels: list[str | None] = [lesion.phenotype.label for lesion in lesions]
    return Triage(
        dominant=dominant.id,
        chosen_by="largest" if symptomatic is None else "symptomatic",
        disagreeing=tuple(
            lesion.id
            for lesion, other in zip(lesions, labels, strict=True)
            if label is not None and other is not None and other != label
        ),
        counts=LeaningCounts(
            **{mode: labels.count(mode) for mode in MODES}, without_leaning=labels.count(None)
        ),
        spread=_spread(lesions),
        non_enhancing=tuple(x.id for x in lesions if x.enhancement_pattern == "minimal"),
    )


def _spread(lesions: Sequence[LesionRecord]) -> ModeSpread | None:
    """Largest minus smallest probability of each mode; None below two lesions that lean."""
    leaning = [lesion.phenotype for lesion in lesions if lesion.phenotype.label is not None]
    if len(leaning) < 2:
        return None
    table = [[getattr(phenotype.probabilities, mode) for mode in MODES] for phenotype in leaning]
    return ModeSpread(**dict(zip(MODES, np.ptp(table, axis=0).tolist(), strict=True)))


def _unknown(symptomatic: int, lesions: Sequence[LesionRecord]) -> str:
    numbers = ", ".join(str(lesion.id) for lesion in lesions) or "none"
    return f"there is no lesion {symptomatic} to call symptomatic; lesions found: {numbers}"
