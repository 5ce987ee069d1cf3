"""The reasons for a leaning as a small chart (inline SVG) and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from vasotype.result import ReasonRecord

MOST = 8
"""Bars at most; weaker reasons are summed up in one."""
ROW, LEFT, HALF, VALUE = 20, 170, 120, 50
"""Height of a row; widths of the names, of either side, and of the numbers: CSS pixels."""
LEAST_FULL = 0.5
"""Logit that a full bar stands for at least, so that weak reasons look weak."""
COLOURS = {"for": "#2b6c8f", "against": "#b3592e", "neither": "#8a8f94"}


def reason_chart(reasons: Sequence[ReasonRecord]) -> str:
    """Bars of what each reason adds to the label's logit: right speaks for it, left against.

    Empty without reasons. The text of every bar is in the picture, so that it needs no colours.
    """
    bars = _bars(reasons)
    if not bars:
        return ""
    full = max(LEAST_FULL, *(abs(value) for _, value, _ in bars))
    width, height = LEFT + 2 * HALF + VALUE, ROW * (len(bars) + 1) + 4
    zero = LEFT + HALF
    parts = [
        f'<svg class="reasons" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" xmlns="http://www.w3.org/2000/svg" font-size="12" '
        'font-family="inherit" fill="currentColor">',
        f"<title>{escape(_summary(bars))}</title>",
        f'<text x="{zero - 8}" y="13" text-anchor="end" opacity="0.7">against</text>',
        f'<text x="{zero + 8}" y="13" opacity="0.7">for</text>',
    ]
    for row, (name, value, colour) in enumerate(bars, start=1):
        y = ROW * row + 2
        length = HALF * abs(value) / full
        start = zero if value >= 0 else zero - length
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{start:.1f}" y="{y + 3}" width="{length:.1f}" height="{ROW - 8}" '
            f'fill="{colour}"/>',
            f'<text x="{width - VALUE + 6}" y="{y + 13}">{value:+.2f}</text>',
        ]
    parts.append(
        f'<line x1="{zero}" y1="{ROW}" x2="{zero}" y2="{height}" stroke="currentColor" '
        'stroke-width="1"/></svg>'
    )
    return "".join(parts)


def reason_sentences(reasons: Sequence[ReasonRecord]) -> tuple[list[str], list[str]]:
    """What speaks for the label and what against it, the strongest first, in words."""
    sides: dict[str, list[str]] = {"for": [], "against": [], "neither": []}
    for reason in reasons:
        number = "" if reason.value is None else f" ({reason.value:.3g})"
        sides[reason.direction].append(f"{reason.words}{number}")
    return sides["for"], sides["against"]


def _bars(reasons: Sequence[ReasonRecord]) -> list[tuple[str, float, str]]:
    """Name, contribution and colour of each bar."""
    bars = [(r.name, r.contribution, COLOURS[r.direction]) for r in reasons[:MOST]]
    if rest := reasons[MOST:]:
        total = sum(r.contribution for r in rest)
        bars.append((f"{len(rest)} weaker ones", total, COLOURS["neither"]))
    return bars


def _summary(bars: Sequence[tuple[str, float, str]]) -> str:
    return "; ".join(f"{name} {value:+.2f}" for name, value, _ in bars)
