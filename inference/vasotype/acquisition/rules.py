"""How each rule of a protocol is judged: pure functions of what is known of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from vasotype.acquisition.protocol import Requirement
from vasotype.acquisition.quality import Shown
from vasotype.result import ImageQuality, ProtocolCheck
from vasotype.stages import SourceSeries

Status = Literal["met", "not met", "unknown"]
Verdict = tuple[Status, str]

UNREADABLE = "not readable from the header"
ROUNDING_MM = 0.05
THIN_MM = 1.6
"""Slices above it are no 3-D acquisition where the header is silent."""
GHOSTING = 0.025
"""Raw heads have up to 0.011; of heads moved by 3-6 mm in k-space half have more than 0.025."""
FIELD_T = 0.2
"""Scanners of 3 T run at 2.89 T, too."""
SHIFT_MM = 0.8
"""Raw heads have up to 0.25 mm; a head that moved by 1 mm between two turns has 1 mm."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a study: its series, the quality of those in use, and contrast."""

    series: Sequence[SourceSeries]
    quality: Sequence[ImageQuality]
    contrast: Shown

    def of(self, kind: str) -> list[SourceSeries]:
        """Series of a kind or channel, the one in use first."""
        found = [one for one in self.series if kind in (one.channel, one.kind)]
        return sorted(found, key=lambda one: one.channel != kind)

    def first(self, kinds: Sequence[str]) -> SourceSeries | None:
        """The first series of the first kind that is there."""
        return next((one for kind in kinds for one in self.of(kind)), None)


def judge(requirement: Requirement, evidence: Evidence) -> ProtocolCheck:
    """Hold a study against one requirement."""
    status, found = _RULES[requirement.rule](requirement, evidence)
    return ProtocolCheck(
        id=requirement.id,
        level=requirement.level,
        requirement=requirement.sentence,
        status=status,
        found=found,
        source=requirement.source,
        verified=requirement.verified,
    )


def _any_present(requirement: Requirement, evidence: Evidence) -> Verdict:
    one = evidence.first(requirement.series)
    if one is None:
        return "not met", "not found"
    return "met", one.name if one.channel else f"{one.name}, not used"


def _three_d(requirement: Requirement, evidence: Evidence) -> Verdict:
    one = evidence.first(requirement.series)
    if one is None:
        return "unknown", "no such sequence"
    if one.facts.acquisition in ("2D", "3D"):
        return "met" if one.facts.acquisition == "3D" else "not met", one.facts.acquisition
    if one.spacing_mm and max(one.spacing_mm) > THIN_MM:
        return "not met", f"slices of {max(one.spacing_mm):.1f} mm"
    return "unknown", "the header is silent"


def _isotropic(requirement: Requirement, evidence: Evidence) -> Verdict:
    one, limit = evidence.first(requirement.series), _limit(requirement)
    if one is None or one.spacing_mm is None:
        return "unknown", "no such sequence"
    edges = " x ".join(f"{edge:.2f}" for edge in one.spacing_mm)
    ratio = max(one.spacing_mm) / min(one.spacing_mm)
    return "met" if ratio <= limit else "not met", f"{edges} mm"


def _slices(requirement: Requirement, evidence: Evidence) -> Verdict:
    one, limit = evidence.first(requirement.series), _limit(requirement)
    if one is None or one.spacing_mm is None:
        return "unknown", "no such sequence"
    thickness = max(*one.spacing_mm, one.facts.slice_thickness_mm or 0.0)
    return "met" if thickness <= limit + ROUNDING_MM else "not met", f"{thickness:.1f} mm"


def _matched(requirement: Requirement, evidence: Evidence) -> Verdict:
    pair = [evidence.first([kind]) for kind in requirement.series]
    if None in pair:
        return "unknown", "no such pair"
    a, b = (one.facts for one in pair if one is not None)
    times = [("TR", a.tr_ms, b.tr_ms), ("TE", a.te_ms, b.te_ms), ("TI", a.ti_ms, b.ti_ms)]
    told = [
        (name, x, y)
        for name, x, y in [*times, ("flip angle", a.flip_deg, b.flip_deg)]
        if x is not None and y is not None
    ]
    apart = [
        f"{name} {x:g} and {y:g}"
        for name, x, y in told
        if abs(x - y) > _limit(requirement) * max(x, y)
    ]
    if apart:
        return "not met", "; ".join(apart)
    if len(told) < 2:
        return "unknown", "the headers are silent"
    return "met", f"equal {', '.join(name for name, _, _ in told)}"


def _between(requirement: Requirement, evidence: Evidence) -> Verdict:
    """The first series lies between contrast and the second."""
    inner, outer = (evidence.first([kind]) for kind in requirement.series)
    if inner is None or outer is None:
        return "unknown", "no such pair"
    if inner.facts.acquired is None or outer.facts.acquired is None:
        return "unknown", "the headers have no times"
    if inner.facts.acquired > outer.facts.acquired:
        return "not met", f"acquired after {outer.name}"
    if inner.contrast_given:
        return "met", "after contrast, by its header"
    if outer.facts.agent:
        return "not met", "before contrast, by its header"
    return "unknown", "the headers don't say when contrast was given"


def _technique(requirement: Requirement, evidence: Evidence) -> Verdict:
    candidates = [one for kind in requirement.series for one in evidence.of(kind)]
    wanted = set(requirement.words)
    for one in candidates:
        facts = one.facts
        if wanted <= {*facts.scanning, facts.acquisition} and "GR" not in facts.scanning:
            return "met", one.name
    told = [one.facts for one in candidates if one.facts.scanning]
    if any(facts.acquisition or "3D" not in wanted for facts in told):
        return "not met", "not found"
    return "unknown", "the header is silent"


def _at_least(requirement: Requirement, evidence: Evidence) -> Verdict:
    return _bounded(requirement, evidence, lambda value, limit: value >= limit)


def _at_most(requirement: Requirement, evidence: Evidence) -> Verdict:
    return _bounded(requirement, evidence, lambda value, limit: value <= limit)


def _bounded(
    requirement: Requirement, evidence: Evidence, holds: Callable[[float, float], bool]
) -> Verdict:
    one = evidence.first(requirement.series)
    if one is None:
        return "unknown", "no such sequence"
    value = getattr(one.facts, requirement.parameter)
    if value is None:
        return "unknown", "the header is silent"
    status: Status = "met" if holds(value, _limit(requirement)) else "not met"
    return status, f"{value:g} {requirement.unit}"


def _within(requirement: Requirement, evidence: Evidence) -> Verdict:
    """The parameter lies in one of the ranges that hold at the field strength."""
    one = evidence.first(requirement.series)
    if one is None:
        return "unknown", "no such sequence"
    value, field_t = getattr(one.facts, requirement.parameter), one.facts.field_t
    if value is None:
        return "unknown", "the header is silent"
    shown = f"{value:g} {requirement.unit}"
    ranges = [
        r
        for r in requirement.ranges
        if r.field_t is None or (field_t is not None and abs(field_t - r.field_t) <= FIELD_T)
    ]
    if not ranges:
        where = "an unknown field strength" if field_t is None else f"{field_t:g} T"
        return "unknown", f"{shown} at {where}"
    return "met" if any(r.low <= value <= r.high for r in ranges) else "not met", shown


def _unreadable(requirement: Requirement, evidence: Evidence) -> Verdict:
    if evidence.first(requirement.series) is None:
        return "unknown", "no such sequence"
    return "unknown", UNREADABLE


def _volumes(requirement: Requirement, evidence: Evidence) -> Verdict:
    one = evidence.first(requirement.series)
    if one is None:
        return "unknown", "no such sequence"
    return "met" if one.times >= _limit(requirement) else "not met", f"{one.times} volumes"


def _contrast(requirement: Requirement, evidence: Evidence) -> Verdict:  # noqa: ARG001 - all rules share it
    statuses: dict[Shown, Status] = {"seen": "met", "unclear": "unknown"}
    return statuses.get(evidence.contrast, "not met"), evidence.contrast


def _coverage(requirement: Requirement, evidence: Evidence) -> Verdict:
    low = [q for q in evidence.quality if q.covered < _limit(requirement)]
    shown = ", ".join(f"{q.channel} {q.covered:.0%}" for q in low or evidence.quality)
    return "not met" if low else "met", shown


def _signal(requirement: Requirement, evidence: Evidence) -> Verdict:
    told = [(q.channel, q.snr) for q in evidence.quality if q.snr is not None]
    if not told:
        return "unknown", "the voxels don't tell"
    low = [(channel, snr) for channel, snr in told if snr < _limit(requirement)]
    shown = ", ".join(f"{channel} {snr:.0f}" for channel, snr in low or told)
    return "not met" if low else "met", shown


def _motion(requirement: Requirement, evidence: Evidence) -> Verdict:  # noqa: ARG001 - all rules share it
    signs = [sign for q in evidence.quality for sign in motion_signs(q)]
    if signs:
        return "not met", "; ".join(signs)
    if all(q.ghosting is None and q.slice_shift_mm is None for q in evidence.quality):
        return "unknown", "neither air around the head nor stacked slices"
    return "met", "none seen"


def motion_signs(quality: ImageQuality) -> list[str]:
    """What speaks for motion in a sequence, in words."""
    signs = []
    if quality.ghosting is not None and quality.ghosting > GHOSTING:
        signs.append(f"{quality.channel}: ghosts of {quality.ghosting:.1%} beside the head")
    if quality.slice_shift_mm is not None and quality.slice_shift_mm > SHIFT_MM:
        signs.append(
            f"{quality.channel}: every second slice lies {quality.slice_shift_mm:.1f} mm aside"
        )
    return signs


def _limit(requirement: Requirement) -> float:
    assert requirement.limit is not None  # the protocol was checked when it was read
    return requirement.limit


_RULES: dict[str, Callable[[Requirement, Evidence], Verdict]] = {
    "any_present": _any_present,
    "three_d": _three_d,
    "isotropic": _isotropic,
    "matched": _matched,
    "slices": _slices,
    "between": _between,
    "technique": _technique,
    "at_least": _at_least,
    "at_most": _at_most,
    "within": _within,
    "volumes": _volumes,
    "contrast": _contrast,
    "coverage": _coverage,
    "signal": _signal,
    "motion": _motion,
    "unreadable": _unreadable,
}
