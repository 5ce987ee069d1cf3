"""The arterial input: Parker's population curve, and arteries found in a DSC series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vasotype.findings import StudyError
from vasotype.perfusion.bolus import arrival, first_pass_width
from vasotype.perfusion.series import Floats

SECONDS = 60.0
HAEMATOCRIT = 0.42
PARKER_DOSE_MMOL_PER_KG = 0.1

SATURATED_SHARE = 0.05
"""An artery whose signal falls below this share of its baseline has lost its peak to noise."""
ROUGHEST_SHARE, EARLIEST_SHARE, HIGHEST_SHARE = 0.25, 0.10, 0.05
LEAST_ARTERIES, MOST_ARTERIES = 5, 30


def parker_blood(times_s: Floats, arrival_s: float = 0.0, dose: float = 0.1) -> Floats:
    """Whole-blood concentration, mM, of the population input (Parker 2006; OSIPI M.IC2.001).

    Zero before ``arrival_s``; scaled to ``dose`` in mmol/kg.
    """
    t = (np.asarray(times_s) - arrival_s) / SECONDS
    gaussians = sum(
        area / (sigma * np.sqrt(2 * np.pi)) * np.exp(-((t - centre) ** 2) / (2 * sigma**2))
        for area, centre, sigma in ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132))
    )
    late = np.maximum(t, 0)  # before arrival the exponentials would only overflow
    washout = 1.050 * np.exp(-0.1685 * late) / (1 + np.exp(-38.078 * (late - 0.483)))
    return np.where(t >= 0, gaussians + washout, 0.0) * dose / PARKER_DOSE_MMOL_PER_KG


def plasma_from_blood(blood: Floats, haematocrit: float = HAEMATOCRIT) -> Floats:
    """Plasma concentration of a whole-blood concentration: cells hold no contrast agent."""
    return blood / (1 - haematocrit)


def find_arteries(
    curves: Floats, lowest_share: Floats, times_s: Floats, bolus_s: float
) -> NDArray[np.intp]:
    """Numbers of 5 to 30 voxels that look most like arteries of a DSC series.

    ``curves`` [V, T] are changes of R2*, 1/s; ``lowest_share`` [V] is the smallest signal over its
    baseline; the bolus begins at ``bolus_s``. Arteries are smooth and not saturated, and among the
    well perfused voxels early, high and narrow; the best have the largest
    peak / (time to peak x width).

    Raises StudyError ``aif-saturated`` or ``aif-not-found`` where fewer than 5 remain.
    """
    saturated = lowest_share < SATURATED_SHARE
    usable = np.flatnonzero(np.isfinite(curves).all(axis=1) & ~saturated)
    chosen = usable[_look_arterial(curves[usable], times_s)] if len(usable) else usable
    if len(chosen) < LEAST_ARTERIES:
        lost = int(saturated.sum())
        code = "aif-saturated" if lost >= LEAST_ARTERIES else "aif-not-found"
        raise StudyError(
            code,
            f"{len(chosen)} voxels look like arteries, at least {LEAST_ARTERIES} are needed; "
            f"{lost} were left out because their signal falls below {SATURATED_SHARE:.0%}",
        )
    best = curves[chosen]
    to_peak = np.maximum(times_s[best.argmax(axis=1)] - bolus_s, times_s[1] - times_s[0])
    score = best.max(axis=1) / (to_peak * first_pass_width(best, times_s))
    best_first: NDArray[np.intp] = chosen[np.argsort(-score)[:MOST_ARTERIES]]
    return best_first


def _look_arterial(curves: Floats, times_s: Floats) -> NDArray[np.bool_]:
    peak = curves.max(axis=1)
    perfused: NDArray[np.bool_] = peak > max(float(np.median(peak)), 0.0)
    if not perfused.any():
        return perfused
    bends = np.abs(np.diff(curves, 2, axis=1)).sum(axis=1)
    roughness = np.divide(bends, peak, out=np.full_like(peak, np.inf), where=peak > 0)
    perfused &= roughness <= np.quantile(roughness[peak > 0], 1 - ROUGHEST_SHARE)
    if not perfused.any():
        return perfused
    begin, width = arrival(curves, times_s), first_pass_width(curves, times_s)
    early = begin <= np.quantile(begin[perfused], EARLIEST_SHARE)
    narrow = width < np.median(width[perfused])
    high = peak > np.quantile(peak, 1 - HIGHEST_SHARE)
    perfused &= early & narrow & high
    return perfused
