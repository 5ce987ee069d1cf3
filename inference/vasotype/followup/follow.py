"""The follow-up on one screen: analyse each visit -> align -> match -> compare -> one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vasotype import __version__
from vasotype.clinical import Clinical
from vasotype.findings import CATALOGUE, Finding, Severity, StudyError
from vasotype.followup import align
from vasotype.followup.comparable import findings
from vasotype.followup.match import Track, track_lesions
from vasotype.followup.observe import Context, Observations, describe, extent, observe
from vasotype.followup.record import Alignment, FollowUp, SizeComponent, Timepoint
from vasotype.followup.response import (
    caution,
    choose_targets,
    size_of_targets,
    with_new_lesions,
)
from vasotype.followup.treatment import Treatment
from vasotype.followup.vanished import edema_left_ml
from vasotype.followup.visit import Visit
from vasotype.result import FindingRecord

NOT_ONE_BRAIN = 0.6
"""Dice of the brain masks below which nothing can be compared. Ours."""
NEEDS = (
    "steroids, clinical status and a reader's judgement of non-target and new lesions, and for CR "
    "or PR confirmation at a later visit"
)


@dataclass(frozen=True)
class Comparison:
    """The record of a follow-up, and every visit carried to the baseline's grid."""

    record: FollowUp
    visits: tuple[Visit, ...]


def compare_visits(visits: Sequence[Visit], context: Context) -> Comparison:
    """Compare two or more visits of one patient, the baseline first.

    Raises StudyError ``timepoints-differ`` when a visit can't be laid over the baseline.
    """
    motions = [align.STILL, *(align.align(visit.head, visits[0].head) for visit in visits[1:])]
    alignments = [_alignment(v, m) for v, m in zip(visits, motions, strict=True)]
    grid = visits[0].head.grid
    carried = (
        visits[0],
        *(v.carried(grid, m) for v, m in zip(visits[1:], motions[1:], strict=True)),
    )
    tracks = track_lesions([visit.instances for visit in carried], context.limits.matching)
    seen = [observe(track, visits, context.limits) for track in tracks]
    targets = choose_targets([extent(track[0], visits[0].slice_mm) for track in seen])
    records = tuple(
        describe(
            index + 1,
            track,
            observations,
            context,
            edema_left_ml=edema_left_ml(track, carried),
            target=index in targets,
        )
        for index, (track, observations) in enumerate(zip(tracks, seen, strict=True))
    )
    found = [
        finding
        for time, (visit, alignment) in enumerate(zip(visits, alignments, strict=True))
        if alignment is not None
        for finding in findings(visits[0], visit, time, alignment)
    ]
    record = FollowUp(
        vasotype_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        timepoints=tuple(
            Timepoint(
                index=index,
                study=visit.result.study,
                days=context.days[index],
                clinical=context.clinical[index],
                alignment=alignments[index],
                result=visit.result,
            )
            for index, visit in enumerate(visits)
        ),
        tracks=records,
        targets=tuple(index + 1 for index in targets),
        cns_size_component=_size(tracks, seen, targets, context.clinical),
        findings=tuple(map(_record, found)),
        limits=context.limits,
    )
    return Comparison(record, carried)


def _size(
    tracks: Sequence[Track],
    seen: Sequence[Observations],
    targets: Sequence[int],
    clinical: Sequence[Clinical | None],
) -> tuple[SizeComponent, ...]:
    """The size component at each follow-up."""
    times = len(clinical)
    longest = [
        [now.longest_diameter_mm if (now := seen[target][time]) else 0.0 for target in targets]
        for time in range(times)
    ]
    sums = [sum(row) for row in longest]
    components = []
    for time, size in enumerate(size_of_targets(longest), start=1):
        events = {number: track.event(time) for number, track in enumerate(tracks, start=1)}
        new = tuple(number for number, event in events.items() if event == "new")
        nadir = min(sums[:time])
        facts = clinical[time]
        treatment = Treatment.of(facts, ())
        immunotherapy = facts.ici.given if facts and facts.ici else None
        components.append(
            SizeComponent(
                timepoint=time,
                sum_mm=sums[time],
                change_from_baseline=sums[time] / sums[0] - 1 if sums[0] else None,
                change_from_nadir=sums[time] / nadir - 1 if nadir else None,
                targets=size,
                with_new_lesions=with_new_lesions(size, len(new), immunotherapy),
                new_tracks=new,
                vanished_tracks=tuple(n for n, event in events.items() if event == "vanished"),
                caution=caution(size, treatment.closes_barrier),
                needs=NEEDS,
            )
        )
    return tuple(components)


def _alignment(visit: Visit, motion: align.Motion) -> Alignment | None:
    """The record of a motion; None for the baseline, which has none."""
    if motion.registration is None:
        return None
    if motion.overlap < NOT_ONE_BRAIN:
        raise StudyError(
            "timepoints-differ",
            f"{visit.result.study}: after alignment its brain and the baseline's overlap by "
            f"{100 * motion.overlap:.0f} %; at least {100 * NOT_ONE_BRAIN:.0f} % is needed",
        )
    return Alignment.model_validate(
        {
            "to_baseline": [tuple(row) for row in motion.matrix.tolist()],
            "rotation_deg": motion.registration.turned_degrees,
            "shift_mm": motion.registration.moved_mm,
            "spread_mm": motion.registration.spread_mm,
            "brain_overlap": motion.overlap,
        }
    )


def _record(finding: Finding) -> FindingRecord:
    severity = CATALOGUE[finding.code].severity
    return FindingRecord(
        code=finding.code,
        severity="warning" if severity is Severity.WARNING else "note",
        message=finding.message,
        remedy=finding.remedy,
    )
