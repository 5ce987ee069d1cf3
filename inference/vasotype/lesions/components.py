"""Which voxels are tumor and edema, and which of them make a lesion.

Pure arithmetic on tissue probabilities; the thresholds are the contract's (``Inference``).

- *Core* is P(NETC) + P(ET) >= ``core_threshold``; its 26-connected components are candidates. The
  confidence of a candidate is the mean of its core probabilities. It is a lesion when it reaches
  ``minimal_volume_mm3``, its confidence reaches ``confidence``, and no more than ``most_outside``
  of what surrounds it lies outside the brain mask: shreds of dura and bone that brain extraction
  left behind enhance, too.
- A candidate that is not kept is read as if core were excluded: edema where P(SNFH) exceeds
  P(background), else nothing.
- *Edema* is what is left of 1 - P(background) >= ``whole_threshold``. It belongs to a lesion that
  it reaches through voxels of ``edema_link`` and more, which come within ``edema_reach_mm`` of it:
  edema follows tracts and thins out on its way. Confluent edema is split by the nearest lesion.
- Edema apart from every lesion is mostly white matter disease to a radiologist, but the only sign
  of a hardly enhancing tumor as well: it stays, without an owner, when it is both large
  (``lone_edema_ml``) and sure (mean probability ``lone_edema_confidence``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype_models.contract import ET, NETC, SNFH, Inference

from vasotype.boxes import Box, grown
from vasotype.stages import Array, Grid, Labels, Mask

SURROUNDINGS_VOXELS = 3
"""Reach of what surrounds a candidate, on the 1 mm grid."""

FULL_CONNECTIVITY = np.ones((3, 3, 3), bool)

Instances = NDArray[np.uint16]
L = TypeVar("L", np.uint8, np.uint16)


@dataclass(frozen=True)
class LabelMaps:
    """Labels on one grid.

    ``tissue`` uint8 [X, Y, Z] in the contract's labels; ``instances`` uint16, the lesion of each
    core voxel; ``owner`` uint16, the lesion of each core and edema voxel (0: none).
    """

    tissue: Labels
    instances: Instances
    owner: Instances
    grid: Grid

    def pasted(self, box: Box, grid: Grid) -> LabelMaps:
        """These labels, which fill ``box`` of a larger grid, on that grid."""

        def paste(values: NDArray[L]) -> NDArray[L]:
            whole = np.zeros(grid.shape, values.dtype)
            whole[box] = values
            return whole

        return LabelMaps(paste(self.tissue), paste(self.instances), paste(self.owner), grid)


def label(
    probabilities: Array, brain: Mask, grid: Grid, inference: Inference
) -> tuple[LabelMaps, tuple[float, ...]]:
    """Label maps and the confidence of each lesion; lesion 1 has the largest core.

    ``probabilities`` [4, X, Y, Z] in the contract's tissue order and the mask of the ``brain``
    [X, Y, Z], both on ``grid`` (1 mm).
    """
    core_probability = probabilities[NETC] + probabilities[ET]
    candidates = core_probability >= inference.core_threshold
    instances, confidences = _lesions(candidates, core_probability, brain, grid, inference)
    core = instances > 0
    edema = (1.0 - probabilities[0] >= inference.whole_threshold) & ~core
    dropped = candidates & ~core
    edema[dropped] = (probabilities[SNFH] > probabilities[0])[dropped]
    links = edema | (1.0 - probabilities[0] >= inference.edema_link) & ~candidates
    owner = _owner(edema, links, instances, grid, inference)
    edema &= (owner > 0) | _large_and_sure(edema, probabilities[SNFH], grid, inference)
    tissue = np.zeros(core.shape, np.uint8)
    tissue[edema] = SNFH
    tissue[core] = np.where(probabilities[ET] > probabilities[NETC], ET, NETC)[core]
    return LabelMaps(tissue, instances, owner, grid), confidences


def _lesions(
    candidates: Mask, core_probability: Array, brain: Mask, grid: Grid, inference: Inference
) -> tuple[Instances, tuple[float, ...]]:
    """Candidates that are lesions, numbered by descending volume, and their confidences."""
    components, count = ndimage.label(candidates, FULL_CONNECTIVITY)
    volumes_mm3 = np.bincount(components.ravel(), minlength=count + 1) * grid.voxel_ml * 1000.0
    boxes = ndimage.find_objects(components)
    number = np.zeros(count + 1, np.uint16)
    confidences: list[float] = []
    for component in np.argsort(-volumes_mm3[1:], kind="stable") + 1:
        volume = volumes_mm3[component]
        if volume < inference.minimal_volume_mm3:
            break
        box = grown(boxes[component - 1], SURROUNDINGS_VOXELS)
        inside = components[box] == component
        confidence = float(core_probability[box][inside].mean())
        if (
            confidence >= inference.confidence
            and outside_share(inside, brain[box]) <= inference.most_outside
        ):
            confidences.append(confidence)
            number[component] = len(confidences)
    return number[components], tuple(confidences)


def outside_share(candidate: Mask, brain: Mask) -> float:
    """Share of a candidate's surroundings, 3 voxels wide, that lies outside the brain."""
    near = ndimage.binary_dilation(candidate, iterations=SURROUNDINGS_VOXELS) & ~candidate
    return float(1.0 - brain[near].mean()) if near.any() else 0.0


def _owner(
    edema: Mask, links: Mask, instances: Instances, grid: Grid, inference: Inference
) -> Instances:
    """The lesion that owns each core and edema voxel.

    ``links`` holds ``edema`` and what leads from it to a lesion without being edema.
    """
    owner = instances.copy()
    if instances.any():
        distance, nearest = ndimage.distance_transform_edt(
            instances == 0, sampling=grid.spacing_mm, return_indices=True
        )
        paths, count = ndimage.label(links, FULL_CONNECTIVITY)
        near = np.zeros(count + 1, bool)
        near[paths[links & (distance <= inference.edema_reach_mm)]] = True
        owned = edema & near[paths]
        owner[owned] = instances[tuple(axis[owned] for axis in nearest)]
    return owner


def _large_and_sure(
    edema: Mask, edema_probability: Array, grid: Grid, inference: Inference
) -> Mask:
    """Edema that stays wherever it lies."""
    components, count = ndimage.label(edema, FULL_CONNECTIVITY)
    voxels = components[edema]
    size = np.bincount(voxels, minlength=count + 1)
    certainty = np.bincount(voxels, edema_probability[edema], count + 1) / np.maximum(size, 1)
    keep = size * grid.voxel_ml >= inference.lone_edema_ml
    keep &= certainty >= inference.lone_edema_confidence
    keep[0] = False
    kept: Mask = keep[components]
    return kept


def shares_edema(maps: LabelMaps, count: int) -> tuple[bool, ...]:
    """For each of ``count`` lesions: is its edema confluent with another lesion's?"""
    edema = maps.tissue == SNFH
    components, number = ndimage.label(edema, FULL_CONNECTIVITY)
    owned = np.zeros((number + 1, count + 1), bool)
    owned[components[edema], maps.owner[edema]] = True
    split = owned[:, 1:].sum(axis=1) > 1
    return tuple(owned[split, lesion].any().item() for lesion in range(1, count + 1))
