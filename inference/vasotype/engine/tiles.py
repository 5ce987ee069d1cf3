"""Sliding window: where the tiles lie, and how their answers are blended into one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import product

import numpy as np

from vasotype.boxes import Box, bounding_box
from vasotype.stages import Array, Mask


def tile_starts(side: int, tile: int, overlap: float) -> list[int]:
    """First voxels of the tiles along one axis: evenly spread, from edge to edge.

    Neighbours share at least ``overlap`` of a tile, up to the rounding of a voxel.
    """
    steps = int(np.ceil((side - tile) / max(1.0, tile * (1.0 - overlap))))
    return [round(step * (side - tile) / max(1, steps)) for step in range(steps + 1)]


def tile_boxes(mask: Mask, tile: tuple[int, int, int], overlap: float, multiple: int) -> list[Box]:
    """Tiles that cover every voxel of ``mask`` (not empty); those outside it are left out.

    They are spread over the box of the mask, not over the grid, whose margins may cost a row of
    tiles. Along each axis there are as few as sides of up to ``tile`` voxels allow, and they are
    as short as these few may be (a multiple of ``multiple``, as the grid's own sides).
    """
    along_x, along_y, along_z = (
        _tiles_along(span, side, length, overlap, multiple)
        for span, side, length in zip(bounding_box(mask), mask.shape, tile, strict=True)
    )
    return [box for box in product(along_x, along_y, along_z) if mask[box].any()]


def _tiles_along(
    span: slice, side: int, longest: int, overlap: float, multiple: int
) -> list[slice]:
    """Tiles over ``span`` of an axis with ``side`` voxels; one tile has the span in its middle."""
    longest = min(longest, side)
    length = span.stop - span.start
    more = len(tile_starts(max(length, longest), longest, overlap)) - 1
    tile = min(longest, math.ceil(length / (1 + more * (1 - overlap)) / multiple) * multiple)
    reach = max(length, tile)
    first = span.start - (reach - length) // 2
    first = min(max(first, 0), side - reach)
    return [slice(first + at, first + at + tile) for at in tile_starts(reach, tile, overlap)]


def gaussian_window(shape: tuple[int, ...], sigma: float) -> Array:
    """Blending weights [X, Y, Z], 1 at the centre; ``sigma`` in units of each side."""
    window = np.ones((1, 1, 1), np.float32)
    for axis, side in enumerate(shape):
        offset = (np.arange(side) - (side - 1) / 2) / (sigma * side)
        profile = np.exp(-0.5 * offset**2).astype(np.float32)
        window = window * np.expand_dims(profile, [other for other in range(3) if other != axis])
    return window


def blend(
    boxes: Iterable[Box],
    predict: Callable[[Box], Array],
    shape: tuple[int, int, int, int],
    sigma: float,
) -> Array:
    """Weighted mean [C, X, Y, Z] of the tiles' answers, zero where no tile lies.

    ``predict(box)`` gives [C, x, y, z] for one tile.
    """
    total = np.zeros(shape, np.float32)
    weight = np.zeros(shape[1:], np.float32)
    for box in boxes:
        answer = predict(box)
        window = gaussian_window(answer.shape[1:], sigma)
        total[(slice(None), *box)] += answer * window
        weight[box] += window
    for channel in total:
        np.divide(channel, weight, out=channel, where=weight > 0)
    return total
