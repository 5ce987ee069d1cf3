"""Read a study: choose its files, read each, and check that they belong together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from vasotype_models.contract import CHANNELS, QUANTITATIVE, STRUCTURAL

from vasotype.findings import Finding, StudyError
from vasotype.stages import Study, Volume
from vasotype.study.agreement import check_positions, find_copies
from vasotype.study.discover import Listing, is_dicom, list_study
from vasotype.study.naming import parse_name
from vasotype.study.nifti import read_volume


def read_study(
    source: Path | Mapping[str, Path],
    *,
    overrides: Mapping[str, Path] | None = None,
    name: str | None = None,
) -> Study:
    """Read a study from a folder or from channel -> file.

    In a folder sequences are known by file name (:mod:`vasotype.study.naming`); those of a folder
    or zip archive of DICOM by what their headers say (:mod:`vasotype.study.identify`).
    ``overrides`` names files for single channels and wins. ``name`` is the study's name; without
    it, what the file names share, or else the folder's name.

    Any set of channels with T1c or FLAIR will do. Raises StudyError with the code and message of
    what is wrong; messages hold file names, never folders.
    """
    given = {channel: Path(path) for channel, path in (overrides or {}).items()}
    if isinstance(source, Mapping):
        given = {channel: Path(path) for channel, path in source.items()} | given
        listing = Listing({}, (), ())
        home = next((path.absolute().parent for path in given.values()), Path())
    else:
        home = Path(source).absolute()
        if is_dicom(home):
            _check_channels(given)
            return _read_dicom(home, given, name)
        listing = list_study(home, given)
    _check_channels(given)
    chosen = listing.files | given
    files = {channel: chosen[channel] for channel in CHANNELS if channel in chosen}
    if "t1c" not in files and "flair" not in files:
        raise StudyError("no-t1c-or-flair", _nothing_to_read(files, listing))

    volumes: dict[str, Volume] = {}
    findings = _name_findings(given, listing)
    for channel, path in files.items():
        volumes[channel], noted = read_volume(path, structural=channel in STRUCTURAL)
        findings += noted
    study = Study(name or listing.case or _given_case(given) or home.name, volumes)
    check_positions(volumes, study.reference)
    findings += find_copies(volumes) + _missing(files)
    return Study(study.name, volumes, tuple(findings))


def _read_dicom(home: Path, given: Mapping[str, Path], name: str | None) -> Study:
    from vasotype.study.identify.study import read_dicom_channels

    volumes, findings = read_dicom_channels(home, given)
    ordered = {channel: volumes[channel] for channel in CHANNELS if channel in volumes}
    findings += find_copies(ordered) + _missing(ordered)
    return Study(
        name or home.name.removesuffix(".zip").removesuffix(".dcm"), ordered, tuple(findings)
    )


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


def _name_findings(given: Mapping[str, Path], listing: Listing) -> list[Finding]:
    findings = []
    for channel, path in given.items():
        named = parse_name(path.name)
        if named is not None and named[1] != channel:
            message = f"{path.name} was given as {channel}, but its name says {named[1]}"
            findings.append(Finding("channel-name-doubt", message))
    if len(listing.cases) > 1:
        message = f"the files carry different names: {', '.join(c or '-' for c in listing.cases)}"
        findings.append(Finding("mixed-names", message))
    chosen = {path.name for path in given.values()}
    unused = [file for file in listing.unused if file not in chosen]
    findings += [Finding("image-not-used", f"{file}: no known sequence") for file in unused]
    return findings


def _missing(channels: Collection[str]) -> list[Finding]:
    findings = [
        Finding("sequence-missing", f"{channel} is missing")
        for channel in STRUCTURAL
        if channel not in channels
    ]
    if maps := [channel for channel in QUANTITATIVE if channel not in channels]:
        findings.append(Finding("map-missing", f"maps that are missing: {', '.join(maps)}"))
    return findings
