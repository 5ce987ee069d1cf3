"""What a reader should keep in mind with a change (WF-09, WF-10, WF-12, RE-03, RE-04)."""

from __future__ import annotations

from vasotype.followup.limits import Limits
from vasotype.followup.moved import CORE, EDEMA, ENHANCEMENT, ENHANCING, KTRANS, RCBV, Moved
from vasotype.followup.record import Observation, Remark
from vasotype.followup.treatment import Treatment

EARLY_DAYS = 90
"""Days after radiotherapy within which a changed perfusion counts as early. Ours."""
LEAST_EDEMA_ML = 0.1
"""Edema at the place of a lesion that is no longer found, from which it is said to remain. Ours."""

RESTORED = (
    "Permeability, enhancement and edema fell under anti-VEGF treatment or steroids, blood volume "
    "stayed within its limit, and the tumor volume did not fall. That is the picture of a restored "
    "blood-brain barrier: no change towards vessel co-option, and not to be read as shrinking "
    "tumor."
)
PERHAPS_RESTORED = (
    "Permeability, enhancement or edema fell while anti-VEGF treatment or steroids {given}. The "
    "picture of a restored blood-brain barrier is not complete, but it can't be excluded."
)
NOT_CONTROL = (
    "Less enhancement or edema under anti-VEGF treatment or steroids is not counted as tumor "
    "control."
)
PERHAPS_NOT_CONTROL = (
    "Less enhancement or edema is not counted as tumor control while it is not known whether "
    "anti-VEGF treatment or steroids are given."
)
MINIMAL = "It hardly enhances and {fate} under anti-VEGF treatment: it is not resolved."
FATES = {"up": "grew", "down": "is smaller but still there", "within limit": "persists"}
NOT_FOUND = (
    "It is no longer found while anti-VEGF treatment or steroids {given}. {edema} A closed "
    "blood-brain barrier may hide it: it is not counted as resolved."
)
EDEMA_REMAINS = "{ml:.1f} mL of edema remain at its place."
NO_EDEMA = "No edema is outlined at its place; a little, apart from any lesion, would not be."
NECROSIS = (
    "It grew after radiotherapy: recurrence or radiation necrosis. Tissue, PET or perfusion would "
    "have to support viable tumor before a vascular mode is read from it."
)
WITHHELD = "grown after radiotherapy, recurrence or radiation necrosis"
SUPPORTED = (
    "It grew after radiotherapy. {measured} reaches the threshold that this site set for viable "
    "tumor; radiation necrosis is not excluded by that."
)
EARLY = (
    "{days} days after radiotherapy: changes of permeability and blood volume are shown beside "
    "their limits and say nothing about the further course."
)


def under_treatment(
    moved: Moved, after: Observation, treatment: Treatment, barrier: bool | None
) -> list[Remark]:
    """What anti-VEGF treatment or steroids say against taking the change at face value."""
    remarks = []
    if barrier:
        remarks.append(Remark(code="barrier-restoration", message=RESTORED))
    elif barrier is None:
        message = PERHAPS_RESTORED.format(given=_given(treatment))
        remarks.append(Remark(code="barrier-restoration-possible", message=message))
    if moved.down(ENHANCEMENT, ENHANCING, EDEMA) and treatment.closes_barrier is not False:
        message = NOT_CONTROL if treatment.closes_barrier else PERHAPS_NOT_CONTROL
        remarks.append(Remark(code="not-tumor-control", message=message))
    if treatment.anti_vegf and after.minimal_enhancement:
        # What stops enhancing is outlined smaller; a smaller outline is no reason to drop it.
        message = MINIMAL.format(fate=FATES[moved.went(CORE) or "within limit"])
        remarks.append(Remark(code="minimal-persists", message=message))
    return remarks


def not_found(treatment: Treatment, edema_ml: float) -> Remark | None:
    """A lesion that is gone; ``edema_ml`` is what remains at its place. None if untreated."""
    if treatment.closes_barrier is False:
        return None
    edema = EDEMA_REMAINS.format(ml=edema_ml) if edema_ml >= LEAST_EDEMA_ML else NO_EDEMA
    message = NOT_FOUND.format(given=_given(treatment), edema=edema)
    return Remark(code="not-found-under-treatment", message=message)


def after_radiotherapy(
    moved: Moved, after: Observation, treatment: Treatment, limits: Limits
) -> list[Remark]:
    """Growth that competes with necrosis (WF-12), and early changes of perfusion (RE-04)."""
    remarks = []
    if treatment.radiotherapy and moved.up(ENHANCING, CORE):
        supporting = _supporting(after, limits)
        if supporting is None:
            remarks.append(Remark(code="necrosis-possible", message=NECROSIS))
        else:
            message = SUPPORTED.format(measured=supporting)
            remarks.append(Remark(code="viable-tumor-supported", message=message))
    days = treatment.radiotherapy_days
    measured = moved.went(KTRANS) or moved.went(RCBV)
    if days is not None and days <= EARLY_DAYS and measured:
        message = EARLY.format(days=round(days))
        remarks.append(Remark(code="early-after-radiotherapy", message=message))
    return remarks


def _given(treatment: Treatment) -> str:
    return "are given" if treatment.closes_barrier else "may be given, which is not known"


def _supporting(after: Observation, limits: Limits) -> str | None:
    """What supports viable tumor by the site's thresholds, with its value; None without any."""
    for name, least in limits.viable_tumor.items():
        value = after.features.get(name)
        if value is not None and value >= least:
            label = next((f.label for f in limits.features if f.biomarker == name), name)
            return f"A {label} of {value:.3g} (at least {least:g})"
    return None
