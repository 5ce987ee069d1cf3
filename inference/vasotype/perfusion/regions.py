"""One fit for a whole brain: the input at each region's own delay, the model that its data bear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vasotype.perfusion.delay import estimate_delay, shifted
from vasotype.perfusion.fit import VE, KineticFit, fit_extended_tofts, fit_patlak
from vasotype.perfusion.series import Floats

PATLAK_BELOW_PER_MIN = 0.02
"""Below this Ktrans, return from tissue can't be measured and Patlak's model is the better one."""
EXTENDED_TOFTS, PATLAK = 1, 2
"""Values of the model map; 0 is no value."""


def fit_regions(
    curves: Floats, plasma: Floats, times_s: Floats, regions: NDArray[np.integer]
) -> tuple[KineticFit, NDArray[np.uint8], dict[int, float]]:
    """Fit ``curves`` [V, T], mM, region by region.

    ``regions`` [V] numbers the lesions, 0 is the rest. Returns the fit, the model of each voxel
    [V] and the delay of each region, s, taken from its mean curve.
    """
    fit, model = KineticFit.none(len(curves)), np.zeros(len(curves), np.uint8)
    delays: dict[int, float] = {}
    finite = np.isfinite(curves).all(axis=1)
    for region in np.unique(regions[finite]):
        chosen = np.flatnonzero((regions == region) & finite)
        own = curves[chosen]
        delay = float(estimate_delay(own.mean(axis=0)[None], plasma, times_s)[0])
        delays[int(region)] = delay
        part, model[chosen] = choose_model(own, shifted(plasma, times_s, delay), times_s)
        fit.put(chosen, part)
    return fit, model, delays


def choose_model(
    curves: Floats, plasma: Floats, times_s: Floats
) -> tuple[KineticFit, NDArray[np.uint8]]:
    """The extended Tofts fit of finite ``curves`` [V, T], or Patlak's, and which it is [V].

    Patlak's is taken where ve ends at its bound or Ktrans lies below 0.02 per minute.
    """
    fit, exchange = (f(curves, plasma, times_s) for f in (fit_patlak, fit_extended_tofts))
    inside = (exchange.ve > VE[0]) & (exchange.ve < VE[1])
    better = inside & (exchange.ktrans_per_min >= PATLAK_BELOW_PER_MIN)
    fit.put(np.flatnonzero(better), exchange.of(np.flatnonzero(better)))
    return fit, np.where(better, EXTENDED_TOFTS, PATLAK).astype(np.uint8)
