"""What makes an examination hard to compare with the baseline (WF-06): findings, never a refusal.

What a header or sidecar does not say is not compared: unknown is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vasotype.findings import Finding
from vasotype.followup.record import Alignment
from vasotype.followup.visit import Visit
from vasotype.prepare.align import LARGEST_SPREAD_MM
from vasotype.result import Result

SAME_BRAIN = 0.85
"""Dice of the brain masks below which two examinations should not be of one brain. Ours."""
THICKER = 1.5
"""Ratio of slice thicknesses from which sizes are compared with care. Ours."""
OTHER_SHARE = 0.2
"""Relative difference from which a setting of the scanner counts as another one. Ours."""
OTHER_MINUTES = 2.0
"""Difference of the time after contrast that changes enhancement. Ours."""

SETTINGS = {
    "field_t": ("field strength", "T"),
    "tr_ms": ("repetition time", "ms"),
    "te_ms": ("echo time", "ms"),
    "ti_ms": ("inversion time", "ms"),
    "flip_deg": ("flip angle", "°"),
}
SERIES_SETTINGS = {
    "repetition_time_s": ("repetition time", "s"),
    "echo_time_s": ("echo time", "s"),
    "flip_angle_deg": ("flip angle", "°"),
}
DELAY = ("time after contrast", "min")

Setting = tuple[str, str]
Settings = Mapping[tuple[str, Setting], float]


def findings(baseline: Visit, visit: Visit, time: int, alignment: Alignment) -> list[Finding]:
    """What a reader should know before comparing follow-up ``time`` with the baseline."""
    first, now = baseline.result, visit.result
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
    if differences := list(_differences(first, now)):
        message = (
            f"follow-up {time} was acquired otherwise than the baseline: {'; '.join(differences)}"
        )
        found.append(Finding("timepoints-acquisition", message))
    thin, thick = sorted((baseline.slice_mm, visit.slice_mm))
    if thick > THICKER * thin:
        message = (
            f"follow-up {time} has slices of {visit.slice_mm:.1f} mm, "
            f"the baseline {baseline.slice_mm:.1f}"
        )
        found.append(Finding("timepoints-slices", message))
    return found


def _differences(first: Result, now: Result) -> Iterator[str]:
    """Settings that differ, e.g. ``t1c field strength 1.5 T, before 3 T``."""
    before, after = _settings(first), _settings(now)
    for sequence, setting in sorted(before.keys() & after.keys()):
        old, new = before[sequence, setting], after[sequence, setting]
        least = OTHER_MINUTES if setting == DELAY else OTHER_SHARE * max(abs(old), abs(new))
        name, unit = setting
        if abs(new - old) >= least > 0:
            yield f"{sequence} {name} {new:.3g} {unit}, before {old:.3g} {unit}"


def _settings(result: Result) -> Settings:
    """Every setting that is known, by sequence: those that were used, and dynamic series."""
    known: dict[tuple[str, Setting], float | None] = {}
    for one in result.acquisition.sequences if result.acquisition else ():
        if one.channel is not None:
            for field, setting in SETTINGS.items():
                known[one.channel, setting] = getattr(one.header, field)
            if one.channel == "t1c":
                known[one.channel, DELAY] = one.header.minutes_after_contrast
    for series in result.perfusion.series if result.perfusion else ():
        for field, setting in SERIES_SETTINGS.items():
            known[series.kind, setting] = getattr(series, field)
    return {key: value for key, value in known.items() if value is not None}
