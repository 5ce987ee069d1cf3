"""What changed in a lesion, beside what a repeated measurement would change (WF-06 to WF-12).

Pure: two observations and the treatment in, one change out. A changed leaning is called a mode
change only where features carry it, and never where a closing blood-brain barrier explains it.
"""

from __future__ import annotations

from collections.abc import Mapping

from vasotype.followup.limits import Direction, FeatureLimit, Limits, direction
from vasotype.followup.record import (
    Change,
    FeatureChange,
    Observation,
    Remark,
    Transition,
    Verdict,
)
from vasotype.followup.treatment import Treatment

LEAST_CARRIERS = 2
"""Driving features beyond their limits that a mode change needs (WF-08)."""
EARLY_DAYS = 90
"""Days after radiotherapy within which a changed perfusion counts as early. Ours."""

KTRANS, RCBV, ENHANCEMENT, EDEMA = "ktrans_tumor_mean", "rcbv_mean", "enhancement_mean", "edema_ml"
CORE, ENHANCING = "core_ml", "enhancing_ml"
VOLUMES = {CORE: "tumor volume", ENHANCING: "enhancing volume", EDEMA: "edema volume"}

RESTORED = (
    "Permeability and enhancement fell, edema did not grow, and blood volume stayed within its "
    "limit. That is the picture of a restored blood-brain barrier: no change towards vessel "
    "co-option, and not to be read as shrinking tumor."
)
PERHAPS_RESTORED = (
    "Enhancement fell, and permeability or blood volume was not measured at both times. A restored "
    "blood-brain barrier, as under anti-VEGF treatment or steroids, can't be excluded."
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
NECROSIS = (
    "It grew after radiotherapy: recurrence or radiation necrosis. Tissue, PET or perfusion would "
    "have to support viable tumor before a vascular mode is read from it."
)
SUPPORTED = (
    "It grew after radiotherapy. {measured} reaches the threshold that this site set for viable "
    "tumor; radiation necrosis is not excluded by that."
)
EARLY = (
    "{days} days after radiotherapy: changes of permeability and blood volume are shown beside "
    "their limits and say nothing about the further course."
)

Directions = Mapping[str, Direction]


def compare(
    times: tuple[int, int],
    before: Observation,
    after: Observation,
    treatment: Treatment,
    limits: Limits,
) -> Change:
    """Change of a track from timepoint ``times[0]`` to ``times[1]``, where ``treatment`` holds."""
    features = (*_volumes(before, after, limits), *_features(before, after, limits))
    moved = {change.feature: change.direction for change in features}
    barrier = _barrier(moved, treatment)
    after_radiotherapy = _after_radiotherapy(moved, after, treatment, limits)
    necrosis = any(remark.code == "necrosis-possible" for remark in after_radiotherapy)
    return Change(
        timepoint=times[1],
        since=times[0],
        features=features,
        transition=_transition(before, after, features, barrier, necrosis=necrosis),
        remarks=(*_remarks(moved, after, treatment, barrier), *after_radiotherapy),
    )


def _volumes(before: Observation, after: Observation, limits: Limits) -> list[FeatureChange]:
    """Volumes with the limit that the error of an outline sets at the earlier size."""
    changes = []
    for name, label in VOLUMES.items():
        old, new = getattr(before, name), getattr(after, name)
        if max(old, new) > 0:
            relative = limits.volume(max(before.core_ml, old))
            limit = FeatureLimit(
                biomarker=name, label=label, relative=relative, drives_mode=False, source=""
            )
            changes.append(_change(limit, old, new))
    return changes


def _features(before: Observation, after: Observation, limits: Limits) -> list[FeatureChange]:
    """Biomarkers measured at both timepoints."""
    changes = []
    for limit in limits.features:
        old, new = before.features.get(limit.biomarker), after.features.get(limit.biomarker)
        if old is not None and new is not None:
            changes.append(_change(limit, old, new))
    return changes


def _change(limit: FeatureLimit, before: float, after: float) -> FeatureChange:
    return FeatureChange(
        feature=limit.biomarker,
        label=limit.label,
        before=before,
        after=after,
        relative_change=(after - before) / abs(before) if before else None,
        relative_limit=limit.relative,
        direction=direction(before, after, limit.relative),
        drives_mode=limit.drives_mode,
    )


def _barrier(moved: Directions, treatment: Treatment) -> bool | None:
    """Whether a closing barrier explains the change (WF-09); None where that can't be excluded.

    It does where permeability and enhancement fell, edema did not grow and blood volume held. It
    can't be excluded where enhancement fell so, permeability or blood volume was not measured, and
    anti-VEGF or steroids were given or may have been.
    """
    if moved.get(ENHANCEMENT) != "down" or moved.get(EDEMA) == "up":
        return False
    if KTRANS in moved and RCBV in moved:
        return moved[KTRANS] == "down" and moved[RCBV] == "within limit"
    contradicted = moved.get(KTRANS, "down") != "down" or moved.get(RCBV, "within limit") == "down"
    return False if contradicted or treatment.closes_barrier is False else None


def _transition(
    before: Observation,
    after: Observation,
    features: tuple[FeatureChange, ...],
    barrier: bool | None,
    *,
    necrosis: bool,
) -> Transition | None:
    if before.label is None or after.label is None or before.label == after.label:
        return None
    carriers = tuple(
        change.feature
        for change in features
        if change.drives_mode and change.direction != "within limit"
    )
    return Transition(
        before=before.label,
        after=after.label,
        verdict=_verdict(barrier, carried=len(carriers) >= LEAST_CARRIERS, necrosis=necrosis),
        carried_by=carriers,
    )


def _verdict(barrier: bool | None, *, carried: bool, necrosis: bool) -> Verdict:
    if barrier:
        return "barrier restoration"
    if barrier is None:
        return "barrier restoration possible"
    if necrosis:
        return "radiation necrosis possible"
    return "mode change" if carried else "within repeatability"


def _remarks(
    moved: Directions, after: Observation, treatment: Treatment, barrier: bool | None
) -> list[Remark]:
    """What speaks against taking the change at face value."""
    remarks = []
    if barrier:
        remarks.append(Remark(code="barrier-restoration", message=RESTORED))
    elif barrier is None:
        remarks.append(Remark(code="barrier-restoration-possible", message=PERHAPS_RESTORED))
    falls = any(moved.get(name) == "down" for name in (ENHANCEMENT, ENHANCING, EDEMA))
    if falls and treatment.closes_barrier is not False:
        message = NOT_CONTROL if treatment.closes_barrier else PERHAPS_NOT_CONTROL
        remarks.append(Remark(code="not-tumor-control", message=message))
    if treatment.anti_vegf and after.minimal_enhancement and moved.get(CORE) != "down":
        fate = "grew" if moved.get(CORE) == "up" else "persists"
        remarks.append(Remark(code="minimal-persists", message=MINIMAL.format(fate=fate)))
    return remarks


def _after_radiotherapy(
    moved: Directions, after: Observation, treatment: Treatment, limits: Limits
) -> list[Remark]:
    """Growth that competes with necrosis (WF-12), and early changes of perfusion (RE-04)."""
    remarks = []
    if treatment.radiotherapy and "up" in (moved.get(ENHANCING), moved.get(CORE)):
        supporting = _supporting(after, limits)
        if supporting is None:
            remarks.append(Remark(code="necrosis-possible", message=NECROSIS))
        else:
            message = SUPPORTED.format(measured=supporting)
            remarks.append(Remark(code="viable-tumor-supported", message=message))
    days = treatment.radiotherapy_days
    if days is not None and days <= EARLY_DAYS and (KTRANS in moved or RCBV in moved):
        message = EARLY.format(days=round(days))
        remarks.append(Remark(code="early-after-radiotherapy", message=message))
    return remarks


def _supporting(after: Observation, limits: Limits) -> str | None:
    """What supports viable tumor by the site's thresholds, with its value; None without any."""
    for name, least in limits.viable_tumor.items():
        value = after.features.get(name)
        if value is not None and value >= least:
            label = next((f.label for f in limits.features if f.biomarker == name), name)
            return f"A {label} of {value:.3g} (at least {least:g})"
    return None
