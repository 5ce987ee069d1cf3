"""Harmonise a table of lesions across scanners, and keep the fit for later rows (HA-03).

Only biomarkers that are stable in themselves are worth it, and only training sites shape the fit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from vasotype.findings import StudyError

from vasotype_training.combat import Combat, fit_combat

MISSING = ("", "n/a", "nan")
ICC_ROW = re.compile(r"^\| `([^`]+)` \| (-?\d+\.\d+) \(", re.MULTILINE)
"""A row of the table of repeated scans."""

Row = dict[str, str]
Floats = NDArray[np.float64]
Categories = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are what: site, biomarkers, and what of biology is preserved.

    ``covariates`` hold numbers, ``categories`` words, such as the primary tumor.
    """

    site: str
    features: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, combat: Combat, site: str) -> Columns:
        """The columns that a kept fit needs."""
        dummies = _dummy_names(combat.categories)
        numbers = tuple(name for name in combat.covariates if name not in dummies)
        return cls(site, combat.features, numbers, tuple(combat.categories))


def read_rows(path: Path) -> list[Row]:
    """Rows of a TSV file; raises StudyError ``harmonise-table`` where it can't be read."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError("harmonise-table", f"{path.name}: {error}") from error


def stable_features(features: Sequence[str], table: Path, least_icc: float) -> tuple[str, ...]:
    """Those of ``features`` whose ICC(2,1) is at least ``least_icc``, in their order.

    ``table`` is the ``stability.md`` of `vasotype stability --simulated`. What it does not list
    isn't known to be stable. Raises StudyError ``harmonise-table`` where it lists nothing or no
    feature is left.
    """
    try:
        rows = ICC_ROW.findall(table.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError("harmonise-table", f"{table.name}: {error}") from error
    if not rows:
        message = (
            f"{table.name}: no ICC in it; `vasotype stability --simulated` writes stability.md"
        )
        raise StudyError("harmonise-table", message)
    icc = {name: float(value) for name, value in rows}
    stable = tuple(name for name in features if icc.get(name, -1.0) >= least_icc)
    if not stable:
        message = f"{table.name}: no feature has an ICC of {least_icc:g} or more"
        raise StudyError("harmonise-table", message)
    return stable


def fit_rows(rows: Sequence[Row], columns: Columns, training_sites: Sequence[str]) -> Combat:
    """Fit on the complete rows of the training sites; no other row shapes the fit.

    Raises StudyError ``harmonise-table`` where no site is named or one isn't in the table, besides
    what :func:`fit_combat` refuses.
    """
    if not training_sites:
        message = "no training site: name each site that may shape the fit with --training-site"
        raise StudyError("harmonise-table", message)
    _check_columns(rows, columns)
    if absent := sorted(set(training_sites) - {row[columns.site] for row in rows}):
        message = f"no row of site {', '.join(absent)} in column {columns.site}"
        raise StudyError("harmonise-table", message)
    training = [row for row in rows if row[columns.site] in training_sites]
    numeric = [training[n] for n in _numbers(training, columns, {})[2]]
    categories = {name: _levels(numeric, name) for name in columns.categories}
    values, covariates, complete = _numbers(numeric, columns, categories)
    sites = [numeric[n][columns.site] for n in complete]
    names = (*columns.covariates, *_dummy_names(categories))
    try:
        combat = fit_combat(values[complete], sites, covariates[complete], columns.features, names)
    except ValueError as error:
        raise StudyError("harmonise-table", str(error)) from error
    return combat.model_copy(update={"categories": categories})


def apply_rows(rows: Sequence[Row], columns: Columns, combat: Combat) -> list[Row]:
    """The rows with harmonised biomarkers; rows with a missing number keep theirs and say so.

    So do rows with a word that the fit did not see, whose effect isn't known. The column
    ``harmonised`` is true or false.
    """
    _check_columns(rows, columns)
    values, covariates, complete = _numbers(rows, columns, combat.categories)
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


def _check_columns(rows: Sequence[Row], columns: Columns) -> None:
    wanted = (columns.site, *columns.features, *columns.covariates, *columns.categories)
    if not rows:
        raise StudyError("harmonise-table", "the table has no row to go by")
    if absent := [name for name in wanted if name not in rows[0]]:
        raise StudyError("harmonise-table", f"no column {', '.join(absent)}")


def _numbers(
    rows: Sequence[Row], columns: Columns, categories: Categories
) -> tuple[Floats, Floats, list[int]]:
    """Biomarkers [N, V], covariates [N, C], and which rows have all of them."""
    values = np.array([[_number(row[name]) for name in columns.features] for row in rows])
    covariates = np.array(
        [
            [
                *(_number(row[name]) for name in columns.covariates),
                *(x for name, levels in categories.items() for x in _dummies(row[name], levels)),
            ]
            for row in rows
        ]
    )
    whole = np.isfinite(values).all(axis=1) & np.isfinite(covariates).all(axis=1)
    return values, covariates, [int(n) for n in np.flatnonzero(whole)]


def _number(text: str) -> float:
    if _word(text) in MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError as error:
        raise StudyError("harmonise-table", f"{text!r} is no number") from error


def _word(text: str) -> str:
    return text.strip().casefold()


def _levels(rows: Sequence[Row], column: str) -> tuple[str, ...]:
    """The words of a column, in order; raises StudyError where there is only one."""
    levels = tuple(sorted({_word(row[column]) for row in rows} - set(MISSING)))
    if len(levels) < 2:
        raise StudyError("harmonise-table", f"column {column}: one word alone preserves nothing")
    return levels


def _dummies(text: str, levels: Sequence[str]) -> list[float]:
    """1 for the level that a word is, 0 for the others but the first; nan for any other word."""
    word = _word(text)
    if word not in levels:
        return [float("nan")] * (len(levels) - 1)
    return [float(word == level) for level in levels[1:]]


def _dummy_names(categories: Categories) -> tuple[str, ...]:
    return tuple(f"{name}={level}" for name, levels in categories.items() for level in levels[1:])
