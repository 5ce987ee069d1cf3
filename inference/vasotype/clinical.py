"""What is known of the patient: primary tumor and treatment, from a file, without identifiers.

None is "not known" everywhere and stays so; an empty list of treatments is "none was given". Dates
become days before the scan when the file is read, and are not kept.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from vasotype.findings import StudyError

UNKNOWN = frozenset({"", "n/a", "na", "unknown", "?"})
"""Cells of a table that say nothing."""
YES, NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n", "none"})
LARGEST_BYTES = 4 * 1024**2

Technique = Literal["stereotactic", "whole_brain", "other"]
PetTracer = Literal["fet", "fdopa", "met"]
"""Amino-acid tracers; their ratios to normal brain are not comparable."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Treatment(_Fact):
    """A treatment before the scan, at a day or a date."""

    days_since: float | None = Field(
        default=None, ge=0, description="from the treatment (its last day) to the scan"
    )
    lesions: tuple[int, ...] | None = Field(
        default=None, description="treated lesions by their numbers in the result; null: not known"
    )

    @model_validator(mode="before")
    @classmethod
    def _dated(cls, values: Any) -> Any:
        return _date_to_days(values, "days_since")


class Radiotherapy(_Treatment):
    """One course of radiotherapy of the brain."""

    technique: Technique | None = None

    def reaches(self, lesion: int) -> bool | None:
        """Whether a lesion lay in its field; None where it names no lesions.

        A whole-brain course reaches every lesion.
        """
        if self.technique == "whole_brain":
            return True
        return None if self.lesions is None else lesion in self.lesions


class Surgery(_Treatment):
    """One resection in the brain."""


class Drug(_Fact):
    """Whether a drug of this kind is or was given, and since when."""

    given: bool
    days_since_start: float | None = Field(
        default=None, ge=0, description="from the first dose to the scan"
    )

    @model_validator(mode="before")
    @classmethod
    def _dated(cls, values: Any) -> Any:
        if isinstance(values, bool):
            return {"given": values}
        return _date_to_days(values, "days_since_start")


class Clinical(_Fact):
    """Clinical facts of one patient at the time of the scan; None is not known."""

    primary: str | None = Field(
        default=None, max_length=80, description="primary tumor; displayed, never a reason"
    )
    steroids: bool | None = None
    radiotherapy: tuple[Radiotherapy, ...] | None = Field(
        default=None, description="of the brain; an empty list: none"
    )
    surgery: tuple[Surgery, ...] | None = Field(
        default=None, description="in the brain; an empty list: none"
    )
    anti_vegf: Drug | None = Field(default=None, description="e.g. bevacizumab")
    ici: Drug | None = Field(default=None, description="immune checkpoint inhibitor")
    pet_tracer: PetTracer | None = Field(
        default=None, description="of the PET of this scan; limits of its ratio hold for fet"
    )

    @field_validator("pet_tracer", mode="before")
    @classmethod
    def _tracer(cls, value: Any) -> Any:
        """In any case; ``unknown`` is written by some and says nothing."""
        if not isinstance(value, str):
            return value
        word = value.strip().casefold()
        return None if word in UNKNOWN else word

    def irradiated(self, lesion: int) -> bool | None:
        """Whether a lesion lay in a radiation field; None where that isn't known."""
        if self.radiotherapy is None:
            return None
        answers = [course.reaches(lesion) for course in self.radiotherapy]
        return True if True in answers else None if None in answers else False

    @property
    def resected(self) -> bool | None:
        """Whether there was brain surgery; None where that isn't known."""
        return None if self.surgery is None else bool(self.surgery)


def read_clinical(path: Path, study: str, scanned: date | None = None) -> Clinical:
    """Clinical facts from a JSON file, or from a table (TSV, also BIDS ``participants.tsv``).

    A table of several patients has ``participant_id``, and the row of ``study`` is taken: of
    ``sub-01_ses-2`` that of ``sub-01``. Dates count from ``scan_date`` of the file, else from
    ``scanned``. Raises StudyError ``file-missing``, ``clinical-invalid`` or ``clinical-no-row``.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise StudyError("clinical-invalid", f"{path.name}: far too large for clinical facts")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise StudyError("file-missing", f"{path.name}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError("clinical-invalid", f"{path.name}: can't be read as text") from error
    values = _json(text, path) if path.suffix.lower() == ".json" else _row(text, path, study)
    scan_date = values.pop("scan_date", None)
    dated = _with_scan_date(values, scan_date or (scanned.isoformat() if scanned else None))
    try:
        return Clinical.model_validate(dated)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        said = first["msg"].removeprefix("Value error, ")
        raise StudyError("clinical-invalid", f"{path.name}: {place}: {said}") from error


def read_participants(study: Path, scanned: date | None = None) -> Clinical | None:
    """Clinical facts of a subject or session of a BIDS data set, from its ``participants.tsv``.

    None where there is no such table. Raises StudyError as :func:`read_clinical` does.
    """
    home = study.absolute()
    subject = next((part for part in home.parts[-2:] if part.startswith("sub-")), None)
    tables = (parent / "participants.tsv" for parent in home.parents[:2])
    table = next((table for table in tables if table.is_file()), None)
    return read_clinical(table, subject, scanned) if subject and table else None


def clinical_schema() -> str:
    """JSON schema of a clinical file, indented."""
    return json.dumps(Clinical.model_json_schema(), indent=2)


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError("clinical-invalid", f"{path.name}: not valid JSON") from error
    if not isinstance(values, dict):
        raise StudyError("clinical-invalid", f"{path.name}: not a JSON object")
    return values


def _row(text: str, path: Path, study: str) -> dict[str, Any]:
    """The patient's row of a table as the values of a JSON file."""
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    patient = study.split("_")[0].casefold()
    named = [row for row in rows if (row.get("participant_id") or "").casefold() == patient]
    if len(named or rows) != 1 or (not named and rows and rows[0].get("participant_id")):
        raise StudyError(
            "clinical-no-row", f"{path.name}: {len(named)} of {len(rows)} rows are this study's"
        )
    cells = {key: (value or "").strip() for key, value in (named or rows)[0].items() if key}
    values: dict[str, Any] = {
        "primary": _cell(cells, "primary"),
        "steroids": _yes(cells, "steroids", path),
        "scan_date": _cell(cells, "scan_date"),
        "pet_tracer": _cell(cells, "pet_tracer"),
    }
    for kind in ("radiotherapy", "surgery"):
        values[kind] = _treatments(cells, kind, path)
    for kind in ("anti_vegf", "ici"):
        given = _yes(cells, kind, path)
        when = {
            "days_since_start": _cell(cells, f"{kind}_days"),
            "date": _cell(cells, f"{kind}_date"),
        }
        values[kind] = None if given is None else {"given": given, **_known(when)}
    return _known(values)


def _treatments(cells: Mapping[str, str], kind: str, path: Path) -> list[dict[str, Any]] | None:
    word = _cell(cells, kind)
    if word is None:
        return None
    if word.casefold() in NO:
        return []
    course = {"days_since": _cell(cells, f"{kind}_days"), "date": _cell(cells, f"{kind}_date")}
    lesions = _cell(cells, f"{kind}_lesions")
    technique = word.casefold().replace(" ", "_").replace("-", "_")
    values = {
        **course,
        "lesions": lesions.split(",") if lesions else None,
        "technique": technique if kind == "radiotherapy" and technique not in YES else None,
    }
    if kind == "surgery" and technique not in YES:
        raise StudyError(
            "clinical-invalid", f"{path.name}: surgery is {word!r}; yes or no is meant"
        )
    return [_known(values)]


def _cell(cells: Mapping[str, str], column: str) -> str | None:
    value = cells.get(column, "")
    return None if value.casefold() in UNKNOWN else value


def _yes(cells: Mapping[str, str], column: str, path: Path) -> bool | None:
    value = _cell(cells, column)
    if value is None:
        return None
    if value.casefold() not in YES | NO:
        message = f"{path.name}: {column} is {value!r}; yes or no is meant"
        raise StudyError("clinical-invalid", message)
    return value.casefold() in YES


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _with_scan_date(values: Mapping[str, Any], scan_date: str | None) -> dict[str, Any]:
    """The values with the scan's date beside every date in them."""

    def beside(value: Any) -> Any:
        if isinstance(value, list):
            return [beside(item) for item in value]
        return {**value, "scan_date": scan_date} if isinstance(value, dict) else value

    return {key: beside(value) for key, value in values.items()}


def _date_to_days(values: Any, days: str) -> Any:
    """Values in which a ``date`` became days before ``scan_date``; both are dropped."""
    if not isinstance(values, dict):
        return values
    rest = {key: value for key, value in values.items() if key not in ("date", "scan_date")}
    if values.get("date") is None:
        return rest
    if values.get("scan_date") is None:
        raise ValueError("a date needs the scan's own: scan_date, or days instead")
    passed = date.fromisoformat(str(values["scan_date"])) - date.fromisoformat(str(values["date"]))
    return {days: passed.days, **rest}
