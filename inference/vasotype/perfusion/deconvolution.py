"""Flow from tissue curves and an arterial input, insensitive to delay (oSVD, Wu 2003).

A block-circulant matrix is diagonal in Fourier space and its singular values are the magnitudes
of its spectrum, so truncating them is a mask on frequencies and no decomposition is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vasotype.perfusion.series import Floats

OSCILLATION_INDEX = 0.035
Complexes = NDArray[np.complex128]

_BLOCK = 1024
"""Voxels at a time: their residue functions stay in the processor's cache."""
_TRUNCATIONS = np.geomspace(0.01, 1.0, 40)
"""Shares of the largest singular value below which others are dropped, tried in this order."""


def relative_flow(curves: Floats, arterial: Floats, step_s: float) -> Floats:
    """Peak of the residue function of ``curves`` [V, T] for ``arterial`` [T]; [V], 1/s.

    The smallest truncation is kept with which the residue oscillates less than the index allows.
    The peak underestimates flow by up to half, alike in all voxels of one study: only ratios
    between voxels mean something. NaN where a curve is not finite.
    """
    size = 2 * curves.shape[1]
    spectrum = step_s * fft.rfft(arterial, size)
    magnitude = np.abs(spectrum)
    kept = {int(k.sum()): k for k in magnitude >= magnitude.max() * _TRUNCATIONS[:, None]}
    inverses = [
        np.divide(1, spectrum, out=np.zeros_like(spectrum), where=kept[count])
        for count in sorted(kept, reverse=True)
    ]
    flow = np.full(len(curves), np.nan)
    finite = np.flatnonzero(np.isfinite(curves).all(axis=1))
    for start in range(0, len(finite), _BLOCK):
        voxels = finite[start : start + _BLOCK]
        flow[voxels] = _peaks(fft.rfft(curves[voxels], size, axis=1), inverses, size)
    return flow


def _peaks(tissue: Complexes, inverses: Sequence[Complexes], size: int) -> Floats:
    """Peak [V] of the residue functions of spectra [V, F] by the first inverse that is smooth."""
    peaks = np.zeros(len(tissue))
    open_ = np.arange(len(tissue))
    for inverse in inverses:
        residue = fft.irfft(tissue[open_] * inverse, size, axis=1)
        peaks[open_] = residue.max(axis=1)
        open_ = open_[_oscillation(residue) >= OSCILLATION_INDEX]
        if not len(open_):
            break
    return peaks


def _oscillation(residue: Floats) -> Floats:
    """Oscillation index [V] of residue functions [V, 2N]."""
    slopes = residue[:, 1:] - residue[:, :-1]
    bends = slopes[:, 1:] - slopes[:, :-1]
    total = np.abs(bends, out=bends).sum(axis=1)
    highest = np.maximum(residue.max(axis=1), -residue.min(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(highest > 0, total / highest / residue.shape[1], 0.0)
