"""IBSI features of a region's shape, from its voxels; no mesh is needed for these."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vasotype.stages import Mask

CODES: Mapping[str, str] = {
    "volume": "YEKZ",
    "major_axis_length": "TDIC",
    "minor_axis_length": "P9VJ",
    "least_axis_length": "7J51",
    "elongation": "Q3CK",
    "flatness": "N17B",
}


def shape_features(mask: Mask, spacing_mm: tuple[float, float, float]) -> dict[str, float]:
    """Volume by voxel counting (mm³), lengths of the principal axes (mm) and their ratios.

    The axes are those of an ellipsoid with the same covariance of voxel centres; the ratios are
    undefined, and left out, for a region without extent.
    """
    points = np.argwhere(mask) * np.array(spacing_mm)
    covariance = np.cov(points, rowvar=False)
    least, minor, major = 4 * np.sqrt(np.maximum(np.linalg.eigvalsh(covariance), 0))
    features = {
        "volume": float(len(points) * np.prod(spacing_mm)),
        "major_axis_length": float(major),
        "minor_axis_length": float(minor),
        "least_axis_length": float(least),
    }
    if major > 0:
        features |= {"elongation": float(minor / major), "flatness": float(least / major)}
    return features
