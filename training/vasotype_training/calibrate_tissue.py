"""Calibration of voxel probabilities near lesions: one slope and a bias for each tissue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import minimize
from scipy.special import log_softmax
from vasotype.engine.tissue_calibration import LEAST
from vasotype_models.contract import ET, NETC, TISSUES, TissueScaling

from vasotype_training.evaluate.outlines import NEAR_MM

SHARE = 0.1
"""Share of the voxels near lesions that is taken, of each study alike: figures count voxels, so
a large lesion speaks louder than a small one."""


@dataclass(frozen=True)
class TissueSample:
    """Voxels near lesions: the network's probabilities [4, N] and true labels [N]."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]


def sample_tissue(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.uint8],
    brain: NDArray[np.bool_],
    rng: np.random.Generator,
) -> TissueSample:
    """Random voxels near the lesions of one study on a 1 mm grid; none where it has no lesion.

    ``probabilities`` [4, X, Y, Z], ``labels`` and ``brain`` [X, Y, Z].
    """
    core = np.isin(labels, (NETC, ET)) | (probabilities[[NETC, ET]].sum(axis=0) >= 0.5)
    near = np.flatnonzero(brain & (ndimage.distance_transform_edt(~core) <= NEAR_MM))
    if not core.any():
        near = near[:0]
    near = near[rng.random(len(near)) < SHARE]
    flat = probabilities.reshape(len(TISSUES), -1)
    return TissueSample(flat[:, near].astype(np.float32), labels.reshape(-1)[near])


def fit_tissue(samples: Sequence[TissueSample]) -> TissueScaling:
    """The scaling of least negative log-likelihood over all voxels.

    Raises ValueError where a tissue is missing.
    """
    p = np.concatenate([sample.probabilities for sample in samples], axis=1).T
    truth = np.concatenate([sample.labels for sample in samples]).astype(np.int64)
    present = np.bincount(truth, minlength=len(TISSUES))
    if not present.all():
        raise ValueError(f"no voxel of {TISSUES[int(present.argmin())]} to calibrate on")
    logits = np.log(np.maximum(p, LEAST)).astype(np.float64)
    hot = np.eye(len(TISSUES))[truth]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        answer = log_softmax(flat[0] * logits + np.append(0.0, flat[1:]), axis=1)
        error = (np.exp(answer) - hot) / len(truth)
        slope = float((error * logits).sum())
        return float(-(hot * answer).sum() / len(truth)), np.append(slope, error[:, 1:].sum(axis=0))

    start = np.array([1.0, 0.0, 0.0, 0.0])
    bounds = [(0.05, 5.0)] + [(-10.0, 10.0)] * 3
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    slope, first, second, third = (round(float(v), 4) for v in found)
    return TissueScaling(slope=slope, bias=(0.0, first, second, third))
