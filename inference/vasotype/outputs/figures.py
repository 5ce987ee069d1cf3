"""Pictures of the prepared grid in radiological convention: greyscale JPEG under vector outlines.

A picture shows one plane with the patient's left on its right side. Voxels of the prepared grid
are 1 mm, so a position in a picture is given in mm from its upper left corner. Lines and text are
kept as vectors (SVG path data) beside the pixels: sharp at any zoom, in print, and easy to hide.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from vasotype_models.contract import ET, NETC, SNFH

from vasotype.stages import Array, Mask

SMOOTHING_VOXEL = 0.5
"""Gaussian sigma before contouring: takes the staircase away and keeps a single voxel alive."""
JPEG_QUALITY = 80
TISSUE_ORDER = {"edema": SNFH, "enhancing": ET, "necrosis": NETC}
"""Outlines from the lowest to the topmost; where two tissues touch, the later line covers."""

Sheet = NDArray[Any]
"""2-D picture [rows, columns], first row superior or anterior."""


@dataclass(frozen=True)
class Plane:
    """An anatomical plane of a RAS grid: ``across`` runs along columns, ``down`` along rows.

    Both run against their axis (right to left, superior to inferior, anterior to posterior), which
    is the radiological convention. ``marks`` are the letters at the left, right, top and bottom.
    """

    name: str
    normal: int
    across: int
    down: int
    marks: tuple[str, str, str, str]


AXIAL = Plane("axial", 2, 0, 1, ("R", "L", "A", "P"))
CORONAL = Plane("coronal", 1, 0, 2, ("R", "L", "S", "I"))
SAGITTAL = Plane("sagittal", 0, 1, 2, ("A", "P", "S", "I"))
PLANES = (AXIAL, CORONAL, SAGITTAL)


@dataclass(frozen=True)
class Window:
    """A rectangle of a plane: first voxel and size along ``across`` and ``down``; may overhang."""

    plane: Plane
    start: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def around(cls, plane: Plane, centre: NDArray[np.float64], side: int) -> Window:
        """Square of ``side`` mm centred on a voxel position [3] of the prepared grid."""
        start = [round(float(centre[axis]) - (side - 1) / 2) for axis in (plane.across, plane.down)]
        return cls(plane, (start[0], start[1]), (side, side))

    def cut(self, sheet: Sheet) -> Sheet:
        """Crop [across, down] to the window, zero where it overhangs, as a picture [rows, cols]."""
        out = np.zeros(self.size, sheet.dtype)
        low = np.maximum(self.start, 0)
        high = np.minimum(np.add(self.start, self.size), sheet.shape)
        if (high > low).all():
            (a, b), (c, d) = low - self.start, high - self.start
            out[a:c, b:d] = sheet[low[0] : high[0], low[1] : high[1]]
        return out[::-1, ::-1].T

    def slice(self, volume: Sheet, index: int) -> Sheet:
        """Picture of slice ``index`` of a volume [X, Y, Z]."""
        return self.cut(np.take(volume, index, axis=self.plane.normal))

    def place(self, voxel: NDArray[np.float64]) -> tuple[float, float]:
        """Voxel position [3] to mm from the left and from the top of the picture."""
        x, y = (
            start + size - 0.5 - float(voxel[axis])
            for start, size, axis in zip(
                self.start, self.size, (self.plane.across, self.plane.down), strict=True
            )
        )
        return round(x, 2), round(y, 2)


@dataclass(frozen=True)
class Line:
    """Straight line between two picture positions, mm."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def between(cls, a: tuple[float, float], b: tuple[float, float]) -> Line:
        """Line from ``a`` to ``b``."""
        return cls(*a, *b)


@dataclass(frozen=True)
class Tag:
    """A lesion's number at a picture position, mm; ``anchor`` is the lesion's own position."""

    id: int
    x: float
    y: float
    anchor: tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """What lies over the pixels; ``outlines`` maps a tissue to SVG path data in mm."""

    plane: Plane
    width_mm: int
    height_mm: int
    outlines: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[Tag, ...] = ()
    diameter: Line | None = None
    scale_bar_mm: int | None = None


@dataclass(frozen=True)
class Picture:
    """Pixels as a data URI, what they show in words, and what is drawn over them."""

    source: str
    alt: str
    caption: str
    drawing: Drawing


def grey_window(
    channel: Array, mask: Mask, percentiles: tuple[float, float]
) -> tuple[float, float]:
    """Values shown black and white: percentiles of a channel [X, Y, Z] inside the brain."""
    inside = channel[::2, ::2, ::2][mask[::2, ::2, ::2]]
    if inside.size == 0:
        inside = channel.reshape(-1)
    low, high = np.percentile(inside, percentiles)
    return float(low), float(max(high, low + 1e-6))


def grey(sheet: Sheet, window: tuple[float, float]) -> Array:
    """Sheet scaled so that the window's ends are 0 and 255."""
    low, high = window
    scaled: Array = np.clip((sheet.astype(np.float32) - low) * (255.0 / (high - low)), 0.0, 255.0)
    return scaled


def enlarge(sheet: Array, width: int) -> Array:
    """Cubic enlargement of a grey sheet [rows, cols] to ``width`` pixels, its shape kept."""
    rows, columns = sheet.shape
    size = (width, max(1, round(rows * width / columns)))
    picture = Image.fromarray(np.ascontiguousarray(sheet, np.float32))
    larger = np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.float32)
    return grey(larger, (0.0, 255.0))


def data_uri(pixels: Array) -> str:
    """Grey [rows, cols] or RGB [rows, cols, 3] values of 0-255 as a JPEG data URI."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(np.rint(pixels), np.uint8))
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def outline(region: Sheet) -> str:
    """Border of a true/false picture [rows, cols] as SVG path data in mm.

    Marching squares on the slightly smoothed region, each corner rounded by a quadratic curve
    between the midpoints of its edges. A border that leaves the picture stays open there.
    """
    if not region.any():
        return ""
    smooth = ndimage.gaussian_filter(region.astype(np.float32), SMOOTHING_VOXEL, mode="nearest")
    rows, columns = region.shape
    lines = contour_generator(x=np.arange(columns) + 0.5, y=np.arange(rows) + 0.5, z=smooth).lines(
        0.5
    )
    return "".join(_curve(np.asarray(line)) for line in lines)


def outlines(tissue: Sheet) -> dict[str, str]:
    """Border of each tissue of a label picture [rows, cols], in drawing order."""
    paths = {name: outline(tissue == label) for name, label in TISSUE_ORDER.items()}
    return {name: path for name, path in paths.items() if path}


def _curve(points: NDArray[np.float64]) -> str:
    middles = (points[:-1] + points[1:]) / 2
    if np.array_equal(points[0], points[-1]):
        corners = points[1:]
        ends, start, close = np.roll(middles, -1, axis=0), middles[0], "Z"
    else:
        corners, ends = points[1:-1], middles[1:]
        start, close = middles[0], ""
    steps = np.concatenate([corners, ends], axis=1)
    body = "".join("Q{:.1f} {:.1f} {:.1f} {:.1f}".format(*step) for step in steps)
    return f"M{start[0]:.1f} {start[1]:.1f}{body}{close}"


def spread(anchors: Mapping[int, tuple[float, float]], gap: float) -> tuple[Tag, ...]:
    """A number beside each anchor: the nearest place that is ``gap`` mm from other numbers.

    Numbers keep off all anchors too, so that a small lesion stays to be seen; where there is no
    such place within four gaps, a number lies on its anchor.
    """
    steps = np.arange(-8, 9) * gap / 2
    offsets = np.stack(np.meshgrid(steps, -steps, indexing="ij"), axis=-1).reshape(-1, 2)
    offsets = offsets[np.argsort(np.hypot(*offsets.T), kind="stable")]
    points = np.array(list(anchors.values()), dtype=np.float64).reshape(-1, 2)
    tags: list[Tag] = []
    for number, anchor in anchors.items():
        places = offsets + anchor
        others = np.array([(tag.x, tag.y) for tag in tags], dtype=np.float64).reshape(-1, 2)
        free = (_nearest(places, others) >= gap) & (_nearest(places, points) >= 0.8 * gap)
        x, y = places[free.argmax()].tolist() if free.any() else anchor
        tags.append(Tag(number, round(x, 1), round(y, 1), anchor))
    return tuple(tags)


def _nearest(places: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each place [N, 2] to the nearest of the points [M, 2]; infinite without any."""
    distances: NDArray[np.float64] = np.min(
        np.linalg.norm(places[:, None] - points[None], axis=-1), axis=1, initial=np.inf
    )
    return distances
