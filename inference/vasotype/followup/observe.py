"""One lesion through time: what each track held at every timepoint, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vasotype.clinical import Clinical
from vasotype.followup.changes import (
    compare,
    disappearance,
    may_be_necrosis,
    without_leaning,
)
from vasotype.followup.limits import Limits
from vasotype.followup.match import Track
from vasotype.followup.record import Change, Observation, TrackRecord
from vasotype.followup.response import Extent
from vasotype.followup.treatment import Treatment
from vasotype.followup.visit import Visit
from vasotype.phenotype.triage import core_ml
from vasotype.result import LesionRecord


@dataclass(frozen=True)
class Context:
    """What is known beside the images: repeatability limits, and for each timepoint the days since
    baseline and the clinical facts."""

    days: tuple[int | None, ...]
    clinical: tuple[Clinical | None, ...]
    limits: Limits


Observations = tuple[Observation | None, ...]


def observe(track: Track, visits: Sequence[Visit], limits: Limits) -> Observations:
    """What a track held at each timepoint; None where it wasn't found."""
    found: list[Observation | None] = []
    for members, visit in zip(track.members, visits, strict=True):
        lesions = [lesion for lesion in visit.result.lesions if lesion.id in members]
        found.append(_observation(lesions, visit, limits) if lesions else None)
    return tuple(found)


def extent(observation: Observation | None, slice_mm: float) -> Extent | None:
    """Extent of what was found at a timepoint with slices of ``slice_mm``."""
    if observation is None:
        return None
    return Extent(
        observation.longest_diameter_mm,
        observation.perpendicular_diameter_mm,
        observation.slices,
        slice_mm,
    )


def describe(
    number: int,
    track: Track,
    seen: Observations,
    context: Context,
    *,
    edema_left_ml: Sequence[float | None],
    target: bool,
) -> TrackRecord:
    """The record of a track: observations, events, and changes since it was found first and last.

    ``edema_left_ml`` is what remains where the track is not found.
    """
    known: dict[int, Observation] = {}
    changes: list[Change] = []
    for time, (now, left) in enumerate(zip(seen, edema_left_ml, strict=True)):
        # Lesions that a treatment reached are known by their numbers at that timepoint.
        treatment = Treatment.of(context.clinical[time], track.members[time])
        if now is not None:
            known[time], found = _compared(known, time, now, treatment, context.limits)
            changes += found
        elif left is not None:
            gone = disappearance((max(known), time), treatment, left)
            changes += [gone] if gone else []
    return TrackRecord(
        id=number,
        target=target,
        observations=tuple(known.get(time) for time in range(len(seen))),
        events=tuple(track.event(time) for time in range(1, len(seen))),
        changes=tuple(changes),
    )


def _compared(
    known: Mapping[int, Observation],
    time: int,
    now: Observation,
    treatment: Treatment,
    limits: Limits,
) -> tuple[Observation, list[Change]]:
    """What is told of a timepoint, and its changes since the first and the last one before."""
    starts = dict.fromkeys((min(known), max(known)) if known else ())
    changes = [compare((t, time), known[t], now, treatment, limits) for t in starts]
    if now.label is not None and any(map(may_be_necrosis, changes)):
        # One doubt withholds the leaning at this timepoint, whatever it is compared with.
        return _compared(known, time, without_leaning(now), treatment, limits)
    return now, changes


def _observation(lesions: Sequence[LesionRecord], visit: Visit, limits: Limits) -> Observation:
    """Sums over fragments; a leaning and biomarkers only where there is one lesion."""
    only = lesions[0] if len(lesions) == 1 else None
    phenotype = only.phenotype if only else None
    return Observation(
        lesions=tuple(lesion.id for lesion in lesions),
        core_ml=sum(map(core_ml, lesions)),
        enhancing_ml=sum(lesion.volume_ml.enhancing for lesion in lesions),
        edema_ml=sum(lesion.volume_ml.edema for lesion in lesions),
        longest_diameter_mm=sum(lesion.longest_diameter_mm for lesion in lesions),
        perpendicular_diameter_mm=max(lesion.perpendicular_diameter_mm for lesion in lesions),
        slices=max(visit.slices.get(lesion.id, 0) for lesion in lesions),
        minimal_enhancement=all(lesion.enhancement_pattern == "minimal" for lesion in lesions),
        label=phenotype.label if phenotype else None,
        probabilities=phenotype.probabilities if phenotype and phenotype.label else None,
        tier=phenotype.tier if phenotype else None,
        features={limit.biomarker: _value(only, limit.biomarker) for limit in limits.features},
    )


def _value(lesion: LesionRecord | None, name: str) -> float | None:
    """A biomarker of good quality; None otherwise."""
    biomarkers = lesion.biomarkers if lesion else ()
    for biomarker in biomarkers:
        if biomarker.name == name and biomarker.quality == "good":
            value = biomarker.value
            return float(value) if isinstance(value, int | float) else None
    return None
