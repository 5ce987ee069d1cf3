"""The dynamic series of a DICOM study as values: DSC, DCE, and images of several flip angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.series import DynamicSeries, FlipAngleImages, Floats, PerfusionSeries
from vasotype.study.dicom import Series
from vasotype.study.dynamic import SHORTEST_VOLUME_S
from vasotype.study.extras import Extras, leniently, one_series, with_inputs
from vasotype.study.identify.engine import Identified
from vasotype.study.identify.rules import Kind

_MS = 1e-3


def read_dicom_perfusion(
    identified: Sequence[Identified], extras: Extras
) -> tuple[PerfusionSeries | None, set[Series], list[Finding]]:
    """The dynamic series of a study, which of its series they are, and findings.

    The user may name a series by its number or UID, or a NIfTI file; what the user named must be
    readable. Of several series of one kind the one with most volumes is taken. Raises StudyError
    as :func:`dynamic_series` and :func:`~vasotype.study.extras.read_perfusion` do.
    """
    findings: list[Finding] = []
    used: set[Series] = set()
    read: dict[Kind, DynamicSeries | None] = {}
    for kind, given in ((Kind.DSC, extras.dsc), (Kind.DCE, extras.dce)):
        named = [one.series for one in identified if given and _is_named(one.series, given)]
        if named and given is not None and not given.exists():
            read[kind] = dynamic_series(named[0])
            used.add(named[0])
        elif given is not None:
            read[kind] = one_series(str(kind), given, (), findings)
        else:
            read[kind] = _best(kind, identified, used, findings)
    series = PerfusionSeries(dsc=read[Kind.DSC], dce=read[Kind.DCE])
    if series.dce is not None and not extras.vfa:
        images = [one.series for one in identified if one.kind is Kind.VFA]
        angles = leniently(lambda: _flip_angles(images), findings) if images else None
        if angles is not None:
            used |= set(images)
            series = replace(series, flip_angles=angles)
    return with_inputs(series, extras, {}, findings), used, findings


def dynamic_series(series: Series) -> DynamicSeries:
    """A DICOM series with all its volumes.

    Times are those of the header; where it has none, an echo planar series took one repetition
    time a volume. Raises StudyError ``series-times``, or what is wrong with the series.
    """
    if series.problem is not None or series.grid is None:
        raise series.problem or StudyError("bad-affine", f"{series.name}: no grid")
    facts = series.facts
    return DynamicSeries(
        signal=series.read_all(),
        grid=series.grid,
        times_s=_times(series),
        name=series.name,
        echo_time_s=None if facts.te_ms is None else _MS * facts.te_ms,
        repetition_time_s=None if facts.tr_ms is None else _MS * facts.tr_ms,
        flip_angle_deg=facts.flip_deg,
        field_t=facts.field_t,
    )


def _is_named(series: Series, given: Path) -> bool:
    return given.name in (str(series.number), series.uid)


def _best(
    kind: Kind, identified: Sequence[Identified], used: set[Series], findings: list[Finding]
) -> DynamicSeries | None:
    candidates = [one.series for one in identified if one.kind is kind]
    for series in sorted(candidates, key=lambda one: -one.layout.times):
        read = leniently(partial(dynamic_series, series), findings)
        if read is not None:
            used.add(series)
            return read
    return None


def _times(series: Series) -> Floats:
    volumes = len(series.frames)
    times = np.array(series.times_s(), np.float64)
    if len(times) == volumes and (np.diff(times) > 0).all():
        return times
    step = _MS * (series.facts.tr_ms or 0.0)
    if "EP" in series.facts.scanning and step >= SHORTEST_VOLUME_S:
        return np.arange(volumes, dtype=np.float64) * step
    raise StudyError("series-times", f"{series.name}: its header does not time its volumes")


def _flip_angles(images: Sequence[Series]) -> FlipAngleImages:
    """Images of several flip angles, which identification found on one grid."""
    first = images[0]
    times = {one.facts.tr_ms for one in images}
    angles = [one.facts.flip_deg for one in images]
    if first.grid is None or None in angles or None in times or len(times) > 1:
        raise StudyError("vfa-unusable", f"{first.name} ...: flip angles {angles}, TR {times} ms")
    signal = np.stack([one.read_all()[..., 0] for one in images])
    (time,) = times
    return FlipAngleImages(signal, first.grid, np.array(angles, float), _MS * (time or 0.0))
