"""Whether a lesion and its images look like what the calibration saw."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from vasotype_models.contract import CHANNELS, STRUCTURAL, Density

from vasotype.boxes import Box
from vasotype.phenotype.features import Features, scaled
from vasotype.stages import Array, Mask, Prepared

LEAST_VOXELS = 200
"""Brain voxels outside the tumor that such a judgement needs. Ours."""
TO_SIGMA = 1.4826
"""Median absolute deviation of normal noise to its standard deviation."""


def image_statistics(prepared: Prepared, box: Box, tumor: Mask) -> dict[str, float]:
    """Noise, sharpness and brightness of the structural images about one lesion.

    ``tumor`` [X, Y, Z] is its mask in its region, the ``box`` of the prepared grid. Of each
    sequence, in the brain's scale: the noise, the coarsest direction's share of fine detail (low
    with thick slices), the spread of the surrounding brain, and the tumor's mean.
    """
    brain = ndimage.binary_erosion(prepared.mask[box]) & ~tumor
    values: dict[str, float] = {}
    for channel in STRUCTURAL:
        index = CHANNELS.index(channel)
        if not prepared.present[index] or brain.sum() < LEAST_VOXELS:
            continue
        location, scale = prepared.stats[index]
        image = (prepared.image[(index, *box)] - location) / max(float(scale), 1e-6)
        noise, sharpness = _texture(image, brain)
        values[f"{channel}_noise"] = noise
        values[f"{channel}_anisotropy"] = sharpness
        values[f"{channel}_spread"] = float(np.subtract(*np.percentile(image[brain], (90, 10))))
        values[f"{channel}_tumor"] = float(image[tumor].mean())
    return values


def _texture(image: Array, brain: Mask) -> tuple[float, float]:
    """Strength of the finest detail, and that of the smoothest axis over the mean of all.

    Fine detail along an axis is the second difference: noise and edges have it, smooth anatomy
    has little.
    """
    strengths = []
    for axis in range(3):
        second = ndimage.convolve1d(image, [-0.5, 1.0, -0.5], axis=axis, mode="nearest")
        strengths.append(TO_SIGMA * float(np.median(np.abs(second[brain]))) + 1e-4)
    return max(strengths), min(strengths) / float(np.mean(strengths))


def novelty_score(density: Density, features: Features) -> float | None:
    """How unusual a lesion is: (d2 - k) / sqrt(2 k) over the k features that it has.

    d2 is the squared Mahalanobis distance in the marginal density of those features, so that
    nothing is filled in; lesions as calibrated on score about 0 whatever k is. None where the
    lesion has none of the features.
    """
    values = [scaled(feature, features) for feature in density.features]
    known = [n for n, value in enumerate(values) if value is not None]
    if not known:
        return None
    z = np.array([values[n] for n in known], np.float64)
    covariance = np.array(density.covariance)[np.ix_(known, known)]
    squared = float(z @ np.linalg.solve(covariance, z))
    return (squared - len(known)) / float(np.sqrt(2 * len(known)))
