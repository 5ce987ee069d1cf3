"""Harmonise a table of lesions across scanners, and keep the fit for later rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from vasotype.findings import StudyError

from vasotype_training.combat import Combat, fit_combat

MISSING = ("", "n/a", "nan")

Row = dict[str, str]


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are what: site, biomarkers, numeric biological covariates."""

    site: str
    features: tuple[str, ...]
    covariates: tuple[str, ...] = ()


def read_rows(path: Path) -> list[Row]:
    """Rows of a TSV file; raises StudyError ``harmonise-table`` where it can't be read."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError("harmonise-table", f"{path.name}: {error}") from error


def fit_rows(rows: Sequence[Row], columns: Columns, training_sites: Sequence[str] = ()) -> Combat:
    """Fit on the complete rows of the training sites (all sites where none is named)."""
    chosen = [row for row in rows if not training_sites or row.get(columns.site) in training_sites]
    values, covariates, complete = _numbers(chosen, columns)
    sites = [chosen[n][columns.site] for n in complete]
    try:
        return fit_combat(
            values[complete],
            sites,
            covariates[complete],
            columns.features,
            columns.covariates,
        )
    except ValueError as error:
        raise StudyError("harmonise-table", str(error)) from error


def apply_rows(rows: Sequence[Row], columns: Columns, combat: Combat) -> list[Row]:
    """The rows with harmonised biomarkers; rows with a missing number keep theirs and say so.

    The column ``harmonised`` is true or false.
    """
    values, covariates, complete = _numbers(rows, columns)
    sites = [rows[n][columns.site] for n in complete]
    try:
        changed = combat.apply(values[complete], sites, covariates[complete])
    except ValueError as error:
        raise StudyError("harmonise-table", str(error)) from error
    out = [{**row, "harmonised": "false"} for row in rows]
    for n, numbers in zip(complete, changed, strict=True):
        new = {f: f"{v:.6g}" for f, v in zip(columns.features, numbers, strict=True)}
        out[n] = {**rows[n], **new, "harmonised": "true"}
    return out


def read_combat(path: Path) -> Combat:
    """A fit that was kept; raises StudyError ``harmonise-table`` where the file is none."""
    try:
        return Combat.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise StudyError("harmonise-table", f"{path.name}: {error}") from error


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows as TSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _numbers(
    rows: Sequence[Row], columns: Columns
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """Biomarkers [N, V], covariates [N, C], and which rows have all of them."""
    wanted = (columns.site, *columns.features, *columns.covariates)
    if not rows:
        raise StudyError("harmonise-table", "the table has no row to go by")
    if absent := [name for name in wanted if name not in rows[0]]:
        raise StudyError("harmonise-table", f"no column {', '.join(absent)}")
    values = np.array([[_number(row[name]) for name in columns.features] for row in rows])
    covariates = np.array(
        [[_number(row[name]) for name in columns.covariates] for row in rows]
    ).reshape(len(rows), len(columns.covariates))
    whole = np.isfinite(values).all(axis=1) & np.isfinite(covariates).all(axis=1)
    return values, covariates, [int(n) for n in np.flatnonzero(whole)]


def _number(text: str) -> float:
    if text.strip().lower() in MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError as error:
        raise StudyError("harmonise-table", f"{text!r} is no number") from error
