"""One lesion through time: what each track held at every timepoint, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vasotype.clinical import Clinical
from vasotype.followup.changes import compare
from vasotype.followup.limits import Limits
from vasotype.followup.match import Track
from vasotype.followup.record import Change, Observation, TrackRecord
from vasotype.followup.response import Diameters
from vasotype.followup.treatment import Treatment
from vasotype.phenotype.triage import core_ml
from vasotype.result import LesionRecord, Result


@dataclass(frozen=True)
class Context:
    """What is known beside the images: repeatability limits, and for each timepoint the days since
    baseline and the clinical facts."""

    days: tuple[int | None, ...]
    clinical: tuple[Clinical | None, ...]
    limits: Limits


Observations = tuple[Observation | None, ...]


def observe(track: Track, results: Sequence[Result], limits: Limits) -> Observations:
    """What a track held at each timepoint; None where it wasn't found."""
    found: list[Observation | None] = []
    for members, result in zip(track.members, results, strict=True):
        lesions = [lesion for lesion in result.lesions if lesion.id in members]
        found.append(_observation(lesions, limits) if lesions else None)
    return tuple(found)


def diameters(observation: Observation | None) -> Diameters | None:
    """Diameters of what was found at a timepoint."""
    if observation is None:
        return None
    return Diameters(observation.longest_diameter_mm, observation.perpendicular_diameter_mm)


def describe(
    number: int,
    track: Track,
    seen: Observations,
    context: Context,
    *,
    target: bool,
) -> TrackRecord:
    """The record of a track: observations, events, and changes since it was found first and last.

    Lesions that a treatment reached are known by their numbers at that timepoint.
    """
    changes: list[Change] = []
    for time in range(track.first + 1, len(seen)):
        after = seen[time]
        earlier = [t for t in range(time) if seen[t] is not None]
        for since in dict.fromkeys((earlier[0], earlier[-1])):
            before = seen[since]
            if before is not None and after is not None:
                treatment = Treatment.of(context.clinical[time], after.lesions)
                changes.append(compare((since, time), before, after, treatment, context.limits))
    return TrackRecord(
        id=number,
        target=target,
        observations=seen,
        events=tuple(track.event(time) for time in range(1, len(seen))),
        changes=tuple(changes),
    )


def _observation(lesions: Sequence[LesionRecord], limits: Limits) -> Observation:
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
