"""Location and scale of the structural channels, as the model's contract asks for them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from vasotype_models.contract import CHANNELS, STRUCTURAL

from vasotype.stages import Array, Mask

CENTRAL_90_TO_SD = 3.3
"""Width of the central 90 % of a normal distribution, in standard deviations."""
SMALLEST_SCALE = 1e-6


def intensity_stats(image: Array, inside: Mapping[str, Mask]) -> Array:
    """Location and scale of each channel of ``image`` [7, X, Y, Z], float32 [7, 2].

    Median and (p95 - p5) / 3.3 over ``inside``, the brain voxels [X, Y, Z] that the channel
    covers. Channels that are not in ``inside``, and all quantitative ones, get 0 and 1.
    """
    stats = np.tile(np.array([0, 1], dtype=np.float32), (len(CHANNELS), 1))
    for channel in STRUCTURAL:
        if channel not in inside or not inside[channel].any():
            continue
        index = CHANNELS.index(channel)
        low, middle, high = np.percentile(image[index][inside[channel]], [5, 50, 95])
        stats[index] = middle, max((high - low) / CENTRAL_90_TO_SD, SMALLEST_SCALE)
    return stats
