"""A DICOM study read as channels: its series identified, the best of each chosen and decoded."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vasotype_models.contract import STRUCTURAL

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.series import PerfusionSeries
from vasotype.stages import SourceSeries, Volume
from vasotype.study.dicom import DicomStudy, Series, holds_dicom, read_series
from vasotype.study.extras import NO_EXTRAS, Extras
from vasotype.study.identify.choose import INDISPENSABLE, choose
from vasotype.study.identify.engine import Identified, identify_series
from vasotype.study.identify.images import source_series
from vasotype.study.identify.perfusion import read_dicom_perfusion
from vasotype.study.identity import Identity
from vasotype.study.nifti import read_volume
from vasotype.study.series import image_series, no_guess

SHOWN_PROBLEMS = 3
"""How many damaged series a refusal names."""


@dataclass(frozen=True)
class DicomChannels:
    """A DICOM study as channels: volumes, dynamic series, and all series that it held.

    ``identity`` tells whether a text names the patient.
    """

    volumes: dict[str, Volume]
    perfusion: PerfusionSeries | None
    series: tuple[SourceSeries, ...]
    findings: list[Finding]
    identity: Identity


def read_dicom_channels(
    place: Path,
    given: Mapping[str, Path],
    extras: Extras = NO_EXTRAS,
    needed: Collection[str] = INDISPENSABLE,
) -> DicomChannels:
    """Volumes by channel of a folder, zip archive or file of DICOM, and what else it holds.

    ``given`` names channels by hand: a NIfTI file, another place that holds one DICOM series, or
    a series of this place by its number or SeriesInstanceUID. One of ``needed`` must be there.

    Raises StudyError: those of :func:`~vasotype.study.dicom.read_series`; ``several-patients``,
    ``several-visits``, ``no-mr``, ``series-unknown``, ``no-t1c-or-flair``; and whatever is wrong
    with a series that can't be done without.
    """
    study = read_series(place)
    _check_study(study, study.identity.safe(place.name))
    read = functools.cache(Series.read)
    identified = identify_series(study.series, read)
    named, files = resolve(given, identified)
    choice = choose(identified, given)
    chosen = {**choice.series, **named}
    if not {*needed} & {*chosen, *files}:
        for one in chosen.values():
            read(one.series)  # a series that can't be read may be the one that is missed
        raise StudyError("no-t1c-or-flair", f"neither T1c nor FLAIR; found {_listing(identified)}")
    volumes = {
        channel: one.series.read(structural=channel in STRUCTURAL)
        if channel in named
        else read(one.series)
        for channel, one in chosen.items()
    }
    findings = [*study.findings, *choice.findings]
    for channel, path in files.items():
        volumes[channel], noted = read_image(path, structural=channel in STRUCTURAL)
        findings += noted
    perfusion, dynamic, noted = read_dicom_perfusion(identified, extras)
    findings += noted
    used = {one.series for one in chosen.values()} | dynamic
    if unused := [one for one in identified if one.series not in used]:
        findings.append(Finding("image-not-used", f"not used: {_listing(unused)}"))
    if study.skipped:
        passed = ", ".join(f"{count} x {what}" for what, count in study.skipped.most_common())
        findings.append(Finding("image-not-used", f"passed over: {passed}"))
    series = [source_series(one, chosen) for one in identified]
    series += image_series(files, volumes, given, no_guess(()))
    return DicomChannels(volumes, perfusion, tuple(series), findings, study.identity)


def read_image(path: Path, *, structural: bool) -> tuple[Volume, list[Finding]]:
    """One volume from a NIfTI file, or from a place that holds exactly one DICOM series.

    Raises StudyError as :func:`~vasotype.study.nifti.read_volume`, and ``series-unknown`` where
    there are more series than one.
    """
    if not holds_dicom(path):
        return read_volume(path, structural=structural)
    study = read_series(path)
    if len(study.series) != 1:
        raise StudyError(
            "series-unknown", f"{path.name}: holds {len(study.series)} series; one is needed"
        )
    series = study.series[0]
    return series.read(structural=structural), [*study.findings, *series.findings]


def _check_study(study: DicomStudy, name: str) -> None:
    if not study.series:
        found = ", ".join(f"{count} x {what}" for what, count in study.skipped.most_common(3))
        raise StudyError("no-mr", f"{name}: no MR series; found {found or 'nothing'}")
    problems = [series.problem for series in study.series if series.problem]
    if len(problems) == len(study.series):
        raise StudyError(problems[0].code, "; ".join(map(str, problems[:SHOWN_PROBLEMS])))
    if study.patients > 1:
        raise StudyError("several-patients", f"{name}: images of {study.patients} patients")
    if study.visits > 1:
        raise StudyError("several-visits", f"{name}: images of {study.visits} days")


def resolve(
    given: Mapping[str, Path], identified: Sequence[Identified]
) -> tuple[dict[str, Identified], dict[str, Path]]:
    """What the user named by channel: series of this study, and files elsewhere.

    Raises StudyError ``series-unknown`` for a number that is none of a series.
    """
    named, files = {}, {}
    for channel, path in given.items():
        match = [one for one in identified if path.name in (str(one.series.number), one.series.uid)]
        if path.exists() or (not match and not path.name.isdigit()):
            files[channel] = path
        elif len(match) == 1:
            named[channel] = match[0]
        else:
            raise StudyError(
                "series-unknown", f"{channel}: {len(match)} series are called {path.name}"
            )
    return named, files


def _listing(identified: Sequence[Identified]) -> str:
    return "; ".join(
        str(one.series.problem) if one.series.problem else f"{one.series.name}: {one.kind}"
        for one in identified
    )
