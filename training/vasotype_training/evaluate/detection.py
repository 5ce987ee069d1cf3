"""Which lesions were found: true components against predicted ones, on a 1 mm grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.lesions.diameters import axial_diameters
from vasotype.stages import Affine, Labels, Mask

from vasotype_training.evaluate.components import Components, components, region

LEAST_FALSE_POSITIVE_MM = 2.0
"""Smaller predicted components are no false positives."""

REACH = ndimage.generate_binary_structure(3, 1)
"""What lies within 1 mm of a voxel on the 1 mm grid."""


Place = tuple[int, int, int]
"""A voxel of the 1 mm grid."""


@dataclass(frozen=True)
class TrueLesion:
    """A component of the true core.

    ``number`` is its value in :attr:`Detection.truth`; ``found_by`` that of the predicted component
    which overlaps it most, 0 where it was missed; ``place`` a voxel in its middle.
    """

    number: int
    diameter_mm: float
    found_by: int
    place: Place


@dataclass(frozen=True)
class Stray:
    """A false positive: its value in :attr:`Detection.predicted`, and a voxel in its middle."""

    number: int
    place: Place


@dataclass(frozen=True)
class Detection:
    """Lesions of one study and the component maps that they are numbered in.

    ``fragments`` counts predicted components that touch a true lesion which another component has
    already found; they are no false positives, which ``strays`` holds.
    """

    lesions: tuple[TrueLesion, ...]
    strays: tuple[Stray, ...]
    fragments: int
    truth: Components
    predicted: Components


def detect(
    truth: Labels, predicted: Labels, affine: Affine, exclude: Mask | None = None
) -> Detection:
    """Match the core components of two label maps [X, Y, Z] on one 1 mm grid.

    A true lesion is found when a predicted component overlaps it by a voxel after the lesion is
    dilated by 1 mm. A predicted component with a longest axial diameter of at least 2 mm that
    overlaps no dilated lesion is a false positive. True lesions that touch ``exclude`` do not
    count, and predicted components that touch it are neither false positives nor fragments.
    """
    lesions = components(region(truth, "tc"))
    found = components(region(predicted, "tc"))
    touched = _touched(lesions, found)
    outside = np.ones(touched.shape[1], bool)
    counted = np.ones(touched.shape[0], bool)
    if exclude is not None:
        counted[np.unique(lesions[exclude])] = False
        outside[np.unique(found[exclude])] = False
    counted[0] = outside[0] = False
    diameters = _diameters(lesions, counted, affine)
    places = _places(lesions)
    true_lesions = tuple(
        TrueLesion(
            number,
            diameter,
            int(touched[number].argmax()) if touched[number].any() else 0,
            places[number - 1],
        )
        for number, diameter in diameters.items()
    )
    touching = (touched > 0).sum(axis=0) > 0
    apart = _diameters(found, outside & ~touching, affine)
    middles = _places(found)
    main = np.isin(np.arange(touched.shape[1]), touched.argmax(axis=1))
    return Detection(
        lesions=true_lesions,
        strays=tuple(
            Stray(n, middles[n - 1]) for n, d in apart.items() if d >= LEAST_FALSE_POSITIVE_MM
        ),
        fragments=int((outside & touching & ~main).sum()),
        truth=lesions,
        predicted=found,
    )


def _touched(lesions: Components, found: Components) -> NDArray[np.int64]:
    """Voxels of each predicted component within 1 mm of each lesion, [1 + lesions, 1 + found]."""
    width = int(found.max(initial=0)) + 1
    table = np.zeros((int(lesions.max(initial=0)) + 1, width), np.int64)
    for number, box in enumerate(ndimage.find_objects(lesions), start=1):
        window = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
        near = ndimage.binary_dilation(lesions[window] == number, REACH)
        table[number] = np.bincount(found[window][near], minlength=width)
    table[:, 0] = 0
    return table


def _places(found: Components) -> list[Place]:
    """Middle of the box of every component."""
    boxes = ndimage.find_objects(found)
    middles = [tuple((side.start + side.stop - 1) // 2 for side in box) for box in boxes]
    return [(int(x), int(y), int(z)) for x, y, z in middles]


def _diameters(found: Components, wanted: NDArray[np.bool_], affine: Affine) -> dict[int, float]:
    """Longest axial diameter in mm of the ``wanted`` components, by number."""
    return {
        number: axial_diameters(found[box] == number, affine).longest_mm
        for number, box in enumerate(ndimage.find_objects(found), start=1)
        if wanted[number]
    }
