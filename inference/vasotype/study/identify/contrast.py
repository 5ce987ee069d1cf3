"""Was contrast agent given before a T1? Evidence from headers, order in time, and the image."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from vasotype.findings import Finding, StudyError
from vasotype.stages import Volume
from vasotype.study.dicom import Facts, Series
from vasotype.study.identify.enhancement import ENHANCED, NOT_ENHANCED, RISE, bright_share
from vasotype.study.identify.rules import ContrastWords, Kind, plain_words

ENOUGH = 2
"""Pieces of header evidence that settle it; a site stamps an agent on all series, or on none."""
SAME_PHYSICS = 0.05
"""Share by which TR, TE and TI of two T1 with equal physics may differ."""

Read = Callable[[Series], Volume]


@dataclass(frozen=True)
class Contrast:
    """Whether a series was acquired after contrast, why, and what contradicts it."""

    given: bool
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Visit:
    """All series of a visit and their kinds, with contrast not yet considered."""

    kinds: dict[Series, Kind]
    words: ContrastWords
    read: Read

    @property
    def t1(self) -> list[Series]:
        """The T1 series, in order of acquisition."""
        return [series for series, kind in self.kinds.items() if kind is Kind.T1]

    def has_agent(self, facts: Facts) -> bool:
        """Whether the header names a contrast agent."""
        absent = re.search(self.words.agent_absent, facts.agent.strip().lower())
        return bool(facts.agent.strip()) and absent is None


def judge(series: Series, visit: Visit) -> Contrast:
    """Contrast before a T1 series: two pieces of header evidence, or the image."""
    evidence = _header_evidence(series, visit)
    against = _says_without(series, visit)
    header = len(evidence) >= ENOUGH
    if header and not against:
        return Contrast(True, tuple(evidence))
    share = _bright_share(series, visit)
    shown = _image_says(series, visit, share)
    said = "; ".join([*evidence, against] if against else evidence) or "nothing of contrast"
    if shown is None:
        given = header and not against
        message = f"{series.name}: the header says {said}; the image doesn't decide; taken as T1"
        doubt = Finding(
            "contrast-uncertain", f"{message} {'after' if given else 'before'} contrast"
        )
        doubtful = bool(evidence) or share is not None
        return Contrast(given, tuple(evidence), (doubt,) if doubtful else ())
    seen = f"{share:.2%} of the deep head outshines white matter"
    if not (shown and against) and not (header and not shown):
        return Contrast(shown, (*evidence, seen) if shown else (seen,))
    message = f"{series.name}: the header says {said}, but the image shows "
    conflict = Finding("contrast-conflict", message + ("contrast" if shown else "none"))
    return Contrast(shown, (seen,), (conflict,))


def _header_evidence(series: Series, visit: Visit) -> list[str]:
    facts = series.facts
    evidence = []
    if visit.has_agent(facts):
        evidence.append(f"agent: {facts.agent}")
        if _agent_appears(series, visit):
            evidence.append("earlier series name no agent")
    if dynamic := _dynamic_before(series, visit):
        evidence.append(f"acquired after {dynamic.name}")
    if twin := _earlier_twin(series, visit):
        evidence.append(f"later than {twin.name} of equal physics")
    name = plain_words(f"{facts.description} | {facts.protocol}")
    if re.search(visit.words.name_with, name) and not _says_without(series, visit):
        evidence.append("the name tells contrast")
    return evidence


def _says_without(series: Series, visit: Visit) -> str:
    name = plain_words(f"{series.facts.description} | {series.facts.protocol}")
    return "the name tells no contrast" if re.search(visit.words.name_without, name) else ""


def _agent_appears(series: Series, visit: Visit) -> bool:
    """Whether all series with an agent come after all without, and some have none."""
    timed = [s for s in visit.kinds if s.facts.acquired is not None]
    without = [s.facts.acquired for s in timed if not visit.has_agent(s.facts)]
    named = [s.facts.acquired for s in timed if visit.has_agent(s.facts)]
    return bool(
        without
        and named
        and series.facts.acquired
        and max(t for t in without if t) < min(t for t in named if t)
    )


def _dynamic_before(series: Series, visit: Visit) -> Series | None:
    before = (s for s, kind in visit.kinds.items() if kind in (Kind.DSC, Kind.DCE))
    return next((s for s in before if _precedes(s, series)), None)


def _earlier_twin(series: Series, visit: Visit) -> Series | None:
    return next(
        (s for s in visit.t1 if _precedes(s, series) and _same_physics(s.facts, series.facts)), None
    )


def _precedes(first: Series, second: Series) -> bool:
    a, b = first.facts.acquired, second.facts.acquired
    return a is not None and b is not None and a < b


def _same_physics(a: Facts, b: Facts) -> bool:
    pairs = ((a.tr_ms, b.tr_ms), (a.te_ms, b.te_ms), (a.ti_ms, b.ti_ms))
    return a.acquisition == b.acquisition and all(
        x == y or (x is not None and y is not None and abs(x - y) <= SAME_PHYSICS * max(x, y))
        for x, y in pairs
    )


def _image_says(series: Series, visit: Visit, share: float | None) -> bool | None:
    if share is None:
        return None
    if share >= ENHANCED:
        return True
    if share <= NOT_ENHANCED:
        return False
    twin = _earlier_twin(series, visit)
    before = _bright_share(twin, visit) if twin else None
    return True if before is not None and share >= RISE * before else None


def _bright_share(series: Series, visit: Visit) -> float | None:
    try:
        return bright_share(visit.read(series))
    except StudyError:  # its problem is told where the series would be used
        return None
