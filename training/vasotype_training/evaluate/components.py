"""Connected components of a region, and how those of two label maps overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.stages import Labels, Mask
from vasotype_models.contract import ET, NETC

Components = NDArray[np.int32]

REGIONS = ("wt", "tc", "et")
"""Whole tumor (1+2+3), tumor core (1+3), enhancing tumor (3)."""

TOUCHING = np.ones((3, 3, 3), bool)
"""26-neighbourhood: voxels that share a corner are one lesion."""


def region(labels: Labels, name: str) -> Mask:
    """One of ``REGIONS`` of a BraTS-METS label map [X, Y, Z]."""
    if name == "wt":
        return labels > 0
    if name == "tc":
        return (labels == NETC) | (labels == ET)
    return labels == ET


def components(mask: Mask) -> Components:
    """26-connected components, numbered from 1; 0 is outside."""
    found, _ = ndimage.label(mask, TOUCHING)
    return np.asarray(found, np.int32)


def overlap(rows: Components, columns: Components) -> NDArray[np.int64]:
    """Common voxels of every pair of components, [1 + rows, 1 + columns].

    Index 0 is the outside, so a row without its first entry holds what a component overlaps, and
    its sum is the component's size in voxels.
    """
    width = int(columns.max(initial=0)) + 1
    height = int(rows.max(initial=0)) + 1
    pair = rows.astype(np.int64) * width + columns
    return np.bincount(pair.ravel(), minlength=height * width).reshape(height, width)


def around(mask: Mask, margin: int) -> tuple[slice, ...]:
    """Box around a mask, ``margin`` voxels wider on every side, clipped to the array.

    An empty mask gives the first voxel.
    """
    if not mask.any():
        return tuple(slice(0, 1) for _ in mask.shape)
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    return tuple(slice(max(0, s.start - margin), s.stop + margin) for s in box)
