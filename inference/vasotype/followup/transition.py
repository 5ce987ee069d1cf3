"""Whether a changed leaning is a change of mode (WF-08), or something else explains it."""

from __future__ import annotations

from vasotype_models.contract import MODES

from vasotype.followup.barrier import independent
from vasotype.followup.limits import Limits, Pole
from vasotype.followup.moved import Moved
from vasotype.followup.record import Observation, Transition, Verdict
from vasotype.followup.treatment import Treatment

LEAST_CARRIERS = 2
"""Driving features beyond their limits that a mode change needs (WF-08)."""


def pole(before: Observation, after: Observation) -> Pole | None:
    """The end of the scale of modes towards which a leaning went; None where it didn't move."""
    if before.label is None or after.label is None or before.label == after.label:
        return None
    further = MODES.index(after.label) > MODES.index(before.label)
    return "co_option" if further else "angiogenic"


def carriers(moved: Moved, towards: Pole, treatment: Treatment, limits: Limits) -> tuple[str, ...]:
    """Driving features that left their limits in the direction of the new mode.

    While the barrier may be closing nothing carries a change towards co-option unless blood volume
    or TBR went that way, too.
    """
    found = tuple(
        limit.biomarker
        for limit in limits.features
        if limit.drives_mode
        and moved.went(limit.biomarker) == ("up" if limit.rises_towards == towards else "down")
    )
    trap = towards == "co_option" and treatment.closes_barrier is not False
    return () if trap and not any(map(independent, found)) else found


def transition(
    before: Observation,
    after: Observation,
    carried_by: tuple[str, ...],
    barrier: bool | None,
) -> Transition | None:
    """What a changed leaning is called; None where it did not change.

    A leaning that is withheld is not told, nor whether it changed. ``barrier`` is whether a
    restored barrier explains the change, None where that can't be excluded.
    """
    towards = pole(before, after)
    if before.label is None or (towards is None and after.label_withheld is None):
        return None
    verdict = _verdict(before, after, len(carried_by), barrier if towards == "co_option" else False)
    return Transition(
        before=before.label,
        after=after.label,
        tiers=(before.tier, after.tier),
        verdict=verdict,
        carried_by=carried_by,
    )


def _verdict(
    before: Observation, after: Observation, carrying: int, barrier: bool | None
) -> Verdict:
    """Doubts come first, the one that reaches furthest before the others."""
    if after.label_withheld is not None:
        return "radiation necrosis possible"
    if before.tier != after.tier:
        return "input tiers differ"
    if barrier:
        return "barrier restoration"
    if barrier is None:
        return "barrier restoration possible"
    return "mode change" if carrying >= LEAST_CARRIERS else "within repeatability"
