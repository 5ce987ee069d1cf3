"""Read a study: choose its files, read each, and check that they belong together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from vasotype_models.contract import CHANNELS, QUANTITATIVE, STRUCTURAL

from vasotype.clinical import read_clinical, read_participants
from vasotype.findings import Finding, StudyError
from vasotype.perfusion.series import PerfusionSeries
from vasotype.stages import Study, Volume
from vasotype.study.agreement import find_copies
from vasotype.study.discover import Listing, is_dicom, list_series, list_study
from vasotype.study.extras import NO_EXTRAS, Extras, read_perfusion
from vasotype.study.naming import parse_name
from vasotype.study.nifti import read_volume
from vasotype.study.series import Guessed, dynamic_series, image_series, no_guess

REFERENCES = ("t1c", "flair")
"""Without one of these there is no analysis."""
NO_DATE_YEAR = 1900


def read_study(
    source: Path | Mapping[str, Path],
    *,
    overrides: Mapping[str, Path] | None = None,
    name: str | None = None,
    extras: Extras = NO_EXTRAS,
    needed: Collection[str] = REFERENCES,
) -> Study:
    """Read a study from a folder or from channel -> file.

    In a folder sequences are known by file name (:mod:`vasotype.study.naming`); those of a folder
    or zip archive of DICOM by what their headers say (:mod:`vasotype.study.identify`).
    ``overrides`` names files for single channels and wins. ``name`` is the study's name; without
    it, what the file names share, or else the folder's name. Dynamic series are read where
    ``extras`` names them or the study holds some, clinical facts also from ``participants.tsv``.

    Any set of channels with T1c or FLAIR will do, or with one of ``needed``. Raises StudyError
    with the code and message of what is wrong; messages hold file names, never folders.
    """
    given = {channel: Path(path) for channel, path in (overrides or {}).items()}
    name = name or extras.name
    if isinstance(source, Mapping):
        given = {channel: Path(path) for channel, path in source.items()} | given
        listing = Listing({}, (), ())
        home = next((path.absolute().parent for path in given.values()), Path())
    else:
        home = Path(source).absolute()
        if is_dicom(home):
            _check_channels(given)
            read = _read_dicom(home, given, name, extras, needed)
            return _with_clinical(read, home, extras)
        listing = list_study(home, given)
    _check_channels(given)
    guessed = guess_strangers(listing, given)
    chosen = {**guessed.files, **listing.files, **given}
    files = {channel: chosen[channel] for channel in CHANNELS if channel in chosen}
    if not {*needed} & {*files}:
        raise StudyError("no-t1c-or-flair", _nothing_to_read(files, listing))

    volumes: dict[str, Volume] = {}
    findings = _name_findings(given, listing, guessed)
    for channel, path in files.items():
        volumes[channel], noted = read_volume(path, structural=channel in STRUCTURAL)
        findings += noted
    study = Study(name or listing.case or _given_case(given) or home.name, volumes)
    found = {} if isinstance(source, Mapping) else list_series(home)
    perfusion, noted = read_perfusion(extras, found)
    findings += noted + find_copies(volumes) + _missing(files, perfusion)
    series = image_series(files, volumes, given, guessed) + dynamic_series(found)
    study = Study(study.name, volumes, tuple(findings), series, perfusion)
    return _with_clinical(study, home, extras)


def _read_dicom(
    home: Path,
    given: Mapping[str, Path],
    name: str | None,
    extras: Extras,
    needed: Collection[str],
) -> Study:
    from vasotype.study.identify.study import read_dicom_channels

    read = read_dicom_channels(home, given, extras, needed)
    ordered = {channel: read.volumes[channel] for channel in CHANNELS if channel in read.volumes}
    findings = [*read.findings, *find_copies(ordered), *_missing(ordered, read.perfusion)]
    called = home.name.removesuffix(".zip").removesuffix(".dcm")
    if name is None and read.identity.is_named_in(called):
        called = read.identity.safe(called)
        findings.append(Finding("name-withheld", f"the study is called {called} in the results"))
    return Study(name or called, ordered, tuple(findings), read.series, read.perfusion)


def _with_clinical(study: Study, home: Path, extras: Extras) -> Study:
    """The study with clinical facts: those that the user names, else those of a BIDS data set."""
    if extras.clinical is not None:
        return replace(study, clinical=read_clinical(extras.clinical, study.name, _scanned(study)))
    try:
        facts = read_participants(home, _scanned(study))
    except StudyError as error:
        return replace(study, findings=(*study.findings, Finding("clinical-left-out", str(error))))
    if facts is None:
        return study
    found = Finding("clinical-found", "clinical facts were taken from participants.tsv")
    return replace(study, clinical=facts, findings=(*study.findings, found))


def _scanned(study: Study) -> date | None:
    """Day of the scan, where a header tells it; a time without a date is of the year 1900."""
    moments = [series.facts.acquired for series in study.series if series.facts.acquired]
    return min((m.date() for m in moments if m.year > NO_DATE_YEAR), default=None)


def _check_channels(given: Mapping[str, Path]) -> None:
    for channel, path in given.items():
        if channel not in CHANNELS:
            raise StudyError(
                "unknown-channel",
                f"{path.name}: {channel!r} is no sequence; known are {', '.join(CHANNELS)}",
            )


def _nothing_to_read(files: Mapping[str, Path], listing: Listing) -> str:
    message = f"neither T1c nor FLAIR; found {', '.join(files) or 'no known sequence'}"
    if listing.unused:
        message += f"; not recognised: {', '.join(listing.unused)}"
    return message


def _given_case(given: Mapping[str, Path]) -> str:
    named = [parse_name(path.name) for path in given.values()]
    return Listing({}, tuple(sorted({n[0] for n in named if n})), ()).case


def guess_strangers(listing: Listing, given: Collection[str] = ()) -> Guessed:
    """What images of unusual names seem to be, where a structural sequence is missing.

    Channels in ``given`` were named by the user.
    """
    known = {*listing.files, *given}
    if not listing.strangers or known.issuperset(STRUCTURAL):
        return no_guess(listing.strangers)
    from vasotype.study.identify.images import guess_images

    return guess_images(listing.strangers, known)


def _name_findings(given: Mapping[str, Path], listing: Listing, guessed: Guessed) -> list[Finding]:
    findings = list(guessed.findings)
    for channel, path in given.items():
        named = parse_name(path.name)
        if named is not None and named[1] != channel:
            message = f"{path.name} was given as {channel}, but its name says {named[1]}"
            findings.append(Finding("channel-name-doubt", message))
    if len(listing.cases) > 1:
        message = f"the files carry different names: {', '.join(c or '-' for c in listing.cases)}"
        findings.append(Finding("mixed-names", message))
    chosen = {path.name for path in (*given.values(), *guessed.files.values())}
    unused = [file for file in listing.unused if file not in chosen]
    findings += [Finding("image-not-used", f"{file}: no known sequence") for file in unused]
    return findings


def _missing(channels: Collection[str], perfusion: PerfusionSeries | None) -> list[Finding]:
    findings = [
        Finding("sequence-missing", f"{channel} is missing")
        for channel in STRUCTURAL
        if channel not in channels
    ]
    series = perfusion or PerfusionSeries()
    computed = {"rcbv": series.dsc is not None, "ktrans": series.dce is not None}
    maps = [c for c in QUANTITATIVE if c not in channels and not computed.get(c, False)]
    if maps:
        findings.append(Finding("map-missing", f"maps that are missing: {', '.join(maps)}"))
    return findings
