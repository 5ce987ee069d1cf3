"""``follow.html``: examinations of one patient side by side, in one file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import CHANNELS

from vasotype.boxes import bounding_box
from vasotype.followup.follow import Comparison
from vasotype.followup.record import FollowUp, TrackRecord
from vasotype.followup.visit import Visit
from vasotype.outputs import report_follow_words as follow_words
from vasotype.outputs import report_words as words
from vasotype.outputs.figures import (
    AXIAL,
    Drawing,
    Picture,
    Window,
    data_uri,
    enlarge,
    grey,
    grey_window,
    outlines,
)
from vasotype.outputs.report_clinical import history
from vasotype.outputs.report_guide import guide
from vasotype.outputs.report_page import render
from vasotype.outputs.report_pictures import PERCENTILES
from vasotype.outputs.report_trajectory import HEIGHT, WIDTH, Panel, panels
from vasotype.stages import Mask

FIELD_MM, FIELD_FACTOR = (50, 130), 2.5
PIXELS, STRIP_PIXELS = 320, 260
STRIP_SHARES = (0.3, 0.45, 0.6, 0.75)
"""Shares of the brain's height where slices are shown when there is no lesion."""

Extent = NDArray[np.float64]


@dataclass(frozen=True)
class TrackCard:
    """One lesion through time as the report shows it."""

    record: TrackRecord
    location: str
    pictures: tuple[Picture, ...]
    panels: tuple[Panel, ...]


def write_follow_report(comparison: Comparison, path: Path) -> None:
    """Write the follow-up report; pictures lie on the baseline's grid, radiological convention.

    Raises OSError when ``path`` can't be written.
    """
    path.write_text(render_follow_report(comparison), encoding="utf-8")


def render_follow_report(comparison: Comparison) -> str:
    """The follow-up report's HTML."""
    record, visits = comparison.record, comparison.visits
    base = visits[0].head
    compass = words.Compass(base.mask, base.grid.affine)
    shades = [grey_window(v.head.image, base.mask, PERCENTILES[v.result.reference]) for v in visits]
    used = [c for c in CHANNELS if all(c not in v.result.missing for v in visits)]
    missing = [c for c in CHANNELS if c not in used]
    return render(
        "follow.html.j2",
        record=record,
        result=record.timepoints[0].result,
        cards=[_card(record, track, visits, shades, compass) for track in record.tracks],
        strip=() if record.tracks else _strip(visits, shades),
        says=follow_words,
        history=history,
        guide=(*follow_words.GUIDE, *guide(used, missing)),
        panel_size=(WIDTH, HEIGHT),
    )


def _card(
    record: FollowUp,
    track: TrackRecord,
    visits: Sequence[Visit],
    shades: Sequence[tuple[float, float]],
    compass: words.Compass,
) -> TrackCard:
    masks = [
        np.isin(visit.instances, seen.lesions) if seen else None
        for visit, seen in zip(visits, track.observations, strict=True)
    ]
    there = [mask for mask in masks if mask is not None and mask.any()]
    centre, side = _view(there) if there else (np.zeros(3), FIELD_MM[0])
    pictures = [
        _picture(visit, shade, Window.around(AXIAL, centre, side), int(centre[2]), caption)
        for visit, shade, caption in zip(
            visits, shades, map(follow_words.name, record.timepoints), strict=True
        )
    ]
    affine = visits[0].head.grid.affine
    x, y, z = affine[:3, :3] @ centre + affine[:3, 3]
    location = compass.location((float(x), float(y), float(z)))
    return TrackCard(track, location, tuple(pictures), panels(record, track))


def _view(masks: Sequence[Mask]) -> tuple[Extent, int]:
    """Voxel [3] in the middle of the largest extent, and a field, mm, that holds all of them."""
    largest = max(masks, key=lambda mask: int(mask.sum()))
    centre = np.rint(np.argwhere(largest).mean(axis=0))
    extent = max(part.stop - part.start for part in bounding_box(np.any(masks, axis=0)))
    return centre, int(np.clip(np.ceil(FIELD_FACTOR * extent), *FIELD_MM))


def _picture(
    visit: Visit, shade: tuple[float, float], window: Window, index: int, caption: str
) -> Picture:
    """An axial slice of one visit on the baseline's grid, outlines included."""
    drawing = Drawing(
        AXIAL, *window.size, outlines(window.slice(visit.tissue, index)), scale_bar_mm=10
    )
    sheet = window.slice(visit.head.image, index)
    pixels = enlarge(grey(sheet, shade), PIXELS)
    channel = words.SEQUENCES[visit.result.reference]
    return Picture(data_uri(pixels), f"{caption}: {channel}, axial plane", caption, drawing)


def _strip(
    visits: Sequence[Visit], shades: Sequence[tuple[float, float]]
) -> tuple[tuple[Picture, ...], ...]:
    """A row of axial slices for each visit, for a patient without lesions."""
    x, y, z = bounding_box(visits[0].head.mask, 3)
    window = Window(AXIAL, (x.start, y.start), (x.stop - x.start, y.stop - y.start))
    levels = [round(z.start + share * (z.stop - z.start)) for share in STRIP_SHARES]
    return tuple(
        tuple(_picture(visit, shade, window, level, "") for level in levels)
        for visit, shade in zip(visits, shades, strict=True)
    )
