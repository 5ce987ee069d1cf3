"""Plots of figures as inline SVG: dots with intervals and bars, and reliability diagrams."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from vasotype_training.evaluate.froc import RATES, Froc
from vasotype_training.evaluate.outlines import Reliability
from vasotype_training.evaluate.tables import Table

WIDTH, LABEL, RIGHT = 720, 300, 30
LINE, GAP, TOP = 15, 10, 8
COLOURS = ("#2f6f8f", "#c2662d", "#7a7a7a", "#b59f3b")
"""Of the columns of a table, told apart by colour-blind readers."""
TISSUES = ("non-enhancing core", "edema", "enhancing tumor")
SIDE, MARGIN = 220, 34


@dataclass(frozen=True)
class _Axis:
    """Values from 0 to ``top`` along the width of a plot."""

    top: float

    def x(self, value: float) -> float:
        """Place of a value, held inside the plot."""
        share = min(max(value / self.top, 0.0), 1.0)
        return LABEL + share * (WIDTH - LABEL - RIGHT)


def dot_plot(table: Table) -> str:
    """Every figure of a table as a dot with its interval; a tall stroke marks its bar."""
    cells = [(cell, n) for row in table.cells for n, cell in enumerate(row)]
    values = [cell.figure.value for cell, _ in cells if cell.figure]
    values += [cell.figure.high for cell, _ in cells if cell.figure and cell.figure.high]
    values += [bound for cell, _ in cells if cell.bar for bound in cell.bar.bounds]
    top = max(values, default=1.0)
    axis = _Axis(1.0 if 0.25 < top <= 1 else max(_nice(top), 1e-3))
    count = len(table.section.columns)
    height = TOP + len(table.cells) * (count * LINE + GAP) + 24
    parts = []
    for n, (row, own) in enumerate(zip(table.section.rows, table.cells, strict=True)):
        y = TOP + n * (count * LINE + GAP)
        middle = y + count * LINE / 2
        parts.append(
            f'<text class="row" x="{LABEL - 10}" y="{middle + 4:.0f}">{escape(row.words)}</text>'
        )
        for k, cell in enumerate(own):
            at, colour = y + (k + 0.5) * LINE, _colour(k)
            for bound in cell.bar.bounds if cell.bar else ():
                x = axis.x(bound)
                parts.append(_line(x, at - 7, x, at + 7, colour, 'stroke-width="3" opacity=".45"'))
            if cell.figure is None:
                continue
            f = cell.figure
            if f.low is not None and f.high is not None:
                parts.append(_line(axis.x(f.low), at, axis.x(f.high), at, colour))
            said = f"{row.words}, {table.section.columns[k].words}: {cell}".replace("*", "")
            parts.append(
                f'<circle cx="{axis.x(f.value):.1f}" cy="{at:.1f}" r="4" fill="{colour}">'
                f"<title>{escape(said)}</title></circle>"
            )
    bottom = height - 24
    for n in range(5):
        value = axis.top * n / 4
        x = axis.x(value)
        parts.insert(0, _line(x, TOP, x, bottom, "#8884", 'stroke-width="1"'))
        parts.append(f'<text class="tick" x="{x:.0f}" y="{height - 8}">{value:g}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(table.section.title)}">{"".join(parts)}</svg>'
    )


def legend(table: Table) -> str:
    """Colours of the columns; empty for a single one."""
    names = [column.words for column in table.section.columns]
    return "" if len(names) < 2 else colour_legend(names)


def reliability_plots(parts: Mapping[str, Sequence[Reliability]]) -> str:
    """A diagram for each cohort: share of truth against probability, tissue by tissue."""
    drawn = []
    for name, studies in parts.items():
        if studies:
            drawn.append(_reliability(name, studies))
    return "".join(drawn)


def _reliability(name: str, studies: Sequence[Reliability]) -> str:
    total = np.sum([study.counts for study in studies], axis=0)
    inner = SIDE - 2 * MARGIN

    def place(x: float, y: float) -> str:
        return f"{MARGIN + x * inner:.1f},{SIDE - MARGIN - y * inner:.1f}"

    lines = [f'<polyline points="{place(0, 0)} {place(1, 1)}" class="ideal"/>']
    for tissue, counts in enumerate(total):
        there = counts[counts[:, 0] > 0]
        points = " ".join(place(p / n, truth / n) for n, p, truth in there)
        lines.append(f'<polyline points="{points}" class="curve" stroke="{COLOURS[tissue]}"/>')
    words = (
        f'<text x="{SIDE / 2}" y="{SIDE - 6}" class="tick">probability</text>'
        f'<text x="{SIDE / 2}" y="16" class="tick">{escape(name)}: share that is so</text>'
    )
    return (
        f'<svg viewBox="0 0 {SIDE} {SIDE}" class="square" role="img" '
        f'aria-label="reliability, {escape(name)}">{"".join(lines)}{words}</svg>'
    )


def froc_plot(curves: Mapping[str, Froc]) -> str:
    """Share of lesions found against false positives a study, a curve for each cohort."""
    most = _nice(max(float(c.false_positives.max(initial=0)) for c in curves.values()))
    inner = SIDE - 2 * MARGIN

    def place(x: float, y: float) -> str:
        return f"{MARGIN + x / most * inner:.1f},{SIDE - MARGIN - y * inner:.1f}"

    lines = [f'<polyline points="{place(0, 1)} {place(0, 0)} {place(most, 0)}" class="ideal"/>']
    for n, curve in enumerate(curves.values()):
        pairs = zip(curve.false_positives, curve.sensitivity, strict=True)
        points = " ".join(place(float(x), float(y)) for x, y in pairs)
        lines.append(f'<polyline points="{points}" class="curve" stroke="{_colour(n)}"/>')
        for rate in RATES:
            found, least = curve.at(rate)
            x, y = place(min(rate, float(curve.false_positives.max(initial=0))), found).split(",")
            said = f"at most {rate:g} a study: {found:.2f} found, least confidence {least:.2f}"
            dot = f'<circle cx="{x}" cy="{y}" r="4" fill="{_colour(n)}">'
            lines.append(f"{dot}<title>{said}</title></circle>")
    words = (
        f'<text x="{SIDE / 2}" y="{SIDE - 6}" class="tick">false positives a study, to {most:g}'
        f'</text><text x="{SIDE / 2}" y="16" class="tick">lesions of 5 mm and more found</text>'
    )
    return (
        f'<svg viewBox="0 0 {SIDE} {SIDE}" class="square" role="img" '
        f'aria-label="free-response ROC">{"".join(lines)}{words}</svg>'
    )


def colour_legend(names: Iterable[str]) -> str:
    """Colours of the curves of a diagram, in their order."""
    return " &nbsp; ".join(
        f'<span style="color:{_colour(n)}">●</span> {escape(name)}' for n, name in enumerate(names)
    )


def _colour(n: int) -> str:
    return COLOURS[n % len(COLOURS)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{colour}" {more}/>'


def _nice(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten above a value."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))
