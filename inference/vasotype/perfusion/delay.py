"""How much later (or earlier) than the measured artery the contrast reaches the tissue."""

from __future__ import annotations

import numpy as np

from vasotype.perfusion.fit import profile_cost
from vasotype.perfusion.series import Floats

DELAYS_S = np.arange(-10.0, 10.5, 0.5)


def shifted(curve: Floats, times_s: Floats, delay_s: float) -> Floats:
    """``curve`` [T] arriving ``delay_s`` later (earlier where negative); ends are held."""
    return np.interp(times_s - delay_s, times_s, curve)


def estimate_delay(
    curves: Floats, plasma: Floats, times_s: Floats, *, with_plasma: bool = True
) -> Floats:
    """Delay [V], s, of each of ``curves`` [V, T], mM, behind ``plasma`` [T], mM (OSIPI Q.PH1.007).

    The shift of the input, -10 to 10 s, with which the extended Tofts model (Tofts' own without
    ``with_plasma``) fits best: a grid of half seconds, refined by a parabola through the best
    shift and its neighbours.
    """
    data = np.ascontiguousarray(curves.T, dtype=np.float64)
    inputs = [shifted(plasma, times_s, delay) for delay in DELAYS_S]
    cost = np.stack([profile_cost(data, p, times_s, with_plasma=with_plasma) for p in inputs])
    best = np.clip(cost.argmin(axis=0), 1, len(DELAYS_S) - 2)
    before, here, after = (np.take_along_axis(cost, best[None] + i, 0)[0] for i in (-1, 0, 1))
    bend = before - 2 * here + after
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.where(bend > 0, (before - after) / (2 * bend), 0.0)
    return np.asarray(DELAYS_S[best] + np.clip(offset, -1, 1) * (DELAYS_S[1] - DELAYS_S[0]))
