"""Outlines of two brain masks on a head, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from vasotype.prepare.resample import lowpass, resample
from vasotype.stages import Grid, Mask, Volume
from vasotype.study.geometry import closest_canonical

PIXEL_MM = 1.25
SIDE = 176
KNOWN, FOUND = (60, 220, 90), (240, 60, 50)
COLUMNS = 2


def outline_picture(head: Volume, known: Mask, found: Mask) -> Image.Image:
    """Sagittal, coronal and two axial cuts through the known brain's centre, side by side.

    The known mask is outlined in green, the found one in red.
    """
    grid = _grid(head.grid, known)
    image = resample(lowpass(head.data, head.grid, grid), head.grid, grid)
    low, high = np.percentile(image, (1, 99.5))
    grey = (np.clip((image - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    masks = [resample(mask, head.grid, grid, order=0) for mask in (known, found)]
    middle = SIDE // 2
    cuts = [(0, middle + 4), (1, middle), (2, middle - 8), (2, middle + 22)]
    tiles = [
        _tile(np.take(grey, at, axis), [np.take(mask, at, axis) for mask in masks])
        for axis, at in cuts
    ]
    return Image.fromarray(np.hstack(tiles))


def sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one size in two columns; a black one where there is none."""
    if not pictures:
        return Image.new("RGB", (SIDE, SIDE))
    wide, high = pictures[0].size
    rows = -(-len(pictures) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (wide + 4), rows * (high + 4)), "white")
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        page.paste(picture, (column * (wide + 4), row * (high + 4)))
    return page


def _grid(native: Grid, brain: Mask) -> Grid:
    """A cube of pixels around the brain's centre, along the image's own axes."""
    canonical = closest_canonical(native)
    directions = canonical.affine[:3, :3] / np.array(canonical.spacing_mm)
    centre = native.affine[:3, :3] @ ndimage.center_of_mass(brain) + native.affine[:3, 3]
    affine = np.eye(4)
    affine[:3, :3] = directions * PIXEL_MM
    affine[:3, 3] = centre - affine[:3, :3] @ np.full(3, SIDE / 2)
    return Grid((SIDE, SIDE, SIDE), affine)


def _tile(grey: NDArray[np.uint8], masks: Sequence[Mask]) -> NDArray[np.uint8]:
    """One cut [rows, columns, 3] with the outlines of both masks, up is up."""
    tile = np.repeat(grey.T[::-1, :, None], 3, axis=2)
    for mask, colour in zip(masks, (KNOWN, FOUND), strict=True):
        plane = mask.T[::-1]
        tile[plane & ~ndimage.binary_erosion(plane)] = colour
    return tile
