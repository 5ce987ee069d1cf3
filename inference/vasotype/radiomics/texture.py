"""IBSI features of texture in 3-D: grey level co-occurrence, and size zones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Levels = NDArray[np.int64]
Floats = NDArray[np.float64]

CODES: Mapping[str, str] = {
    "glcm_joint_maximum": "GYBY",
    "glcm_joint_entropy": "TU9B",
    "glcm_angular_second_moment": "8ZQL",
    "glcm_contrast": "ACUI",
    "glcm_inverse_difference": "IB1Z",
    "glcm_correlation": "NI2N",
    "glcm_cluster_shade": "7NFM",
    "glszm_small_zone_emphasis": "5QRC",
    "glszm_large_zone_emphasis": "48P8",
    "glszm_zone_percentage": "P30P",
    "glszm_zone_size_entropy": "GU8N",
}

DIRECTIONS = tuple(d for d in product((-1, 0, 1), repeat=3) if d > (0, 0, 0))
"""The 13 directions to a neighbour; each stands for its opposite, too."""


def co_occurrence(levels: Levels) -> Floats:
    """Symmetric co-occurrence matrix of neighbours at distance 1, summing to 1.

    ``levels`` [X, Y, Z] are 1 and more inside the region, 0 outside. Directions are merged (IBSI,
    IAZD). A region without neighbours has a matrix of zeros.
    """
    size = int(levels.max())
    counts = np.zeros((size, size))
    for direction in DIRECTIONS:
        here = tuple(
            slice(max(0, -d), n - max(0, d)) for d, n in zip(direction, levels.shape, strict=True)
        )
        there = tuple(
            slice(max(0, d), n - max(0, -d)) for d, n in zip(direction, levels.shape, strict=True)
        )
        first, second = levels[here], levels[there]
        both = (first > 0) & (second > 0)
        np.add.at(counts, (first[both] - 1, second[both] - 1), 1)
    counts += counts.T
    shares: Floats = counts / max(counts.sum(), 1)
    return shares


def co_occurrence_features(levels: Levels) -> dict[str, float]:
    """Features of the co-occurrence matrix; correlation is 1 where nothing varies."""
    p = co_occurrence(levels)
    i, j = np.indices(p.shape) + 1
    marginal = p.sum(axis=1)
    level = np.arange(1, len(p) + 1)
    mean = float((level * marginal).sum())
    variance = float(((level - mean) ** 2 * marginal).sum())
    known = p[p > 0]
    correlation = float((i * j * p).sum() - mean**2) / variance if variance else 1.0
    return {
        "glcm_joint_maximum": float(p.max()),
        "glcm_joint_entropy": float(-(known * np.log2(known)).sum()),
        "glcm_angular_second_moment": float((p**2).sum()),
        "glcm_contrast": float(((i - j) ** 2 * p).sum()),
        "glcm_inverse_difference": float((p / (1 + np.abs(i - j))).sum()),
        "glcm_correlation": correlation,
        "glcm_cluster_shade": float(((i + j - 2 * mean) ** 3 * p).sum()),
    }


def zone_features(levels: Levels) -> dict[str, float]:
    """Features of zones: 26-connected voxels of one grey level (IBSI, KOBO)."""
    zones: list[tuple[int, int]] = []
    for level in np.unique(levels[levels > 0]):
        labelled, _ = ndimage.label(levels == level, np.ones((3, 3, 3)))
        zones += [(int(level), int(size)) for size in np.bincount(labelled.ravel())[1:]]
    sizes = np.array([size for _, size in zones], np.float64)
    share = np.unique(np.array(zones), axis=0, return_counts=True)[1] / len(zones)
    return {
        "glszm_small_zone_emphasis": float((1 / sizes**2).mean()),
        "glszm_large_zone_emphasis": float((sizes**2).mean()),
        "glszm_zone_percentage": len(zones) / float((levels > 0).sum()),
        "glszm_zone_size_entropy": float(-(share * np.log2(share)).sum()),
    }
