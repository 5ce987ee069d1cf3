"""Lesion-wise scores by the rules of the BraTS metastasis challenge.

Two rules exist. That of 2025 matches single components one to one; that of 2023 and 2024 merges
neighbouring reference lesions and lets a missed or invented lesion count as Dice 0 (Moawad et al.,
arXiv:2306.00838). Only counts and Dice are computed, not the surface distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from vasotype.stages import Labels, Mask

from vasotype_training.evaluate.components import around, components, overlap, region

LEAST_DICE = 1e-6
"""2025: a pair below this Dice is no match."""

IGNORED_MM3 = 2.0
"""2023: reference lesions up to this volume are left out."""

NEIGHBOURS_18 = ndimage.generate_binary_structure(3, 2)
"""2023: the structure of the one-voxel dilation that merges satellites."""


@dataclass(frozen=True)
class LesionWise:
    """Lesion-wise score of one region: counts and ``dice``.

    ``dice`` is the mean over matched lesions by the 2025 rule (nan without a match), over all
    reference lesions and false positives by the 2023 rule (1 where there are none).
    """

    matched: int
    false_positive: int
    false_negative: int
    dice: float

    @property
    def f1(self) -> float:
        """Recognition quality, 2 TP / (2 TP + FP + FN); nan without any lesion."""
        total = 2 * self.matched + self.false_positive + self.false_negative
        return 2 * self.matched / total if total else float("nan")


def lesion_wise_2025(truth: Labels, predicted: Labels, name: str) -> LesionWise:
    """Score by the 2025 rule: maximum bipartite matching of 26-connected components on Dice.

    Both label maps [X, Y, Z] share a grid; ``name`` is a region of
    :data:`~vasotype_training.evaluate.components.REGIONS`.
    """
    reference, found = _cropped(region(truth, name), region(predicted, name))
    common = overlap(components(reference), components(found))
    dice = _pairwise_dice(common)
    rows, columns = linear_sum_assignment(dice, maximize=True)
    scores = dice[rows, columns]
    scores = scores[scores > LEAST_DICE]
    return LesionWise(
        matched=len(scores),
        false_positive=dice.shape[1] - len(scores),
        false_negative=dice.shape[0] - len(scores),
        dice=float(scores.mean()) if len(scores) else float("nan"),
    )


def lesion_wise_2023(
    truth: Labels, predicted: Labels, name: str, voxel_mm3: float = 1.0
) -> LesionWise:
    """Score by the rule of 2023 and 2024.

    Reference components that touch after a dilation by one voxel are one lesion; every predicted
    component that touches the dilated lesion belongs to it; lesions up to 2 mm³ are left out.
    """
    reference, found = _cropped(region(truth, name), region(predicted, name))
    lesions = components(ndimage.binary_dilation(reference, NEIGHBOURS_18)) * reference
    parts = components(found)
    part_voxels = np.bincount(parts.ravel())
    claimed: set[int] = set()
    scores: list[float] = []
    matched = 0
    for number, box in enumerate(ndimage.find_objects(lesions), start=1):
        window = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
        lesion = lesions[window] == number
        touched = np.unique(parts[window][ndimage.binary_dilation(lesion, NEIGHBOURS_18)])
        touched = touched[touched > 0]
        claimed.update(touched.tolist())
        voxels = int(lesion.sum())
        if voxels * voxel_mm3 <= IGNORED_MM3:
            continue
        common = int(np.isin(parts[window][lesion], touched).sum())
        scores.append(2 * common / (voxels + int(part_voxels[touched].sum())))
        matched += len(touched) > 0
    false_positive = len(part_voxels) - 1 - len(claimed)
    total = len(scores) + false_positive
    return LesionWise(
        matched=matched,
        false_positive=false_positive,
        false_negative=len(scores) - matched,
        dice=sum(scores) / total if total else 1.0,
    )


def _cropped(reference: Mask, found: Mask) -> tuple[Mask, Mask]:
    """Both masks in the box around their union, where all components lie."""
    box = around(reference | found, margin=1)
    return reference[box], found[box]


def _pairwise_dice(common: NDArray[np.int64]) -> NDArray[np.float64]:
    """Dice of every pair [rows, columns] from the table of :func:`overlap`."""
    rows = common.sum(axis=1)[1:, None]
    columns = common.sum(axis=0)[None, 1:]
    return 2.0 * common[1:, 1:] / (rows + columns)
