"""Flow from tissue curves and an arterial input, insensitive to delay (oSVD, Wu 2003).

A block-circulant matrix is diagonal in Fourier space and its singular values are the magnitudes
of its spectrum, so truncating them is a mask on frequencies and no decomposition is needed.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from vasotype.perfusion.series import Floats

OSCILLATION_INDEX = 0.035
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
    flow = np.full(len(curves), np.nan)
    open_ = np.flatnonzero(np.isfinite(curves).all(axis=1))
    tissue = fft.rfft(curves[open_], size, axis=1)
    previous = -1
    for truncation in _TRUNCATIONS:
        keep = magnitude >= truncation * magnitude.max()
        if keep.sum() == previous:
            continue
        previous = int(keep.sum())
        inverse = np.divide(1, spectrum, out=np.zeros_like(spectrum), where=keep)
        residue = fft.irfft(tissue * inverse, size, axis=1)
        peak = residue.max(axis=1)
        flow[open_] = peak
        rough = _oscillation(residue) >= OSCILLATION_INDEX
        open_, tissue = open_[rough], tissue[rough]
        if not len(open_):
            break
    return flow


def _oscillation(residue: Floats) -> Floats:
    """Oscillation index [V] of residue functions [V, 2N]."""
    bends = np.abs(np.diff(residue, 2, axis=1)).sum(axis=1)
    highest = np.abs(residue).max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(highest > 0, bends / highest / residue.shape[1], 0.0)
