"""Which pictures the report shows: three planes a lesion, habitats, glass brain, axial strip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from scipy import ndimage
from vasotype_models.contract import CHANNELS, MODES, SNFH

from vasotype.lesions.boxes import bounding_box
from vasotype.outputs.figures import (
    AXIAL,
    PLANES,
    Drawing,
    Line,
    Picture,
    Tag,
    Window,
    data_uri,
    enlarge,
    grey,
    grey_window,
    outline,
    outlines,
    spread,
)
from vasotype.phenotype.pooling import softmax
from vasotype.result import LesionRecord
from vasotype.stages import Affine, Array, Labels, Mask

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

CHANNEL_TITLES = {"t1c": "T1c", "flair": "FLAIR"}
PERCENTILES = {"t1c": (1.0, 99.6), "flair": (1.0, 99.8)}
"""Black and white in the brain, by channel; enhancement must not saturate."""
MODE_COLOURS = {"angiogenic": "#b2402b", "intermediate": "#ebcb6b", "co_option": "#2f73a3"}
"""A diverging scheme that colour-blind readers can tell apart; mixtures show as mixtures."""
OVERLAY_OPACITY = 0.6

Point = NDArray[np.float64]
Triple = tuple[int, int, int]

FIELD_MM = (60, 140)
"""Least and largest field of view around a lesion."""
CORE_FACTOR, WHOLE_FACTOR = 2.5, 1.25
"""Field of view over the extent of the core, and over that of core with edema."""
LESION_PIXELS, OVERVIEW_PIXELS, STRIP_PIXELS = 360, 480, 220
STRIP_SLICES, STRIP_SHARES = 12, (0.15, 0.92)
"""Slices of the strip, and the shares of the brain's height where the first and last lie."""
VIEWPOINTS = dict(zip(PLANES, ("below", "the front", "the left"), strict=True))
GLASS = (255.0, 190.0)
"""Grey of the glass brain where nothing and where most brain lies behind."""
GLASS_MARGIN_MM, STRIP_MARGIN_MM = 12, 3
TAG_GAP_MM = 11.0
"""Least distance between two lesion numbers on the glass brain."""


@dataclass(frozen=True)
class View:
    """One slice of the prepared grid and what is drawn over it."""

    window: Window
    index: int
    drawing: Drawing


@dataclass(frozen=True)
class Scene:
    """What all pictures of a study share, on the prepared grid.

    ``windows`` holds black and white of each channel shown; ``regions`` [X, Y, Z] numbers the
    connected regions of core and edema together.
    """

    channels: Mapping[str, Array]
    windows: Mapping[str, tuple[float, float]]
    mask: Mask
    tissue: Labels
    instances: NDArray[np.uint16]
    regions: NDArray[np.integer]
    habitat: Array
    from_ras: Affine

    @classmethod
    def of(cls, analysis: Analysis) -> Scene:
        """Scene of an analysis."""
        prepared, lesions = analysis.prepared, analysis.lesions
        channels = {
            c: prepared.image[CHANNELS.index(c)] for c in CHANNEL_TITLES if c in prepared.channels
        }
        return cls(
            channels=channels,
            windows={c: grey_window(channels[c], prepared.mask, PERCENTILES[c]) for c in channels},
            mask=prepared.mask,
            tissue=lesions.tissue,
            instances=lesions.instances,
            regions=ndimage.label(lesions.tissue > 0)[0],
            habitat=analysis.maps.habitat,
            from_ras=np.linalg.inv(prepared.grid.affine).astype(np.float64),
        )

    @property
    def main(self) -> str:
        """Channel of single pictures: T1c, or FLAIR where there is no T1c."""
        return next(iter(self.channels))

    def voxel(self, point_ras_mm: tuple[float, float, float]) -> Point:
        """Voxel position [3] of a point."""
        return np.asarray(self.from_ras[:3, :3] @ point_ras_mm + self.from_ras[:3, 3])

    def pixels(self, channel: str, view: View, width: int) -> Array:
        """Grey values 0-255 of a view, enlarged to ``width`` columns."""
        sheet = view.window.slice(self.channels[channel], view.index)
        return enlarge(grey(sheet, self.windows[channel]), width)


def lesion_views(scene: Scene, lesion: LesionRecord) -> tuple[View, ...]:
    """Axial, coronal and sagittal view of a lesion; the axial one holds its longest diameter."""
    ends = [scene.voxel(end) for end in lesion.longest_ends_ras_mm]
    centre = scene.voxel(lesion.centroid_ras_mm)
    centre[AXIAL.normal] = (ends[0][AXIAL.normal] + ends[1][AXIAL.normal]) / 2
    centre = np.clip(np.rint(centre), 0, np.subtract(scene.mask.shape, 1))
    side = _field_mm(scene, lesion.id)
    views = []
    for plane in PLANES:
        window, index = Window.around(plane, centre, side), int(centre[plane.normal])
        drawing = Drawing(
            plane,
            *window.size,
            outlines=outlines(window.slice(scene.tissue, index)),
            tags=_other_lesions(window.slice(scene.instances, index), lesion.id),
            diameter=Line.between(*map(window.place, ends)) if plane is AXIAL else None,
            scale_bar_mm=10 if side < 100 else 20,
        )
        views.append(View(window, index, drawing))
    return tuple(views)


def lesion_pictures(scene: Scene, number: int, views: tuple[View, ...]) -> tuple[Picture, ...]:
    """The views of a lesion in each channel shown, channel by channel."""
    pictures = []
    for channel in scene.channels:
        for view in views:
            caption = f"{CHANNEL_TITLES[channel]}, {view.window.plane.name}"
            pixels = scene.pixels(channel, view, LESION_PIXELS)
            alt = f"Lesion {number}: {caption} plane"
            pictures.append(Picture(data_uri(pixels), alt, caption, view.drawing))
    return tuple(pictures)


def habitat_picture(scene: Scene, number: int, view: View) -> Picture:
    """The network's voxel-wise mode leaning over a view, inside the lesion's core."""
    core = view.window.slice(scene.instances, view.index) == number
    logits = np.stack(
        [view.window.slice(channel, view.index) for channel in scene.habitat[: len(MODES)]]
    )
    colours = np.array([ImageColor.getrgb(MODE_COLOURS[m]) for m in MODES], np.float32)
    mixed = np.einsum("mij,mc->cij", softmax(logits), colours) * core
    opacity = OVERLAY_OPACITY / 255 * enlarge(255 * core.astype(np.float32), LESION_PIXELS)
    base = scene.pixels(scene.main, view, LESION_PIXELS) * (1 - opacity)
    layers = [base + OVERLAY_OPACITY * enlarge(layer, LESION_PIXELS) for layer in mixed]
    return Picture(
        data_uri(np.clip(np.stack(layers, axis=-1), 0, 255)),
        f"Lesion {number}: local leaning over {CHANNEL_TITLES[scene.main]}, axial plane",
        "",
        replace(view.drawing, outlines={}, tags=(), diameter=None),
    )


def glass_brain(scene: Scene) -> tuple[Picture, ...]:
    """Projections of the brain mask in three planes, each lesion outlined and numbered."""
    low, size = _brain_box(scene.mask, GLASS_MARGIN_MM)
    centres = _centres(scene.instances)
    pictures = []
    for plane in PLANES:
        axes = (plane.across, plane.down)
        window = Window(plane, (low[axes[0]], low[axes[1]]), (size[axes[0]], size[axes[1]]))
        thickness = window.cut(scene.mask.sum(axis=plane.normal, dtype=np.int32))
        regions = {
            "brain": thickness > 0,
            "edema": window.cut(np.any(scene.tissue == SNFH, axis=plane.normal)),
            "enhancing": window.cut(np.any(scene.instances > 0, axis=plane.normal)),
        }
        drawing = Drawing(
            plane,
            *window.size,
            outlines={name: outline(region) for name, region in regions.items()},
            tags=spread({n: window.place(c) for n, c in centres.items()}, TAG_GAP_MM),
        )
        shade = np.sqrt(thickness / max(1, int(thickness.max()))).astype(np.float32)
        pixels = enlarge(GLASS[0] + (GLASS[1] - GLASS[0]) * shade, OVERVIEW_PIXELS)
        caption = f"Seen from {VIEWPOINTS[plane]}"
        alt = f"{caption}: outline of the brain with {len(centres)} numbered lesions"
        pictures.append(Picture(data_uri(pixels), alt, caption, drawing))
    return tuple(pictures)


def axial_strip(scene: Scene) -> tuple[Picture, ...]:
    """Evenly spaced axial slices through the brain, from below to above, outlines included."""
    low, size = _brain_box(scene.mask, STRIP_MARGIN_MM)
    window = Window(AXIAL, (low[0], low[1]), (size[0], size[1]))
    levels = np.clip(low[2] + size[2] * np.linspace(*STRIP_SHARES, STRIP_SLICES), 0, None)
    pictures: list[Picture] = []
    for level in np.minimum(np.rint(levels).astype(int), scene.mask.shape[2] - 1).tolist():
        drawing = Drawing(AXIAL, *window.size, outlines(window.slice(scene.tissue, level)))
        pixels = scene.pixels(scene.main, View(window, level, drawing), STRIP_PIXELS)
        alt = f"{CHANNEL_TITLES[scene.main]}, axial slice {len(pictures) + 1} of {STRIP_SLICES}"
        pictures.append(Picture(data_uri(pixels), alt, "", drawing))
    return tuple(pictures)


def _other_lesions(instances: NDArray[np.uint16], own: int) -> tuple[Tag, ...]:
    """Numbers at the upper right of the other lesions in a picture [rows, cols]."""
    tags = []
    for number in sorted(set(np.unique(instances).tolist()) - {0, own}):
        rows, columns = np.nonzero(instances == number)
        height, width = instances.shape
        corner = (min(columns.max() + 1.0, 0.95 * width), max(rows.min() + 0.0, 0.05 * height))
        tags.append(Tag(number, *corner, anchor=corner))
    return tuple(tags)


def _centres(instances: NDArray[np.uint16]) -> dict[int, Point]:
    """Mean voxel position of each lesion."""
    numbers = [int(n) for n in np.unique(instances) if n]
    centres = ndimage.center_of_mass(instances > 0, instances, numbers) if numbers else []
    return {n: np.asarray(c) for n, c in zip(numbers, centres, strict=True)}


def _field_mm(scene: Scene, number: int) -> int:
    """Side of the square shown around a lesion, mm: room around the core, and its edema inside."""
    core = scene.instances == number
    inside = np.unique(scene.regions[core])
    side = max(
        CORE_FACTOR * max(_box(core)[1]),
        WHOLE_FACTOR * max(_box(np.isin(scene.regions, inside[inside > 0]))[1]),
    )
    return int(np.clip(np.ceil(side), *FIELD_MM))


def _brain_box(mask: Mask, margin: int) -> tuple[Triple, Triple]:
    """Lowest voxel and size of the brain's box with a margin that may leave the grid."""
    (x, y, z), (a, b, c) = _box(mask)
    return (x - margin, y - margin, z - margin), (a + 2 * margin, b + 2 * margin, c + 2 * margin)


def _box(region: Mask) -> tuple[Triple, Triple]:
    """Lowest voxel and size of a region's bounding box; of one voxel where there is none."""
    x, y, z = bounding_box(region, 0) or (slice(0, 1), slice(0, 1), slice(0, 1))
    return (x.start, y.start, z.start), (x.stop - x.start, y.stop - y.start, z.stop - z.start)
