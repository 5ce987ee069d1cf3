"""What a pathologist said of lesions (WF-07): read, stored beside the prediction, never mixed in.

The growth pattern is kept as it was reported. It is no vascular mode and is never turned into one;
only a mode that a reader of the tissue gave is compared with the prediction.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from vasotype.findings import StudyError
from vasotype.result import LesionRecord, PathologyRecord

COLUMNS = tuple(PathologyRecord.model_fields)
MISSING = frozenset({"", "n/a"})


def read_pathology(path: Path) -> tuple[PathologyRecord, ...]:
    """Read a tab-separated table with the columns of :class:`PathologyRecord`, one row a lesion.

    ``lesion`` and one more column must be there; an empty cell or ``n/a`` means not known. Raises
    StudyError ``pathology-table`` when the table can't be read or a value isn't allowed, and
    OSError when there is no such file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, delimiter="\t", strict=True)
            rows, names = list(table), tuple(table.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refused(path, f"is no tab-separated text: {error}") from error
    if "lesion" not in names or len(names) < 2:
        raise _refused(path, f"must have the column lesion and another of {', '.join(COLUMNS)}")
    if unknown := sorted(set(names) - set(COLUMNS)):
        raise _refused(path, f"has the unknown column {unknown[0]!r}")
    records = tuple(_record(path, line, row) for line, row in enumerate(rows, start=2))
    numbers = [record.lesion for record in records]
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise _refused(path, f"names lesion {twice[0]} twice")
    return records


def check_pathology(pathology: Sequence[PathologyRecord], lesions: Sequence[LesionRecord]) -> None:
    """Raise StudyError ``pathology-table`` when a row is about a lesion that isn't there."""
    known = {lesion.id for lesion in lesions}
    for record in pathology:
        if record.lesion not in known:
            raise StudyError(
                "pathology-table",
                f"pathology is given for lesion {record.lesion}, but {len(known)} were found",
            )


def _record(path: Path, line: int, row: dict[str, str]) -> PathologyRecord:
    cells = {name: value for name, value in row.items() if (value or "").strip() not in MISSING}
    try:
        return PathologyRecord.model_validate(cells)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _refused(path, f"line {line}, {where}: {first['msg']}") from error


def _refused(path: Path, why: str) -> StudyError:
    return StudyError("pathology-table", f"{path.name}: {why}")
