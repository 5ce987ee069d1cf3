"""What changed in a lesion, beside what a repeated measurement would change (WF-06 to WF-12).

Pure: two observations and the treatment in, one change out. A changed leaning is called a mode
change only where features carry it, and never where a closing blood-brain barrier may explain it.
"""

from __future__ import annotations

from vasotype.followup.barrier import restored
from vasotype.followup.limits import FeatureLimit, Limits, direction
from vasotype.followup.moved import CORE, EDEMA, ENHANCING, Moved
from vasotype.followup.record import Change, FeatureChange, Observation, Remark
from vasotype.followup.remarks import WITHHELD, after_radiotherapy, not_found, under_treatment
from vasotype.followup.transition import carriers, pole, transition
from vasotype.followup.treatment import Treatment

VOLUMES = {CORE: "tumor volume", ENHANCING: "enhancing volume", EDEMA: "edema volume"}


def compare(
    times: tuple[int, int],
    before: Observation,
    after: Observation,
    treatment: Treatment,
    limits: Limits,
) -> Change:
    """Change of a track from timepoint ``times[0]`` to ``times[1]``, where ``treatment`` holds."""
    features = (*_volumes(before, after, limits), *_features(before, after, limits))
    moved = Moved(features)
    irradiated = after_radiotherapy(moved, after, treatment, limits)
    if any(map(_competes, irradiated)):
        after = without_leaning(after)
    towards = pole(before, after)
    barrier = restored(moved, treatment, to_co_option=towards == "co_option")
    carried_by = carriers(moved, towards, treatment, limits) if towards else ()
    return Change(
        timepoint=times[1],
        since=times[0],
        features=features,
        transition=transition(before, after, carried_by, barrier),
        remarks=(*under_treatment(moved, after, treatment, barrier), *irradiated),
    )


def may_be_necrosis(change: Change) -> bool:
    """Whether growth after radiotherapy may be necrosis, with nothing to support viable tumor."""
    return any(map(_competes, change.remarks))


def without_leaning(seen: Observation) -> Observation:
    """What was seen of a lesion that may be necrosis: no leaning, and why (WF-12, FE-13)."""
    if seen.label is None:
        return seen
    withheld = {"label": None, "probabilities": None, "label_withheld": WITHHELD}
    return seen.model_copy(update=withheld)


def disappearance(times: tuple[int, int], treatment: Treatment, edema_ml: float) -> Change | None:
    """A track seen last at ``times[0]`` and not found at ``times[1]``.

    None where no treatment can have hidden it: the event says enough then. ``edema_ml`` is what
    remains at its place.
    """
    remark = not_found(treatment, edema_ml)
    if remark is None:
        return None
    return Change(
        timepoint=times[1], since=times[0], features=(), transition=None, remarks=(remark,)
    )


def _volumes(before: Observation, after: Observation, limits: Limits) -> list[FeatureChange]:
    """Volumes with their limits at the earlier size."""
    changes = []
    for name, label in VOLUMES.items():
        old, new = getattr(before, name), getattr(after, name)
        if max(old, new) > 0:
            relative = limits.edema.relative if name == EDEMA else limits.volume(before.core_ml)
            changes.append(
                FeatureChange(
                    feature=name,
                    label=label,
                    before=old,
                    after=new,
                    relative_change=_share(old, new),
                    relative_limit=relative,
                    direction=direction(old, new, relative),
                    drives_mode=False,
                )
            )
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
        relative_change=_share(before, after),
        relative_limit=limit.relative,
        direction=direction(before, after, limit.relative),
        drives_mode=limit.drives_mode,
    )


def _competes(remark: Remark) -> bool:
    return remark.code == "necrosis-possible"


def _share(before: float, after: float) -> float | None:
    return (after - before) / abs(before) if before else None
