"""Small plots of one lesion through time: a quantity a panel, with its repeatability band.

Positions are in units of the panel, x to the right and y down, ready for SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vasotype.followup.limits import Limits
from vasotype.followup.record import FollowUp, Observation, TrackRecord

WIDTH, HEIGHT = 150.0, 84.0
LEFT, RIGHT, TOP, BOTTOM = 8.0, 26.0, 12.0, 12.0
"""Room around the curve; on the right for the last value."""
HEADROOM = 1.15

UNITS = {"core_ml": "mL", "edema_ml": "mL", "longest_diameter_mm": "mm"}
TITLES = {
    "longest_diameter_mm": "Longest diameter",
    "core_ml": "Tumor volume",
    "edema_ml": "Edema volume",
}
FEATURE_UNITS = {"ktrans_tumor_mean": "/min", "border_width": "mm"}


@dataclass(frozen=True)
class Point:
    """A value at a timepoint, and where it is drawn."""

    x: float
    y: float
    text: str
    timepoint: int


@dataclass(frozen=True)
class Panel:
    """One quantity; ``band`` holds top and bottom of the limits about the first value, if any.

    ``gaps`` are x positions of timepoints at which the lesion was not found or not measured.
    """

    title: str
    points: tuple[Point, ...]
    band: tuple[float, float] | None
    gaps: tuple[float, ...]

    @property
    def path(self) -> str:
        """The curve as SVG path data."""
        return "M" + "L".join(f"{p.x:.1f} {p.y:.1f}" for p in self.points)


def panels(record: FollowUp, track: TrackRecord) -> tuple[Panel, ...]:
    """Sizes of a track, and every feature that was measured at two timepoints at least."""
    xs = _positions(record)
    found = []
    for name, title in TITLES.items():
        values = [getattr(seen, name) if seen else None for seen in track.observations]
        if any(values):
            relative = _size_limit(record.limits, name, track.observations)
            found.append(_panel(f"{title}, {UNITS[name]}", values, relative, xs))
    for limit in record.limits.features:
        values = [
            seen.features.get(limit.biomarker) if seen else None for seen in track.observations
        ]
        if sum(value is not None for value in values) >= 2:
            unit = FEATURE_UNITS.get(limit.biomarker)
            title = limit.label[0].upper() + limit.label[1:] + (f", {unit}" if unit else "")
            found.append(_panel(title, values, limit.relative, xs))
    return tuple(found)


def _size_limit(
    limits: Limits, name: str, observations: Sequence[Observation | None]
) -> float | None:
    """Relative limit of a volume at its first value; a diameter has thresholds of its own."""
    first = next(seen for seen in observations if seen)
    value = getattr(first, name)
    if name == "longest_diameter_mm" or value == 0:
        return None
    if name == "edema_ml":
        return limits.edema.relative
    return limits.volume(max(first.core_ml, value))


def _positions(record: FollowUp) -> list[float]:
    """x of each timepoint: by days where all are known, else evenly spaced."""
    days = [timepoint.days for timepoint in record.timepoints]
    known = [day for day in days if day is not None]
    steps = known if len(known) == len(days) else list(range(len(days)))
    return [LEFT + (WIDTH - LEFT - RIGHT) * step / steps[-1] for step in steps]


def _panel(
    title: str, values: Sequence[float | None], relative: float | None, xs: Sequence[float]
) -> Panel:
    known = [value for value in values if value is not None]
    first, top = known[0], max(known)
    if relative is not None:
        top = max(top, first * (1 + relative))
    top = HEADROOM * top or 1.0

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * max(0.0, value) / top

    return Panel(
        title=title,
        points=tuple(
            Point(x, y(value), f"{value:.3g}", time)
            for time, (x, value) in enumerate(zip(xs, values, strict=True))
            if value is not None
        ),
        band=None if relative is None else (y(first * (1 + relative)), y(first * (1 - relative))),
        gaps=tuple(x for x, value in zip(xs, values, strict=True) if value is None),
    )
