"""Leakage correction of DSC curves (Boxerman, Schmainda and Weisskoff 2006; OSIPI M.LC1.001)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasotype.perfusion.convolution import cumulative_trapezoid
from vasotype.perfusion.series import Floats


@dataclass(frozen=True)
class LeakageCorrection:
    """``k1`` [V] share of the reference curve (Q.LC1.001); ``k2_per_s`` [V] (Q.LC1.002).

    K2 > 0 is T1 leakage, K2 < 0 T2* leakage. ``area`` and ``uncorrected_area`` [V] are the areas
    under the curves with and without the leakage taken out: proportional to blood volume.
    """

    k1: Floats
    k2_per_s: Floats
    area: Floats
    uncorrected_area: Floats


def correct_leakage(curves: Floats, reference: Floats, times_s: Floats) -> LeakageCorrection:
    """Fit ``curves`` [V, T] by K1 R(t) - K2 integral of R and take the leakage term out.

    Changes of R2*, 1/s, of the frames from bolus start to end; ``reference`` [T] is the mean
    curve R of brain without leakage.
    """
    leaked = cumulative_trapezoid(reference, times_s)
    design = np.stack([reference, -leaked], axis=1)
    k1, k2 = np.linalg.solve(design.T @ design, design.T @ curves.T)
    weights = _trapezoid_weights(times_s)
    area = curves @ weights
    return LeakageCorrection(k1, k2, area + k2 * (leaked @ weights), area)


def _trapezoid_weights(times_s: Floats) -> Floats:
    steps = np.diff(times_s)
    return np.asarray((np.append(steps, 0.0) + np.append(0.0, steps)) / 2)
