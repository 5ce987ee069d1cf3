"""Which pictures the report shows: three planes a lesion, habitats, glass brain, axial strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from scipy import ndimage
from vasotype_models.contract import CHANNELS, MODES, SNFH

from vasotype.boxes import bounding_box
from vasotype.outputs.figures import (
    AXIAL,
    PLANES,
    Drawing,
    Line,
    Picture,
    Plane,
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
from vasotype.stages import Affine, Array, Grid, Labels, Mask

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

CHANNEL_TITLES = {"t1c": "T1c", "flair": "FLAIR"}
PERCENTILES = {"t1c": (1.0, 99.6), "flair": (1.0, 99.8)}
"""Black and white in the brain, by channel; enhancement must not saturate."""
LESION_WHITE = 99.0
"""Percentile in the core, and in it with its edema, that white reaches in a lesion's pictures."""
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
    connected regions of core and edema together. ``native`` is the grid of the reference sequence
    as it came, whose slices a reader finds in a viewer.
    """

    channels: Mapping[str, Array]
    windows: Mapping[str, tuple[float, float]]
    mask: Mask
    tissue: Labels
    instances: NDArray[np.uint16]
    regions: NDArray[np.integer]
    habitat: Array
    from_ras: Affine
    native: Grid

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
            native=prepared.native.grid,
        )

    @property
    def main(self) -> str:
        """Channel of single pictures: T1c, or FLAIR where there is no T1c."""
        return next(iter(self.channels))

    def voxel(self, point_ras_mm: tuple[float, float, float]) -> Point:
        """Voxel position [3] of a point."""
        return np.asarray(self.from_ras[:3, :3] @ point_ras_mm + self.from_ras[:3, 3])

    def pixels(
        self, channel: str, view: View, width: int, shades: tuple[float, float] | None = None
    ) -> Array:
        """Grey values 0-255 of a view, enlarged to ``width`` columns.

        ``shades`` are black and white where they are not those of the whole brain.
        """
        sheet = view.window.slice(self.channels[channel], view.index)
        return enlarge(grey(sheet, shades or self.windows[channel]), width)

    def region_of(self, number: int) -> Mask:
        """Core of a lesion with the edema that is connected to it [X, Y, Z]."""
        core = self.instances == number
        inside = np.unique(self.regions[core])
        return np.asarray(core | np.isin(self.regions, inside[inside > 0]))

    def slice_name(self, view: View) -> str:
        """Where a view lies in the reference as it came, e.g. ``slice 98 of 135``, from 1.

        Of an oblique or tilted acquisition it is the slice through the middle of the view.
        """
        plane, window = view.window.plane, view.window
        voxel = np.zeros(3)
        voxel[plane.normal] = view.index
        for axis, start, size in zip(
            (plane.across, plane.down), window.start, window.size, strict=True
        ):
            voxel[axis] = start + (size - 1) / 2
        to_native = np.linalg.inv(self.native.affine) @ np.linalg.inv(self.from_ras)
        axis = _native_axis(self.native, plane)
        position = float(to_native[axis, :3] @ voxel + to_native[axis, 3])
        count = self.native.shape[axis]
        return f"slice {int(np.clip(round(position), 0, count - 1)) + 1} of {count}"


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
    parts = [part for part in (scene.instances == number, scene.region_of(number)) if part.any()]
    pictures = []
    for channel, image in scene.channels.items():
        black, white = scene.windows[channel]
        white = max([white, *(float(np.percentile(image[p], LESION_WHITE)) for p in parts)])
        for view in views:
            title = f"{CHANNEL_TITLES[channel]}, {view.window.plane.name}"
            pixels = scene.pixels(channel, view, LESION_PIXELS, (black, white))
            alt, caption = f"Lesion {number}: {title} plane", f"{title}, {scene.slice_name(view)}"
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
    """Axial slices through the brain, from below to above, with outlines and lesion numbers.

    They are evenly spaced but for those that were moved to show a lesion that lies between them.
    """
    low, size = _brain_box(scene.mask, STRIP_MARGIN_MM)
    window = Window(AXIAL, (low[0], low[1]), (size[0], size[1]))
    spaced = np.rint(low[2] + size[2] * np.linspace(*STRIP_SHARES, STRIP_SLICES)).astype(int)
    even = np.clip(spaced, 0, scene.mask.shape[2] - 1).tolist()
    pictures: list[Picture] = []
    for level in strip_levels(even, _levels_of_lesions(scene.instances)):
        drawing = Drawing(
            AXIAL,
            *window.size,
            outlines(window.slice(scene.tissue, level)),
            _other_lesions(window.slice(scene.instances, level), own=0),
        )
        view = View(window, level, drawing)
        pixels = scene.pixels(scene.main, view, STRIP_PIXELS)
        where = scene.slice_name(view)
        alt = f"{CHANNEL_TITLES[scene.main]}, axial {where}"
        pictures.append(Picture(data_uri(pixels), alt, where, drawing))
    return tuple(pictures)


def strip_levels(even: Sequence[int], lesions: Sequence[tuple[int, int]]) -> list[int]:
    """Levels such that each lesion, from its first to its last level, holds one if they suffice.

    Lesions that share a level need one for all of them; for it the nearest of the ``even`` levels
    moves, unless one lies there already.
    """
    shared: list[tuple[int, int, int]] = []  # first and last common level, number of lesions
    for first, last in sorted(lesions, key=lambda ends: ends[1]):
        if shared and first <= shared[-1][1]:
            low, high, count = shared[-1]
            shared[-1] = max(low, first), high, count + 1
        else:
            shared.append((first, last, 1))
    free, chosen = list(even), list[int]()
    for low, high, _ in sorted(shared, key=lambda group: -group[2])[: len(even)]:
        middle = (low + high) // 2
        nearest = min(free, key=lambda level: abs(level - middle))
        free.remove(nearest)
        chosen.append(nearest if low <= nearest <= high else middle)
    return sorted(free + chosen)


def _native_axis(native: Grid, plane: Plane) -> int:
    """The voxel axis of the reference that runs most nearly along a plane's normal."""
    directions = native.affine[plane.normal, :3] / np.linalg.norm(native.affine[:3, :3], axis=0)
    return int(np.abs(directions).argmax())


def _levels_of_lesions(instances: NDArray[np.uint16]) -> list[tuple[int, int]]:
    """First and last axial level of each lesion."""
    boxes = [box for box in ndimage.find_objects(instances) if box is not None]
    return [(box[AXIAL.normal].start, box[AXIAL.normal].stop - 1) for box in boxes]


def _other_lesions(instances: NDArray[np.uint16], own: int) -> tuple[Tag, ...]:
    """Numbers at the upper right of all lesions but ``own`` in a picture [rows, cols]."""
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
    side = max(
        CORE_FACTOR * max(_box(scene.instances == number)[1]),
        WHOLE_FACTOR * max(_box(scene.region_of(number))[1]),
    )
    return int(np.clip(np.ceil(side), *FIELD_MM))


def _brain_box(mask: Mask, margin: int) -> tuple[Triple, Triple]:
    """Lowest voxel and size of the brain's box with a margin that may leave the grid."""
    (x, y, z), (a, b, c) = _box(mask)
    return (x - margin, y - margin, z - margin), (a + 2 * margin, b + 2 * margin, c + 2 * margin)


def _box(region: Mask) -> tuple[Triple, Triple]:
    """Lowest voxel and size of a region's bounding box; of one voxel where there is none."""
    x, y, z = bounding_box(region)
    return (x.start, y.start, z.start), (x.stop - x.start, y.stop - y.start, z.stop - z.start)
