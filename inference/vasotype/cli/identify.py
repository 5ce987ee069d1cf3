"""``vasotype identify``: which sequence is which, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vasotype.cli.console import guarded, print_json, spinner
from vasotype.cli.options import (
    FlairOption,
    JsonOption,
    KtransOption,
    RcbvOption,
    T1cOption,
    T1Option,
    T2Option,
    TbrOption,
    given_sequences,
)
from vasotype.findings import StudyError

if TYPE_CHECKING:
    from vasotype.study.dicom import DicomStudy
    from vasotype.study.identify import Identified


@guarded
def identify(
    study: Annotated[
        Path,
        typer.Argument(metavar="STUDY", help="Folder or zip archive of one study."),
    ],
    *,
    t1: T1Option = None,
    t1c: T1cOption = None,
    t2: T2Option = None,
    flair: FlairOption = None,
    rcbv: RcbvOption = None,
    ktrans: KtransOption = None,
    tbr: TbrOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which sequence is which, how that was decided, and which would be used.

    DICOM series are told apart by their physics, by contrast, and last by their names; where the
    header is silent on contrast the image is asked. NIfTI files are known by their names. A number
    in the first column names a DICOM series, as in `--t1c 7`; a sequence flag changes the choice
    here as it does in `vasotype run`.

    Examples:

    - `vasotype identify patient7`
    - `vasotype identify export.zip --t1c 7 --json`
    """
    from vasotype.study.discover import is_dicom

    given = given_sequences(
        study, t1=t1, t1c=t1c, t2=t2, flair=flair, rcbv=rcbv, ktrans=ktrans, tbr=tbr
    )
    with spinner("reading headers"):
        answer = _dicom_answer(study, given) if is_dicom(study) else _nifti_answer(study, given)
    if as_json:
        print_json(answer)
    else:
        _print_table(answer)


def _dicom_answer(place: Path, given: Mapping[str, Path]) -> dict[str, Any]:
    from vasotype.study.dicom import read_series
    from vasotype.study.identify import identify_series
    from vasotype.study.identify.choose import choose
    from vasotype.study.identify.study import resolve

    found = read_series(place)
    identified = identify_series(found.series)
    named, files = resolve(given, identified)
    remarks = [finding.message for finding in found.findings]
    used: dict[int, str] = {}
    try:
        choice = choose(identified, given)
        for channel, one in {**choice.series, **named}.items():
            number = one.series.number
            used[number] = f"{used[number]}, {channel}" if number in used else channel
        remarks += [finding.message for finding in choice.findings]
    except StudyError as problem:
        remarks.append(f"this study would be refused: {problem}")
    return {
        "source": place.name,
        "format": "DICOM",
        "series": [_series_row(one, used) for one in identified] + _given_rows(files),
        "skipped": dict(found.skipped),
        "remarks": remarks + _several(found),
    }


def _given_rows(files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Files that the user named; raises StudyError ``file-missing``."""
    for path in files.values():
        if not path.exists():
            raise StudyError("file-missing", f"{path.name}: no such file")
    return [
        {
            "description": path.name,
            "kind": channel,
            "used_as": channel,
            "reasons": ["named by the user"],
        }
        for channel, path in files.items()
    ]


def _several(found: DicomStudy) -> list[str]:
    counts = (found.patients, "patients"), (found.visits, "days")
    return [f"this study would be refused: images of {n} {what}" for n, what in counts if n > 1]


def _series_row(one: Identified, used: Mapping[int, str]) -> dict[str, Any]:
    series = one.series
    return {
        "number": series.number,
        "description": series.facts.description or series.facts.protocol,
        "uid": series.uid,
        "kind": str(one.kind),
        "used_as": used.get(series.number),
        "contrast_given": one.contrast_given,
        "reasons": list(one.reasons),
        "scores": {str(kind): round(score, 2) for kind, score in one.scores.items()},
        "shape": None if series.grid is None else list(series.grid.shape),
        "spacing_mm": None
        if series.grid is None
        else [round(spacing, 3) for spacing in series.grid.spacing_mm],
        "slices": series.layout.slices,
        "times": series.layout.times,
        "problem": None
        if series.problem is None
        else str(series.problem).removeprefix(f"{series.name}: "),
    }


def _nifti_answer(folder: Path, given: Mapping[str, Path]) -> dict[str, Any]:
    from vasotype.study.discover import list_study
    from vasotype.study.read import guess_strangers

    listing = list_study(folder, given)
    guessed = guess_strangers(listing, given)
    rows = _given_rows(given)
    rows += [
        {"description": path.name, "kind": channel, "used_as": channel, "reasons": ["by its name"]}
        for channel, path in listing.files.items()
    ]
    rows += [
        {
            "description": one.name,
            "kind": one.kind,
            "used_as": one.channel,
            "reasons": [*one.reasons] or ["no known ending"],
        }
        for one in guessed.series
        if one.channel or one.name not in {path.name for path in given.values()}
    ]
    if not rows:
        raise StudyError("no-t1c-or-flair", f"{folder.name}: neither NIfTI nor DICOM images")
    return {"source": folder.name, "format": "NIfTI", "series": rows, "remarks": []}


def _print_table(answer: Mapping[str, Any]) -> None:
    table = Table("no", "series", "is", "used as", "voxels, mm", "because")
    for row in answer["series"]:
        table.add_row(
            str(row.get("number", "")),
            Text(row["description"] or "-"),
            row["kind"],
            row["used_as"] or "-",
            _voxels(row),
            Text("; ".join(filter(None, [*row["reasons"], row.get("problem")]))),
        )
    console = Console(highlight=False)
    console.print(table)
    for what, count in answer.get("skipped", {}).items():
        console.print(f"passed over: {count} x {what}", markup=False)
    for remark in answer["remarks"]:
        console.print(remark, markup=False)


def _voxels(row: Mapping[str, Any]) -> str:
    spacing = row.get("spacing_mm")
    if spacing is None:
        return "-"
    times = f", {row['times']} times" if row["times"] > 1 else ""
    return " x ".join(f"{edge:g}" for edge in (round(s, 2) for s in spacing)) + times
