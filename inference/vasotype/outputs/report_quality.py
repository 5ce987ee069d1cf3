"""The report's pictures of quality: are the sequences aligned, and is the brain the brain?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from vasotype_models.contract import CHANNELS

from vasotype.boxes import bounding_box
from vasotype.outputs.figures import (
    PLANES,
    Drawing,
    Picture,
    Plane,
    Window,
    data_uri,
    enlarge,
    grey,
    grey_window,
    outline,
)
from vasotype.outputs.report_words import SEQUENCES
from vasotype.result import AcquisitionReport, ProtocolCheck, ProtocolLevel
from vasotype.stages import Array, Mask, Prepared

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

SQUARE_MM = 22
"""Edge of the squares in which two sequences take turns."""
MARGIN_MM = 6
PIXELS = 320
PERCENTILES = (1.0, 99.7)
ALIKE = {"t1", "t1c"}
"""Sequences of one contrast, whose tissues can be equally bright; on T2 it would blind."""
LEVELS: dict[ProtocolLevel, str] = {
    "needed": "The model needs",
    "minimum": "Protocol, minimum",
    "ideal": "Protocol, ideal",
    "phenotype": "For the phenotype",
}


@dataclass(frozen=True)
class Row:
    """Pictures of one sequence in three planes, and what they show."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class QualitySection:
    """What the section shows; ``report`` is None where the acquisition was not checked."""

    rows: tuple[Row, ...]
    square_mm: int
    report: AcquisitionReport | None

    @property
    def checks(self) -> list[tuple[str, list[ProtocolCheck]]]:
        """Requirements by level, under the title of each."""
        if self.report is None:
            return []
        return [
            (title, [item for item in self.report.checks if item.level == level])
            for level, title in LEVELS.items()
        ]


def quality_section(analysis: Analysis) -> QualitySection:
    """Alignment and brain mask of each structural sequence, on the prepared grid."""
    prepared, reference = analysis.prepared, analysis.result.reference
    others = [channel for channel in prepared.structural if channel != reference]
    home = _row(f"{SEQUENCES[reference]}, the reference", prepared, (reference, reference))
    rows = [
        _row(f"{SEQUENCES[c]} and {SEQUENCES[reference]} in turns", prepared, (c, reference))
        for c in others
    ]
    return QualitySection((home, *rows), SQUARE_MM, analysis.result.acquisition)


def _row(title: str, prepared: Prepared, pair: tuple[str, str]) -> Row:
    """Three planes through the middle of the brain; ``pair`` takes turns, square by square."""
    images = [prepared.image[CHANNELS.index(channel)] for channel in pair]
    mask = prepared.mask
    middle = np.rint(ndimage.center_of_mass(mask))
    pictures = []
    reference = grey_window(images[1], mask, PERCENTILES)
    alike = set(pair) <= ALIKE
    matched = _matched(images[0], images[1], mask, reference) if alike else None
    shades = (matched or grey_window(images[0], mask, PERCENTILES), reference)
    for plane in PLANES:
        window, index = _around_brain(mask, plane), int(middle[plane.normal])
        first, second = (
            enlarge(grey(window.slice(image, index), limits), PIXELS)
            for image, limits in zip(images, shades, strict=True)
        )
        pixels = np.where(_board(first, window), first, second)
        drawing = Drawing(plane, *window.size, {"brain": outline(window.slice(mask, index))})
        pictures.append(Picture(data_uri(pixels), f"{title}, {plane.name} plane", "", drawing))
    return Row(title, tuple(pictures))


def _around_brain(mask: Mask, plane: Plane) -> Window:
    """The brain's box in a plane, with a margin that may leave the grid."""
    box = bounding_box(mask)
    across, down = box[plane.across], box[plane.down]
    return Window(
        plane,
        (across.start - MARGIN_MM, down.start - MARGIN_MM),
        (across.stop - across.start + 2 * MARGIN_MM, down.stop - down.start + 2 * MARGIN_MM),
    )


def _matched(
    image: Array, reference: Array, mask: Mask, shades: tuple[float, float]
) -> tuple[float, float]:
    """Black and white under which an image's median in the brain is as grey as the reference's.

    Without it T1 and T1c differ by brightness, and that hides whether they are aligned.
    """
    black, white = grey_window(image, mask, PERCENTILES)
    if not mask.any():
        return black, white
    own, other = float(np.median(image[mask])), float(np.median(reference[mask]))
    share = (other - shades[0]) / (shades[1] - shades[0])
    if share <= 0 or own <= black:
        return black, white
    return black, black + (own - black) / share


def _board(pixels: Array, window: Window) -> Mask:
    """Where the first of two pictures shows: every other square."""
    square = SQUARE_MM * pixels.shape[1] / window.size[0]
    rows, columns = np.indices(pixels.shape) // square
    return np.asarray((rows + columns) % 2 == 0)
