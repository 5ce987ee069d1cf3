"""The reasons for a leaning as a small chart (inline SVG) and as sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from vasotype.outputs.report_words import MODE_NAMES, network_favours
from vasotype.phenotype.fusion import FARTHEST
from vasotype.phenotype.reasons import NETWORK_REASON
from vasotype.result import PhenotypeRecord, ReasonRecord

MOST = 8
"""Bars at most; weaker reasons are summed up in one."""
ROW, LEFT, HALF, VALUE = 22, 180, 130, 50
"""Height of a row; widths of the names, of either side, and of the numbers: CSS pixels."""
LEAST_FULL = 0.5
"""Logit that a full bar stands for at least, so that weak reasons look weak."""
COLOURS = {"for": "#2b6c8f", "against": "#b3592e", "neither": "#8a8f94"}
UNUSUAL = "unusual: it counts as far as simulated lesions reach, not further"
"""Said of a value that lies beyond the simulated lesions and was cut for the fused model."""
UNUSUAL_MARK = "*"


def _share(text: str) -> Callable[[float], str]:
    return lambda value: f"{100 * value:.0f} % {text}"


MEASURES: dict[str, Callable[[float], str]] = {
    "network_low_permeability": _share("of the tumor"),
    "enhancement_mean": _share("of white matter's T1 on average"),
    "enhancement_cv": lambda value: f"it varies by {100 * value:.0f} % of its mean",
    "low_enhancement_fraction": _share("below a quarter of its strongest enhancement"),
    "half_enhancement_fraction": _share("of what its outline encloses"),
    "enhancement_patchiness": lambda value: f"it spreads by {100 * value:.0f} % of its strongest",
    "edema_ratio_size_adjusted": lambda value: (
        f"{math.exp(value):.2g} times that of simulated tumors of its size"
    ),
    "border_width": lambda value: f"T1c falls within {value:.1f} mm",
    "border_width_iqr": lambda value: f"its width varies by {value:.1f} mm",
    "sphericity": lambda value: f"sphericity {value:.2f}, a ball has 1",
    "rcbv_mean": lambda value: f"mean {value:.2g} times white matter",
    "rcbv_p90": lambda value: f"90th percentile {value:.2g} times white matter",
    "ktrans_tumor_mean": lambda value: f"mean Ktrans {value:.2g} per min",
    "ktrans_tumor_p90": lambda value: f"90th percentile of Ktrans {value:.2g} per min",
    "ktrans_below_0.02_fraction": _share("below 0.02 per min"),
    "tbr_max": lambda value: f"highest ratio to normal brain {value:.2g}",
}
"""How the number behind a reason is told, by feature; ``edema_present`` has none to tell."""


def reason_chart(reasons: Sequence[ReasonRecord]) -> str:
    """Bars of what each reason adds to the label's logit: right speaks for it, left against.

    Empty without reasons. The text of every bar is in the picture, so that it needs no colours.
    """
    bars = _bars(reasons)
    if not bars:
        return ""
    full = max(LEAST_FULL, *(abs(value) for _, value, _ in bars))
    width, height = LEFT + 2 * HALF + VALUE, ROW * (len(bars) + 2) + 4
    zero = LEFT + HALF
    parts = [
        f'<svg class="reasons" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" xmlns="http://www.w3.org/2000/svg" font-size="13.5" '
        'font-family="inherit" fill="currentColor">',
        f"<title>{escape(_summary(bars))}</title>",
        f'<text x="{zero}" y="14" text-anchor="middle">effect on the leaning (logit)</text>',
        f'<text x="{zero - 8}" y="{ROW + 13}" text-anchor="end" opacity="0.75">← against</text>',
        f'<text x="{zero + 8}" y="{ROW + 13}" opacity="0.75">for →</text>',
    ]
    for row, (name, value, colour) in enumerate(bars, start=2):
        y = ROW * row + 2
        length = HALF * abs(value) / full
        start = zero if value >= 0 else zero - length
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{start:.1f}" y="{y + 3}" width="{length:.1f}" height="{ROW - 8}" '
            f'fill="{colour}"/>',
            f'<text x="{width - VALUE + 6}" y="{y + 14}">{value:+.2f}</text>',
        ]
    parts.append(
        f'<line x1="{zero}" y1="{2 * ROW}" x2="{zero}" y2="{height}" stroke="currentColor" '
        'stroke-width="1"/></svg>'
    )
    return "".join(parts)


def reason_sentences(phenotype: PhenotypeRecord) -> tuple[list[str], list[str]]:
    """What speaks for the label and what against it, the strongest first, in words."""
    sides: dict[str, list[str]] = {"for": [], "against": [], "neither": []}
    for reason in phenotype.reasons:
        sides[reason.direction].append(_sentence(reason, phenotype))
    return sides["for"], sides["against"]


def unusual(reason: ReasonRecord) -> bool:
    """Whether a value lies so far from the simulated lesions that it was cut."""
    return reason.standardised is not None and abs(reason.standardised) >= FARTHEST


def _sentence(reason: ReasonRecord, phenotype: PhenotypeRecord) -> str:
    if reason.feature == NETWORK_REASON:
        return _network(phenotype)
    told = []
    if reason.value is not None and reason.feature in MEASURES:
        told.append(MEASURES[reason.feature](reason.value))
    if unusual(reason):
        told.append(UNUSUAL)
    return f"{reason.words} ({'; '.join(told)})" if told else reason.words


def _network(phenotype: PhenotypeRecord) -> str:
    """The network's share in the sum; alone it may favour another mode than the sum does."""
    other = network_favours(phenotype)
    but = f"; alone it favours {MODE_NAMES[other]}" if other else ""
    return f"the network's share, weighed together with the biomarkers{but}"


def _bars(reasons: Sequence[ReasonRecord]) -> list[tuple[str, float, str]]:
    """Name, contribution and colour of each bar."""
    bars = [
        (f"{r.name}{UNUSUAL_MARK if unusual(r) else ''}", r.contribution, COLOURS[r.direction])
        for r in reasons[:MOST]
    ]
    if rest := reasons[MOST:]:
        total = sum(r.contribution for r in rest)
        bars.append((f"{len(rest)} weaker ones", total, COLOURS["neither"]))
    return bars


def _summary(bars: Sequence[tuple[str, float, str]]) -> str:
    return "; ".join(f"{name} {value:+.2f}" for name, value, _ in bars)
