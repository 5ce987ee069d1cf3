"""Texture and contrast of a tumor and of the tissue around it, as numbers with a meaning.

Definitions are ours. All are measured on a 1 mm grid in normalised units and, but for those of
level, do not change when an image is scaled, so that they say how a tumor lies in its image.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.stages import Mask
from vasotype_models.contract import ET, NETC, STRUCTURAL

Array = NDArray[np.float32]
Features = dict[str, float]

EDGE_MM = 1.5
"""A border is what lies this close to it, on either side."""
AROUND_MM = (2.5, 7.5)
"""Surroundings: this far outside the tumor; its inside begins as deep, where the border ends."""
FINE_MM, COARSE_MM = 1.0, 2.5
"""Gaussian scales: structure below the first is fine, between them coarse."""
LEAST_VOXELS = 30
"""Fewer tell nothing of a texture."""


def tumor_features(images: Mapping[str, Array], tissue: NDArray[np.uint8], own: Mask) -> Features:
    """Features of one tumor core ``own`` [X, Y, Z] among the labels ``tissue``.

    For each sequence: contrast to the surroundings, sharpness of the border (slope over contrast,
    1/mm), fine structure inside over outside, its fine over its coarse structure, spread; then how
    sequences go together inside the tumor, and the share of the core that does not enhance. A
    feature that can't be measured is nan.
    """
    distance = ndimage.distance_transform_edt(~own) - ndimage.distance_transform_edt(own) + 0.5
    inside = own & (distance < -AROUND_MM[0])
    if inside.sum() < LEAST_VOXELS:
        inside = own
    outside = (distance > AROUND_MM[0]) & (distance <= AROUND_MM[1]) & (tissue == 0)
    border = np.abs(distance) <= EDGE_MM
    features: Features = {"non-enhancing share": float((tissue[own] == NETC).mean())}
    for name, image in images.items():
        features |= _of_channel(name, image, (inside, outside & (image != 0), border))
    if {"t1", "t1c"} <= set(images):
        gain = (images["t1c"] - images["t1"])[own & (tissue == ET)]
        features["T1c - T1, mean of ET"] = float(gain.mean()) if gain.size else float("nan")
        features["T1c - T1, spread of ET"] = float(gain.std()) if gain.size else float("nan")
    return features | _between(images, inside, "inside")


def tissue_features(images: Mapping[str, Array], around: Mask) -> Features:
    """Features of tissue alone, such as that beside a tumor: fine structure, scale, relations."""
    features: Features = {}
    for name, image in images.items():
        fine, coarse = _structure(image)
        features[f"{name}: fine structure"] = _spread(fine[around])
        features[f"{name}: fine over coarse structure"] = _ratio(
            _spread(fine[around]), _spread(coarse[around])
        )
        slope = np.sqrt(sum(g**2 for g in np.gradient(image)))
        features[f"{name}: slope"] = float(slope[around].mean()) if around.any() else float("nan")
    return features | _between(images, around, "around")


def _of_channel(name: str, image: Array, masks: tuple[Mask, Mask, Mask]) -> Features:
    inside, outside, border = masks
    fine, coarse = _structure(image)
    if inside.sum() < LEAST_VOXELS or outside.sum() < LEAST_VOXELS:
        return {}
    contrast = float(np.median(image[inside]) - np.median(image[outside]))
    slope = np.sqrt(sum(g**2 for g in np.gradient(image)))
    return {
        f"{name}: contrast": contrast,
        f"{name}: sharpness of the border": _ratio(
            float(np.quantile(slope[border], 0.8)), max(abs(contrast), 0.3)
        ),
        f"{name}: fine structure, inside over outside": _ratio(
            _spread(fine[inside]), _spread(fine[outside])
        ),
        f"{name}: fine over coarse structure": _ratio(
            _spread(fine[inside]), _spread(coarse[inside])
        ),
        f"{name}: spread inside": float(image[inside].std()),
    }


def _structure(image: Array) -> tuple[Array, Array]:
    """What is finer than the first scale, and what lies between the two."""
    smooth = ndimage.gaussian_filter(image, FINE_MM)
    return image - smooth, smooth - ndimage.gaussian_filter(image, COARSE_MM)


def _between(images: Mapping[str, Array], where: Mask, words: str) -> Features:
    """Correlation of each pair of sequences."""
    names = [name for name in STRUCTURAL if name in images]
    features: Features = {}
    if where.sum() < LEAST_VOXELS:
        return features
    for n, first in enumerate(names):
        for second in names[n + 1 :]:
            a, b = images[first][where], images[second][where]
            flat = a.std() < 1e-6 or b.std() < 1e-6
            value = float("nan") if flat else float(np.corrcoef(a, b)[0, 1])
            features[f"{first} with {second}, {words}"] = value
    return features


def _spread(values: Array) -> float:
    """Standard deviation of a normal distribution with the same quartiles."""
    if values.size < LEAST_VOXELS:
        return float("nan")
    low, high = np.percentile(values, (25, 75))
    return float(high - low) / 1.349


def _ratio(over: float, under: float) -> float:
    """Logarithm of a ratio of positive numbers."""
    return float(np.log(max(over, 1e-4) / max(under, 1e-4)))
