"""R1 from spoiled gradient echo images of several flip angles (variable flip angle method)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vasotype.perfusion.least_squares import fit_bounded
from vasotype.perfusion.series import Floats
from vasotype.perfusion.signal import spgr_signal

R1_PER_S = (1e-4, 500.0)
_START_R1_PER_S = 1 / 1.4
_CHUNK = 65536


def r1_linear(signal: Floats, angles: Floats, repetition_time_s: float) -> Floats:
    """R1 [V], 1/s, from signals [A, V] by a straight line through S/tan(a) and S/sin(a).

    ``angles`` [A] or, where the transmit field is known, [A, V], in radians. NaN where the line's
    slope, exp(-TR R1), is not between 0 and 1 (Gupta 1977).
    """
    angles = angles.reshape(len(angles), -1)
    y, x = signal / np.sin(angles), signal / np.tan(angles)
    x = x - x.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (x * y).sum(axis=0) / (x**2).sum(axis=0)
        return np.where((slope > 0) & (slope < 1), -np.log(slope) / repetition_time_s, np.nan)


def r1_nonlinear(signal: Floats, angles: Floats, repetition_time_s: float) -> Floats:
    """R1 [V], 1/s, by least squares on the signals [A, V] themselves, 1e-4 to 500 1/s.

    Unlike :func:`r1_linear` it does not weight the noise of small signals up. NaN where a signal
    or an angle is missing, all are zero, or R1 ends at a bound.
    """
    angles = np.broadcast_to(angles.reshape(len(angles), -1), signal.shape)
    r1 = np.full(signal.shape[1], np.nan)
    known = np.isfinite(signal).all(axis=0) & np.isfinite(angles).all(axis=0)
    usable = np.flatnonzero(known & (signal > 0).any(axis=0))
    for begin in range(0, len(usable), _CHUNK):
        chosen = usable[begin : begin + _CHUNK]
        r1[chosen] = _refine(signal[:, chosen], angles[:, chosen], repetition_time_s)
    return r1


def _refine(signal: Floats, angles: Floats, tr: float) -> Floats:
    signal = signal.astype(np.float64)
    linear = r1_linear(signal, angles, tr)
    start = np.where(np.isfinite(linear), linear, _START_R1_PER_S)
    unit = spgr_signal(np.ones(1), start, tr, angles)
    m0 = (unit * signal).sum(axis=0) / (unit**2).sum(axis=0)

    def model(p: Floats, chosen: NDArray[np.intp]) -> tuple[Floats, Floats]:
        a = angles[:, chosen]
        e1 = np.exp(-tr * p[1])
        per_m0 = spgr_signal(np.ones(1), p[1], tr, a)
        slope = p[0] * np.sin(a) * (1 - np.cos(a)) / (1 - np.cos(a) * e1) ** 2 * tr * e1
        return p[0] * per_m0, np.stack([per_m0, slope])

    bounds = np.array([0.0, R1_PER_S[0]]), np.array([np.inf, R1_PER_S[1]])
    r1 = fit_bounded(model, signal, np.stack([m0, start]), bounds).parameters[1]
    return np.where((r1 > R1_PER_S[0]) & (r1 < R1_PER_S[1]), r1, np.nan)
