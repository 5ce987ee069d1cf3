"""Where is the brain? Skull-stripped images say so themselves.

Whole heads get the mask of the head, until the brain is extracted from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from vasotype.boxes import bounding_box
from vasotype.prepare.resample import resample, window
from vasotype.stages import Array, Grid, Mask, Volume

BACKGROUND_SHARE = 0.4
"""Share of a skull-stripped volume, even one cropped to the brain, that is background: a brain
fills about half of its box."""
LARGEST_BRAIN_ML = 2300.0
"""With dura left on; heads whose air was set to 0 begin at about 2500 mL."""


@dataclass(frozen=True)
class Foreground:
    """What is not background in one volume: mask on the volume's own grid.

    ``stripped`` says whether that is a brain; ``background`` is the value of the rest, in the
    units of the image.
    """

    mask: Mask
    stripped: bool
    background: float


def find_foreground(volume: Volume) -> Foreground:
    """Tell brain (or, in an image with its skull, head) from background.

    In a skull-stripped image one exact value, most often but not always 0 (z-scored images have
    another), covers its border and at least 40 % of the volume, and what remains is no more than a
    brain. In any other image the head is what lies above Otsu's threshold.
    """
    data = volume.data
    value = _border_value(data)
    mask = data != value
    size_ml = float(mask.sum()) * volume.grid.voxel_ml
    if 1 - mask.mean() >= BACKGROUND_SHARE and size_ml <= LARGEST_BRAIN_ML:
        return Foreground(mask, stripped=True, background=value)
    return Foreground(data > otsu(data), stripped=False, background=0.0)


def brain_mask(foregrounds: Mapping[str, Mask], home: str) -> Mask:
    """One mask out of those of all sequences, on one grid.

    Voxels that at least half of the sequences or ``home`` (not empty) count in; of these the
    largest component, its holes filled.
    """
    votes = np.sum(list(foregrounds.values()), axis=0, dtype=np.uint8)
    mask = (votes * 2 >= len(foregrounds)) | foregrounds[home]
    box = bounding_box(mask)
    brain = np.zeros_like(mask)
    brain[box] = fill_holes(largest_component(mask[box]))
    return brain


def coverage(foreground: Foreground, source: Grid, target: Grid) -> Mask:
    """Voxels of ``target`` for which a sequence on ``source`` holds a value of the body.

    In a whole head that is its field of view: dark tissue lies below any threshold.
    """
    held = foreground.mask if foreground.stripped else np.ones(source.shape, dtype=bool)
    return resample(held, source, target, order=0)


def otsu(data: Array) -> float:
    """Threshold that splits the intensities into two classes with the least variance within.

    The lowest value where there is nothing to split. Source: N. Otsu, IEEE Trans. Syst. Man
    Cybern. 9 (1979) 62-66.
    """
    low, high = np.percentile(data[::2, ::2, ::2], [0.5, 99.5])
    counts, edges = np.histogram(data, bins=256, range=(float(low), float(max(high, low + 1e-6))))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    moment = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (moment / below - (moment[-1] - moment) / above) ** 2
    if np.isnan(between).all():
        return float(low)
    return float(centres[int(np.nanargmax(between))])


def _border_value(data: Array) -> float:
    faces = [np.moveaxis(data, axis, 0)[end].ravel() for axis in range(3) for end in (0, -1)]
    values, counts = np.unique(np.concatenate(faces), return_counts=True)
    return float(values[int(counts.argmax())])


def largest_component(mask: Mask) -> Mask:
    """The part of ``mask`` (not empty) that hangs together and is largest."""
    parts, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    if count == 1:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax())


def fill_holes(mask: Mask) -> Mask:
    """Add what the outside can't reach through faces (much faster than repeated dilation)."""
    shape = tuple(side + 2 for side in mask.shape)
    parts, _ = ndimage.label(~window(mask, (-1, -1, -1), shape))
    return np.asarray(parts != parts[0, 0, 0])[1:-1, 1:-1, 1:-1]
