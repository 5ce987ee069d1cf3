"""The follow-up on one screen: analyse each visit -> align -> match -> compare -> one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import CHANNELS

from vasotype import __version__
from vasotype.clinical import Clinical
from vasotype.findings import CATALOGUE, Finding, Severity, StudyError
from vasotype.followup import align
from vasotype.followup.match import Track, track_lesions
from vasotype.followup.observe import Context, Observations, describe, diameters, observe
from vasotype.followup.record import Alignment, FollowUp, SizeComponent, Timepoint
from vasotype.followup.response import choose_targets, size_of_targets, with_new_lesions
from vasotype.pipeline import Analysis
from vasotype.prepare.align import LARGEST_SPREAD_MM
from vasotype.prepare.resample import resample
from vasotype.result import FindingRecord, Result
from vasotype.stages import Labels

NOT_ONE_BRAIN, SAME_BRAIN = 0.6, 0.85
"""Dice of the brain masks below which nothing can be compared, and below which one brain should
not be. Ours."""
THICKER = 1.5
"""Ratio of slice thicknesses from which sizes are compared with care. Ours."""
NEEDS = (
    "steroids, clinical status and a reader's judgement of non-target and new lesions, and for CR "
    "or PR confirmation at a later visit"
)


@dataclass(frozen=True)
class Visit:
    """What is kept of one analysed timepoint, on its own prepared grid."""

    result: Result
    head: align.Head
    tissue: Labels
    instances: NDArray[np.uint16]

    @classmethod
    def of(cls, analysis: Analysis) -> Visit:
        """The parts of an analysis that a comparison needs."""
        prepared, lesions = analysis.prepared, analysis.lesions
        image = prepared.image[CHANNELS.index(analysis.result.reference)].copy()
        return cls(
            analysis.result,
            align.Head(image, prepared.mask, prepared.grid),
            lesions.tissue,
            lesions.instances,
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
    carried = tuple(_carried(v, visits[0], m) for v, m in zip(visits, motions, strict=True))
    results = [visit.result for visit in visits]
    tracks = track_lesions([visit.instances for visit in carried], context.limits.matching)
    seen = [observe(track, results, context.limits) for track in tracks]
    targets = choose_targets([diameters(observations[0]) for observations in seen])
    records = tuple(
        describe(
            index + 1,
            track,
            observations,
            context,
            target=index in targets,
        )
        for index, (track, observations) in enumerate(zip(tracks, seen, strict=True))
    )
    findings = [
        f for time in range(1, len(visits)) for f in _findings(visits, time, alignments[time])
    ]
    record = FollowUp(
        vasotype_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        timepoints=tuple(
            Timepoint(
                index=index,
                study=result.study,
                days=context.days[index],
                clinical=context.clinical[index],
                alignment=alignments[index],
                result=result,
            )
            for index, result in enumerate(results)
        ),
        tracks=records,
        targets=tuple(index + 1 for index in targets),
        cns_size_component=_size(tracks, seen, targets, context.clinical),
        findings=tuple(_record(finding) for finding in findings),
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
        [d.longest_mm if (d := diameters(seen[target][time])) else 0.0 for target in targets]
        for time in range(times)
    ]
    sums = [sum(row) for row in longest]
    components = []
    for time, size in enumerate(size_of_targets(longest), start=1):
        events = {number: track.event(time) for number, track in enumerate(tracks, start=1)}
        new = tuple(number for number, event in events.items() if event == "new")
        nadir = min(sums[:time])
        facts = clinical[time]
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
                needs=NEEDS,
            )
        )
    return tuple(components)


def _carried(visit: Visit, baseline: Visit, motion: align.Motion) -> Visit:
    """A visit on the baseline's grid."""
    if visit is baseline:
        return visit
    grid, source = baseline.head.grid, align.moved(visit.head.grid, motion)
    return Visit(
        visit.result,
        align.Head(
            resample(visit.head.image, source, grid),
            resample(visit.head.mask, source, grid, order=0),
            grid,
        ),
        resample(visit.tissue, source, grid, order=0),
        resample(visit.instances, source, grid, order=0),
    )


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


def _findings(visits: Sequence[Visit], time: int, alignment: Alignment | None) -> list[Finding]:
    """What makes a visit hard to compare with the baseline, which has no alignment."""
    if alignment is None:
        return []
    first, now = visits[0].result, visits[time].result
    found = []
    if alignment.brain_overlap < SAME_BRAIN or alignment.spread_mm > LARGEST_SPREAD_MM:
        message = (
            f"follow-up {time}: the brains overlap by {100 * alignment.brain_overlap:.0f} % after "
            f"alignment, and two alignments differ by {alignment.spread_mm:.1f} mm"
        )
        found.append(Finding("timepoints-overlap", message))
    there = [{item.channel for item in result.inputs} for result in (first, now)]
    if odd := sorted(there[0] ^ there[1]):
        message = f"follow-up {time} and the baseline don't both have {', '.join(odd)}"
        found.append(Finding("timepoints-sequences", message))
    thickness = [
        max(item.spacing_mm)
        for result in (first, now)
        for item in result.inputs
        if item.channel == result.reference
    ]
    if max(thickness) > THICKER * min(thickness):
        message = (
            f"follow-up {time} has slices of {thickness[1]:.1f} mm, the baseline {thickness[0]:.1f}"
        )
        found.append(Finding("timepoints-slices", message))
    return found


def _record(finding: Finding) -> FindingRecord:
    severity = CATALOGUE[finding.code].severity
    return FindingRecord(
        code=finding.code,
        severity="warning" if severity is Severity.WARNING else "note",
        message=finding.message,
        remedy=finding.remedy,
    )
