"""Label maps on the native grid: probabilities resampled, then labelled there."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import ndimage
from vasotype_models.contract import ET, NETC, SNFH, Inference

from vasotype.boxes import box_in, crop
from vasotype.lesions.components import Instances, LabelMaps
from vasotype.prepare import to_native
from vasotype.stages import Array, Grid, Labels


def native_labels(
    probabilities: Array, maps: LabelMaps, native: Grid, inference: Inference
) -> tuple[LabelMaps, tuple[int, ...]]:
    """The labels of ``maps`` on the native grid, and the lesions too small for its voxels.

    Probabilities [4, X, Y, Z] of what ``maps`` dropped are cleared first; linear interpolation
    then makes no new tumor, and each native voxel belongs to the lesion of the nearest labelled
    voxel. A lesion that falls between all native voxels gets the one nearest to its centroid.
    """
    tissue = np.zeros(native.shape, np.uint8)
    owner = np.zeros(native.shape, np.uint16)
    box = box_in(native, maps.grid)
    if box is not None and maps.tissue.any():
        part = crop(native, box)
        cleaned = _cleaned(probabilities, maps, inference)
        enhancing, necrotic, whole = to_native(cleaned, maps.grid, part, 1)
        core = enhancing + necrotic >= inference.core_threshold
        labels = np.where(whole >= inference.whole_threshold, SNFH, 0).astype(np.uint8)
        labels[core] = np.where(enhancing > necrotic, ET, NETC)[core]
        nearest = to_native(_nearest_owner(maps)[None], maps.grid, part, 0)[0]
        tissue[box] = labels
        owner[box] = np.where(labels > 0, nearest, 0)
    instances = np.where((tissue == ET) | (tissue == NETC), owner, 0).astype(np.uint16)
    present = np.bincount(instances.ravel(), minlength=int(maps.instances.max()) + 1)
    unresolved = tuple(int(lesion) for lesion in np.flatnonzero(present == 0) if lesion > 0)
    for lesion in unresolved:
        voxel = _voxel_for(maps, lesion, instances, native)
        tissue[voxel] = _commonest(maps.tissue[maps.instances == lesion])
        owner[voxel] = instances[voxel] = lesion
    return LabelMaps(tissue, instances, owner, native), unresolved


def _cleaned(probabilities: Array, maps: LabelMaps, inference: Inference) -> Array:
    """P(ET), P(NETC) and P(whole) [3, X, Y, Z], zero where ``maps`` dropped what they reached."""
    enhancing, necrotic = probabilities[ET].copy(), probabilities[NETC].copy()
    whole = 1.0 - probabilities[0]
    dropped = (enhancing + necrotic >= inference.core_threshold) & (maps.instances == 0)
    enhancing[dropped] = necrotic[dropped] = 0.0
    whole[(whole >= inference.whole_threshold) & (maps.tissue == 0)] = 0.0
    return np.stack([enhancing, necrotic, whole])


def _nearest_owner(maps: LabelMaps) -> Instances:
    """Owner [X, Y, Z] of the nearest labelled voxel, everywhere."""
    nearest = ndimage.distance_transform_edt(
        maps.tissue == 0, sampling=maps.grid.spacing_mm, return_distances=False, return_indices=True
    )
    owner: Instances = maps.owner[tuple(nearest)]
    return owner


def _commonest(labels: Labels) -> int:
    return int(np.bincount(labels).argmax())


def _voxel_for(
    maps: LabelMaps, lesion: int, instances: Instances, native: Grid
) -> tuple[int, int, int]:
    """Native voxel nearest to a lesion's centroid, if possible no other lesion's core."""
    index = np.argwhere(maps.instances == lesion).mean(axis=0)
    centroid = maps.grid.affine[:3, :3] @ index + maps.grid.affine[:3, 3]
    exact = np.linalg.solve(native.affine[:3, :3], centroid - native.affine[:3, 3])
    nearby = np.rint(exact) + np.array(list(product((-1, 0, 1), repeat=3)))
    nearby = np.clip(nearby, 0, np.array(native.shape) - 1).astype(int)
    free = nearby[instances[tuple(nearby.T)] == 0]
    # Where all 27 belong to another lesion, it can spare one.
    choices = free if len(free) else nearby
    distance = np.linalg.norm((choices - exact) @ native.affine[:3, :3].T, axis=1)
    x, y, z = choices[distance.argmin()]
    return int(x), int(y), int(z)
