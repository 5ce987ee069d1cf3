"""What belongs to a study beside its sequences: dynamic series, inputs, clinical facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.series import (
    DEFAULT_SETTINGS,
    DceSettings,
    DynamicSeries,
    FlipAngleImages,
    InputCurve,
    PerfusionSeries,
)
from vasotype.stages import Mask
from vasotype.study.dynamic import read_aif, read_b1, read_flip_angles, read_series
from vasotype.study.nifti import read_volume

Value = TypeVar("Value")


@dataclass(frozen=True)
class Extras:
    """Files that the user names beside the sequences; what is found in the study gives way.

    ``dsc`` and ``dce`` are 4-D NIfTI files, or, in a study of DICOM, the numbers of series; ``vfa``
    are images of several flip angles, ``aif`` arterial inputs; ``ps`` is a map of the
    permeability-surface product, mL/100 mL/min; ``clinical`` a JSON file or table; ``name`` is what
    the results call the study. ``b1`` is a map of the flip angle over the nominal one of the DCE
    series, ``dce_settings`` what else that does not say.
    """

    dsc: Path | None = None
    dce: Path | None = None
    vfa: tuple[Path, ...] = ()
    aif: tuple[Path, ...] = ()
    ps: Path | None = None
    clinical: Path | None = None
    name: str | None = None
    b1: Path | None = None
    dce_settings: DceSettings = DEFAULT_SETTINGS


NO_EXTRAS = Extras()
Found = Mapping[str, tuple[Path, ...]]
"""Files of series by kind: dsc, dce, vfa, aif."""


def read_perfusion(extras: Extras, found: Found) -> tuple[PerfusionSeries | None, list[Finding]]:
    """Read the NIfTI series that the user named, else those found in the study's folder.

    What the user named must be readable: StudyError as of :mod:`vasotype.study.dynamic`, and
    ``aif-kind``. What was only found is left out with a finding.
    """
    findings: list[Finding] = []
    series = PerfusionSeries(
        ps=read_volume(extras.ps, structural=False)[0] if extras.ps else None,
        dsc=one_series("dsc", extras.dsc, found.get("dsc", ()), findings),
        dce=one_series("dce", extras.dce, found.get("dce", ()), findings),
    )
    return with_inputs(series, extras, found, findings), findings


def one_series(
    kind: str, given: Path | None, found: Collection[Path], findings: list[Finding]
) -> DynamicSeries | None:
    """The series of one kind; None where there is none or it was found but can't be read."""
    if given is not None:
        return read_series(given)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        message = f"{names}: several could be the {kind} series; say which with --{kind}"
        findings.append(Finding("series-left-out", message))
        return None
    return next((leniently(partial(read_series, path), findings) for path in found), None)


def with_inputs(
    series: PerfusionSeries, extras: Extras, found: Found, findings: list[Finding]
) -> PerfusionSeries | None:
    """The series with what belongs to them; None where there is no series."""
    if series == PerfusionSeries():
        return None
    series = replace(series, dce_settings=extras.dce_settings)
    if series.dce is not None and extras.b1 is not None:
        series = replace(series, b1=read_b1(extras.b1, series.dce))
    if series.dce is not None and series.flip_angles is None:
        series = replace(series, flip_angles=_flip_angles(series.dce, extras, found, findings))
    for path in extras.aif:
        series = _with_input(series, path)
    for path in () if extras.aif else found.get("aif", ()):
        series = leniently(partial(_with_input, series, path), findings) or series
    return series


def leniently(read: Callable[[], Value], findings: list[Finding]) -> Value | None:
    """What ``read`` gives; None, with a finding, where the file can't be used."""
    try:
        return read()
    except StudyError as error:
        findings.append(Finding("series-left-out", str(error)))
        return None


def _flip_angles(
    dce: DynamicSeries, extras: Extras, found: Found, findings: list[Finding]
) -> FlipAngleImages | None:
    if extras.vfa:
        return read_flip_angles(extras.vfa, dce)
    if images := found.get("vfa", ()):
        return leniently(lambda: read_flip_angles(images, dce), findings)
    return None


def _with_input(series: PerfusionSeries, path: Path) -> PerfusionSeries:
    """The series with one more input: a table tells its kind, a mask belongs where it fits."""
    if path.suffix.lower() == ".tsv":
        any_series = series.dsc or series.dce
        assert any_series is not None
        curve = read_aif(path, any_series)
        of_dsc = isinstance(curve, InputCurve) and curve.kind == "delta_r2star"
        return _placed(series, curve, dsc=of_dsc)
    if series.dsc is not None and series.dce is not None:
        try:
            return _placed(series, read_aif(path, series.dsc), dsc=True)
        except StudyError as error:
            if error.code != "perfusion-grid":
                raise
    one = series.dce or series.dsc
    assert one is not None
    return _placed(series, read_aif(path, one), dsc=series.dce is None)


def _placed(series: PerfusionSeries, arterial: InputCurve | Mask, *, dsc: bool) -> PerfusionSeries:
    if dsc:
        return replace(series, dsc_input=arterial)
    return replace(series, dce_input=arterial)
