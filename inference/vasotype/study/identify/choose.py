"""Which series stands for each channel, and what a reader should know of the choice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vasotype.findings import Finding
from vasotype.study.identify.engine import Identified
from vasotype.study.identify.rules import Kind

CHANNEL_KINDS = {"t1": Kind.T1, "t1c": Kind.T1C, "t2": Kind.T2, "flair": Kind.FLAIR}
INDISPENSABLE = ("t1c", "flair")
"""A damaged series of these refuses the study; of the others it is left out with a warning."""
THREE_D_MM = 1.6
"""Slices thinner than this are as good as 3-D where the header is silent."""
HEAD_MM = 100.0
"""Less depth of slices than this covers part of the head."""


@dataclass(frozen=True)
class Choice:
    """One series a channel, and findings about the choice."""

    series: Mapping[str, Identified]
    findings: tuple[Finding, ...]


def choose(identified: Sequence[Identified], given: Collection[str] = ()) -> Choice:
    """The best series of each structural channel: whole heads, 3-D, thin slices, small voxels,
    then the latest.

    Channels in ``given`` were named by the user and are passed over. Raises the problem of a T1c
    or FLAIR series where every one of its kind is damaged.
    """
    chosen: dict[str, Identified] = {}
    findings = [finding for one in identified for finding in one.findings]
    for channel, kind in CHANNEL_KINDS.items():
        if channel in given:
            continue
        candidates = sorted((one for one in identified if one.kind is kind), key=_rank)
        usable = [one for one in candidates if one.series.volume_problem is None]
        for one in candidates:
            if problem := one.series.volume_problem:
                if not usable and channel in INDISPENSABLE:
                    raise problem
                findings.append(Finding("series-unusable", f"{channel}: {problem}"))
        if usable:
            chosen[channel] = usable[0]
            findings += _remarks(channel, usable)
    return Choice(chosen, tuple(findings))


def _rank(one: Identified) -> tuple[bool, bool, float, float, float]:
    grid, facts = one.series.grid, one.series.facts
    if grid is None:
        return True, True, 0.0, 0.0, 0.0
    spacing = grid.spacing_mm
    partial = grid.shape[2] * spacing[2] < HEAD_MM
    flat = facts.acquisition != "3D" and spacing[2] > THREE_D_MM
    volume_mm3 = round(1000 * grid.voxel_ml, 3)
    return partial, flat, round(spacing[2], 2), volume_mm3, -_seconds(facts.acquired)


def _seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else (moment - datetime(1900, 1, 1)).total_seconds()


def _is_other_part(one: Identified, best: Identified) -> bool:
    """Whether both are parts of one header's series, and no different echo or time divides them."""
    parts = replace(one.series.facts, acquired=None), replace(best.series.facts, acquired=None)
    return one.series.uid == best.series.uid and parts[0] == parts[1]


def _remarks(channel: str, usable: Sequence[Identified]) -> list[Finding]:
    best = usable[0]
    findings = []
    if len(usable) > 1 and best.series.grid is not None:
        others = ", ".join(one.series.name for one in usable[1:])
        message = (
            f"{channel}: {best.series.name} was taken ("
            f"{best.series.facts.acquisition or 'acquisition not told'}, "
            f"{best.series.grid.spacing_mm[2]:.1f} mm slices), not {others}"
        )
        findings.append(Finding("series-chosen", message))
    if stacks := [one for one in usable[1:] if _is_other_part(one, best)]:
        message = (
            f"{channel}: {best.series.name} falls into {len(stacks) + 1} stacks that differ in "
            "frame of reference, pixel size or direction; one was taken"
        )
        findings.append(Finding("series-split", message))
    if best.contrast_given and channel in ("t2", "flair"):
        message = f"{channel}: {best.series.name} was acquired after contrast"
        findings.append(Finding("acquired-after-contrast", message))
    return findings + list(best.series.findings)
