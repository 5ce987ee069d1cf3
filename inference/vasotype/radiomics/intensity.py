"""IBSI features of intensities alone: statistics, and the histogram of grey levels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Levels = NDArray[np.int64]

CODES: Mapping[str, str] = {
    "mean": "Q4LE",
    "variance": "ECT3",
    "skewness": "KE2M",
    "excess_kurtosis": "IPH6",
    "median": "Y12H",
    "p10": "QG58",
    "p90": "8DWT",
    "interquartile_range": "SALO",
    "range": "2OJQ",
    "mean_absolute_deviation": "4FUA",
    "robust_mean_absolute_deviation": "1128",
    "histogram_entropy": "TLU2",
    "histogram_uniformity": "BJ5W",
}


def intensity_features(values: Values) -> dict[str, float]:
    """Statistics of intensities [N]; skewness and kurtosis are 0 where nothing varies."""
    mean, low, high = values.mean(), *np.percentile(values, (10, 90))
    centred = values - mean
    variance = float((centred**2).mean())
    inner = values[(values >= low) & (values <= high)]
    spread = max(variance, np.finfo(float).tiny)
    return {
        "mean": float(mean),
        "variance": variance,
        "skewness": float((centred**3).mean() / spread**1.5) if variance else 0.0,
        "excess_kurtosis": float((centred**4).mean() / spread**2 - 3) if variance else 0.0,
        "median": float(np.median(values)),
        "p10": float(low),
        "p90": float(high),
        "interquartile_range": float(np.subtract(*np.percentile(values, (75, 25)))),
        "range": float(np.ptp(values)),
        "mean_absolute_deviation": float(np.abs(centred).mean()),
        "robust_mean_absolute_deviation": float(np.abs(inner - inner.mean()).mean()),
    }


def histogram_features(levels: Levels) -> dict[str, float]:
    """Entropy (bit) and uniformity of grey levels [N]."""
    share = np.unique(levels, return_counts=True)[1] / len(levels)
    return {
        "histogram_entropy": float(-(share * np.log2(share)).sum()),
        "histogram_uniformity": float((share**2).sum()),
    }


def discretised(values: Values, bins: int) -> Levels:
    """Grey levels 1 to ``bins`` of intensities [N]: a fixed number of bins over their range.

    The choice for images in arbitrary units, as MRI is (IBSI, K15C).
    """
    low, high = float(values.min()), float(values.max())
    if high == low:
        return np.ones(len(values), np.int64)
    scaled = np.floor(bins * (values - low) / (high - low)).astype(np.int64) + 1
    return np.minimum(scaled, bins)
