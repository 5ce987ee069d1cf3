"""Outlines lesion by lesion, and whether voxel probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.stages import Labels, Mask

from vasotype_training.evaluate.components import REGIONS, Components, around, components, region

NEAR_MM = 5.0
"""Calibration is measured over voxels this close to a true or predicted lesion."""

BINS = 10

Counts = NDArray[np.float64]


def lesion_dice(
    truth: Labels, predicted: Labels, lesions: Components, wanted: Iterable[int]
) -> dict[int, dict[str, float]]:
    """Dice of each ``wanted`` lesion's own part of whole tumor, core and enhancing tumor.

    Every voxel [X, Y, Z] of a 1 mm grid belongs to the nearest component of ``lesions`` (the true
    core). Of the prediction a lesion gets the components that touch its true region, as far as they
    lie in its part. A region that a lesion lacks in truth is left out.
    """
    box = around((truth > 0) | (predicted > 0), 1)
    owner = _nearest(lesions[box])
    count = int(lesions.max(initial=0)) + 1
    dice: dict[int, dict[str, float]] = {number: {} for number in wanted}
    for name in REGIONS:
        true, found = region(truth[box], name), region(predicted[box], name)
        parts = components(found)
        width = int(parts.max(initial=0)) + 1
        pair = owner.astype(np.int64) * width + parts
        touching = np.bincount(pair[true], minlength=count * width) > 0
        own = found & touching[pair]
        common = np.bincount(owner[true & own], minlength=count)
        total = np.bincount(owner[true], minlength=count)
        both = total + np.bincount(owner[own], minlength=count)
        for number, values in dice.items():
            if total[number]:
                values[name] = 2.0 * float(common[number]) / float(both[number])
    return dice


def _nearest(lesions: Components) -> Components:
    """Number of the component that lies nearest to each voxel."""
    if not lesions.any():
        return lesions
    place = ndimage.distance_transform_edt(
        lesions == 0, return_distances=False, return_indices=True
    )
    return np.asarray(lesions[tuple(place)])


@dataclass(frozen=True)
class Reliability:
    """Counts [tissues, bins, 3] of voxels, their probability and their truth, by probability."""

    counts: Counts

    @classmethod
    def measure(
        cls, probabilities: NDArray[np.uint8], truth: Labels, predicted: Labels, use: Mask
    ) -> Reliability:
        """Count the voxels near a true or predicted core.

        ``probabilities`` uint8 [3, X, Y, Z], NETC, SNFH and ET in steps of 1/255 on the 1 mm grid
        of ``truth``; only voxels of ``use`` count.
        """
        counts = np.zeros((len(probabilities), BINS, 3))
        core = region(truth, "tc") | region(predicted, "tc")
        if core.any():
            box = around(core, int(NEAR_MM) + 1)
            near = (ndimage.distance_transform_edt(~core[box]) <= NEAR_MM) & use[box]
            for index, volume in enumerate(probabilities):
                p = volume[box][near].astype(np.float64) / 255
                right = truth[box][near] == index + 1
                place = np.minimum((p * BINS).astype(np.int64), BINS - 1)
                for column, weight in enumerate((np.ones_like(p), p, right)):
                    counts[index, :, column] = np.bincount(place, weight, BINS)
        return cls(counts)


def reliability_error(parts: Iterable[Reliability], tissue: int) -> float:
    """Expected calibration error of one tissue (0 NETC, 1 SNFH, 2 ET) over many studies."""
    total = np.sum([part.counts[tissue] for part in parts], axis=0)
    if not np.any(total):
        return float("nan")
    return float(np.abs(total[:, 1] - total[:, 2]).sum() / total[:, 0].sum())
