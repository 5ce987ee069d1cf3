"""Identify the series of a study: physics first, contrast second, names last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vasotype.findings import Finding, StudyError
from vasotype.study.dicom import Series
from vasotype.study.identify.contrast import Read, Visit, judge
from vasotype.study.identify.dynamics import bolus_dip
from vasotype.study.identify.rules import Kind, Rulebook, Value, default_rules, series_facts


@dataclass(frozen=True)
class Identified:
    """What a series is, with the points of each class and the reasons for the decision.

    ``contrast_given`` is true for any series acquired after contrast, also FLAIR and T2.
    """

    series: Series
    kind: Kind
    scores: Mapping[Kind, float]
    reasons: tuple[str, ...]
    contrast_given: bool = False
    findings: tuple[Finding, ...] = ()


def identify_series(
    series: Sequence[Series], read: Read = Series.read, rules: Rulebook | None = None
) -> tuple[Identified, ...]:
    """Identify all series of one visit, in their order.

    ``read`` gives the pixels of a series; it is called only where headers leave T1 with or
    without contrast open. Series of unclear class are ``unknown``; nothing is raised.
    """
    book = rules or default_rules()
    found = [_check_dynamic(_classify(one, book)) for one in series]
    found = _mark_flip_angles(found)
    visit = Visit({one.series: one.kind for one in found}, book.contrast, read)
    return tuple(_with_contrast(one, visit) for one in found)


def _classify(series: Series, book: Rulebook) -> Identified:
    facts = series_facts(series)
    scores: dict[Kind, float] = defaultdict(float)
    reasons: dict[Kind, list[str]] = defaultdict(list)
    for rule in book.rules:
        if rule.holds(facts):
            scores[rule.kind] += rule.score
            reasons[rule.kind].append(rule.reason.format_map(_readable(facts)))
    ranked = sorted(scores, key=lambda kind: -scores[kind])
    if not ranked:
        return Identified(series, Kind.UNKNOWN, {}, ("nothing known fits",))
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    lead = scores[best] - (scores[second] if second else 0.0)
    if scores[best] < book.accept:
        reason = f"{best} is likeliest, but on little: {'; '.join(reasons[best])}"
        return Identified(series, Kind.UNKNOWN, dict(scores), (reason,))
    if lead < book.margin:
        reason = f"{best} ({'; '.join(reasons[best])}) or {second}"
        if second:
            reason += f" ({'; '.join(reasons[second])})"
        return Identified(series, Kind.UNKNOWN, dict(scores), (reason,))
    return Identified(series, best, dict(scores), tuple(dict.fromkeys(reasons[best])))


def _readable(facts: Mapping[str, Value]) -> dict[str, object]:
    return {
        key: " ".join(value) if isinstance(value, tuple) else value for key, value in facts.items()
    }


def _check_dynamic(found: Identified) -> Identified:
    """Functional MR is echo planar too: a DSC series has to show its bolus."""
    if found.kind is not Kind.DSC:
        return found
    try:
        depth = bolus_dip(found.series.read_all())
    except StudyError as problem:
        return replace(found, reasons=(*found.reasons, f"not looked at: {problem}"))
    if depth is None:
        reasons = (*found.reasons, "but the signal shows no bolus")
        return replace(found, kind=Kind.OTHER, reasons=reasons)
    reasons = (*found.reasons, f"the signal dips by {depth:.0%} and comes back")
    return replace(found, reasons=reasons)


def _mark_flip_angles(found: Sequence[Identified]) -> list[Identified]:
    """T1 mapping is a T1 series at several flip angles on one grid."""
    alike: dict[Hashable, set[float]] = defaultdict(set)
    for one in found:
        if (key := _flip_key(one)) and one.series.facts.flip_deg is not None:
            alike[key].add(round(one.series.facts.flip_deg, 1))
    return [
        replace(one, kind=Kind.VFA, reasons=(*one.reasons, f"{len(angles)} flip angles"))
        if (angles := alike.get(_flip_key(one), set())) and len(angles) > 1
        else one
        for one in found
    ]


def _flip_key(one: Identified) -> Hashable | None:
    facts, grid = one.series.facts, one.series.grid
    spoiled = "GR" in facts.scanning and facts.ti_ms is None and (facts.tr_ms or 99.0) < 15
    if one.kind not in (Kind.T1, Kind.UNKNOWN) or not spoiled or grid is None:
        return None
    return facts.tr_ms, facts.te_ms, grid.shape, tuple(np.round(grid.affine, 2).ravel())


def _with_contrast(one: Identified, visit: Visit) -> Identified:
    if one.kind is not Kind.T1:
        return replace(one, contrast_given=visit.has_agent(one.series.facts))
    contrast = judge(one.series, visit)
    return replace(
        one,
        kind=Kind.T1C if contrast.given else Kind.T1,
        reasons=one.reasons + contrast.reasons,
        contrast_given=contrast.given,
        findings=contrast.findings,
    )
