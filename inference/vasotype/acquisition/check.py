"""The check itself: Study -> AcquisitionReport, and what of it a reader should be warned of."""

from __future__ import annotations

from datetime import datetime

from vasotype_models.contract import STRUCTURAL

from vasotype.acquisition.protocol import Protocol, default_protocol
from vasotype.acquisition.quality import assess, contrast_shown
from vasotype.acquisition.rules import Evidence, judge, motion_signs
from vasotype.findings import Finding
from vasotype.result import AcquisitionReport, HeaderFacts, SequenceRecord
from vasotype.stages import AcquisitionFacts, SourceSeries, Study
from vasotype.study.agreement import file_name

LONGEST_DELAY_MIN = 180.0
"""A longer time between injection and image is a wrong clock."""


def check(study: Study, protocol: Protocol | None = None) -> AcquisitionReport:
    """Hold a study against a protocol (the one that ships, by default) and the model's needs.

    Looks at headers and voxels as they were read; nothing is registered or extracted first.
    """
    protocol = protocol or default_protocol()
    series = study.series or _series_of(study)
    evidence = Evidence(
        series, assess(study.volumes, _reference(study)), contrast_shown(study.volumes)
    )
    injections = [one.facts.contrast_started for one in series if one.facts.contrast_started]
    return AcquisitionReport(
        protocol=protocol.name,
        sources=protocol.sources,
        contrast=evidence.contrast,
        sequences=tuple(_record(one, min(injections, default=None)) for one in series),
        quality=tuple(evidence.quality),
        checks=tuple(judge(requirement, evidence) for requirement in protocol.requirements),
    )


def acquisition_findings(report: AcquisitionReport) -> tuple[Finding, ...]:
    """What of a check a reader of the result should know."""
    findings = [
        Finding("motion-suspected", sign) for one in report.quality for sign in motion_signs(one)
    ]
    status = {item.id: item for item in report.checks}
    if (noisy := status.get("model-noise")) and noisy.status == "not met":
        message = f"signal over noise: {noisy.found}; {noisy.requirement} is usual"
        findings.append(Finding("low-signal", message))
    if report.contrast == "not seen":
        message = "T1c: nothing deep in the head outshines white matter"
        findings.append(Finding("no-visible-contrast", message))
    missed = [c for c in report.checks if c.level == "minimum" and c.status == "not met"]
    if missed:
        message = f"{report.protocol}, minimum not met: {'; '.join(c.requirement for c in missed)}"
        findings.append(Finding("protocol-deviation", message))
    return tuple(findings)


def minutes_after_contrast(report: AcquisitionReport) -> float | None:
    """Minutes from the injection to the T1c in use; None where the clocks don't tell."""
    delays = (o.header.minutes_after_contrast for o in report.sequences if o.channel == "t1c")
    return next(delays, None)


def _reference(study: Study) -> str:
    """The study's own, or, of one that can't be analysed, the first sequence there is."""
    order = (study.reference, *STRUCTURAL)
    return next((c for c in order if c in study.volumes), study.reference)


def _series_of(study: Study) -> tuple[SourceSeries, ...]:
    """A study from memory has no more series than its volumes."""
    return tuple(
        SourceSeries(file_name(volume, c), c, c, spacing_mm=volume.grid.spacing_mm)
        for c, volume in study.volumes.items()
    )


def _record(series: SourceSeries, injected: datetime | None) -> SequenceRecord:
    facts = series.facts
    return SequenceRecord(
        name=series.name,
        kind=series.kind,
        channel=series.channel,
        reasons=series.reasons,
        spacing_mm=series.spacing_mm,
        times=series.times,
        contrast_given=series.contrast_given,
        header=HeaderFacts(
            dimensions=facts.acquisition or None,
            field_t=facts.field_t,
            tr_ms=facts.tr_ms,
            te_ms=facts.te_ms,
            ti_ms=facts.ti_ms,
            flip_deg=facts.flip_deg,
            b_value=facts.b_value,
            slice_thickness_mm=facts.slice_thickness_mm,
            agent=facts.agent or None,
            dose_ml=facts.dose_ml,
            minutes_after_contrast=_minutes(facts, injected),
            scanner=facts.scanner or None,
        ),
    )


def _minutes(facts: AcquisitionFacts, injected: datetime | None) -> float | None:
    if facts.acquired is None or injected is None:
        return None
    minutes = (facts.acquired - injected).total_seconds() / 60
    return round(minutes, 1) if 0 <= minutes <= LONGEST_DELAY_MIN else None
