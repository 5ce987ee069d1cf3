"""Figures of one or more evaluations in the tables of the bars, each beside its bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from vasotype_training.evaluate.bars import NO_CELL, Bar, BarRow, Bars, Key, Section
from vasotype_training.evaluate.figures import Figure, Figures

EACH = "each"
EXCEPT = "each but "
PARTS = ("cohort", "variant", "metric", "study")

ByKey = Mapping[tuple[str, str, str], Sequence[Figure]]
"""Figures by cohort, variant and metric: that of all studies and those of single ones."""


@dataclass(frozen=True)
class Cell:
    """A figure beside its bar; ``figure`` is None where it was not measured.

    ``worst`` says that it is the worst of several studies.
    """

    figure: Figure | None
    bar: Bar | None
    belongs: bool = True
    worst: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the bar is reached; None without a bar or a figure."""
        if self.bar is None or self.figure is None:
            return None
        return self.bar.reached(self.figure.value)

    def __str__(self) -> str:
        if not self.belongs:
            return ""
        if self.figure is None:
            return f"not measured ({self.bar})" if self.bar else "not measured"
        f = self.figure
        text = f"{f.value:.3g}" if abs(f.value) >= 1 or f.value == 0 else f"{f.value:.3f}"
        if self.reached is False:
            text = f"**{text}**"
        if f.low is not None and f.high is not None:
            text += f" ({f.low:.2f}-{f.high:.2f})"
        if self.worst:
            text += f" ({f.study})"
        return f"{text}, {self.bar}" if self.bar else text


@dataclass(frozen=True)
class Table:
    """One section with its cells, row by row."""

    section: Section
    cells: tuple[tuple[Cell, ...], ...]

    @property
    def measured(self) -> bool:
        """Whether any of its figures is there."""
        return any(map(_any_figure, self.cells))

    def shown(self) -> Table:
        """The table without columns in which nothing was measured."""
        use = [n for n, cells in enumerate(zip(*self.cells, strict=True)) if _any_figure(cells)]

        def of(row: BarRow) -> BarRow:
            return row.model_copy(update={"cells": tuple(row.cells[n] for n in use)})

        section = self.section.model_copy(
            update={
                "columns": tuple(self.section.columns[n] for n in use),
                "rows": tuple(map(of, self.section.rows)),
            }
        )
        return Table(section, tuple(tuple(row[n] for n in use) for row in self.cells))

    def markdown(self) -> str:
        """Title, definitions and table, as far as measured; what misses its bar stands in bold."""
        columns = [column.words for column in self.section.columns]
        lines = [
            f"### {self.section.title}",
            "",
            self.section.about,
            "",
            f"| | {' | '.join(columns)} |",
            f"|---|{'---|' * len(columns)}",
        ]
        for row, cells in zip(self.section.rows, self.cells, strict=True):
            lines.append(f"| {row.words} | {' | '.join(map(str, cells))} |")
        return "\n".join(lines) + "\n"


def _any_figure(cells: Sequence[Cell]) -> bool:
    return any(cell.figure is not None for cell in cells)


def filled(bars: Bars, evaluations: Sequence[Figures]) -> list[Table]:
    """All tables with the figures of these evaluations."""
    by_key: dict[tuple[str, str, str], list[Figure]] = {}
    for evaluation in evaluations:
        for f in evaluation.figures:
            by_key.setdefault((f.cohort, f.variant, f.metric), []).append(f)
    return [_filled(section, by_key) for section in bars.sections]


def _filled(section: Section, by_key: ByKey) -> Table:
    rows = []
    for row in section.rows:
        cells = []
        for column, text in zip(section.columns, row.cells, strict=True):
            bar = Bar.parse(text)
            key = section.key | column.key | row.key
            found = None if text == NO_CELL else _find(key, by_key)
            worst = key.get("study", "").startswith(EACH)
            cells.append(Cell(found, bar, belongs=text != NO_CELL, worst=worst))
        rows.append(tuple(cells))
    return Table(section, tuple(rows))


def _find(key: Key, by_key: ByKey) -> Figure | None:
    """The figure of a key, or the worst of the studies that it asks for."""
    whole = {part: key[part].format(**key) for part in PARTS if part in key}
    wanted = whole.get("study")
    for place in product(*(whole[part].split("|") for part in PARTS[:3])):
        found = by_key.get((place[0], place[1], place[2]), ())
        if wanted is None or not wanted.startswith(EACH):
            for figure in found:
                if figure.study == wanted:
                    return figure
            continue
        left_out = wanted.removeprefix(EXCEPT)
        single = [f for f in found if f.study is not None and f.study != left_out]
        if single:
            high = single[0].better == "lower"
            return (max if high else min)(single, key=lambda f: f.value)
    return None


def summary(tables: Sequence[Table], evaluations: Sequence[Figures]) -> str:
    """What was measured, then every table that has a figure, as Markdown.

    Values in brackets are 95 % bootstrap intervals over patients.
    """
    cells = [cell for table in tables for row in table.cells for cell in row]
    judged = [cell.reached for cell in cells if cell.reached is not None]
    missing = sum(cell.bar is not None and cell.figure is None for cell in cells)
    first = evaluations[0]
    lines = [
        f"Model {first.model} {first.version}, sha256 `{first.sha256}`.",
        "",
        *(line for evaluation in evaluations for line in _provenance(evaluation)),
        "",
        "In brackets 95 % bootstrap intervals over patients; ≥ and ≤ are the bars that this model "
        f"is held to. Bold: below its bar. {sum(judged)} of {len(judged)} bars are reached"
        + (f", {missing} not measured." if missing else "."),
        "",
        *(table.shown().markdown() for table in tables if table.measured),
    ]
    return "\n".join(lines)


def _provenance(evaluation: Figures) -> list[str]:
    """Data and command of one evaluation."""
    lines = [f"vasotype {evaluation.vasotype_version}: `{evaluation.command}`", ""]
    for cohort in evaluation.cohorts:
        kind = "simulated" if cohort.simulated else "real"
        line = f"- {cohort.name}: {cohort.studies} {kind} studies, sha256 `{cohort.digest[:12]}`"
        refused = f"; refused: {', '.join(cohort.refused)}" if cohort.refused else ""
        lines.append(line + refused)
    return [*lines, *(f"- **alarm**: {alarm}" for alarm in evaluation.alarms), ""]
