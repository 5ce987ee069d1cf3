"""Fits of the kinetic models to concentration curves, all voxels at once, with their quality.

The starting point is found, not assumed: for a fixed rate k = Ktrans/ve the models are linear, so
one dictionary of convolutions of the input, over a grid of k, gives every voxel its best start
(variable projection, Golub and Pereyra 1973). A bounded least-squares fit goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vasotype.perfusion.convolution import (
    cumulative_trapezoid,
    exponential_convolution,
    exponential_convolution_with_slope,
)
from vasotype.perfusion.least_squares import fit_bounded
from vasotype.perfusion.series import Floats

SECONDS = 60.0
"""In a minute: rates are 1/s inside and 1/min in results."""
KTRANS_PER_MIN = (0.0, 5.0)
VE = (0.001, 1.0)
VP = (0.0, 1.0)
_RATES_PER_S = np.geomspace(1e-4, 1.0, 40)
_FINE_RATES_PER_S = np.geomspace(1e-4, 1.0, 200)
"""Fine enough that a wrong rate is never mistaken for a delay."""
_CHUNK = 4096
"""Voxels that are fitted together: their curves stay in the processor's cache."""


@dataclass(frozen=True)
class KineticFit:
    """Parameters and quality of a fit, each [V]; NaN where a curve held no number.

    ``ktrans_per_min`` (of a Patlak fit its slope, PS); ``ve`` and ``vp`` fractions, NaN where the
    model has none; ``rmse_mm``; ``r_squared`` 0-1, negative where a constant fits better;
    ``relative_error`` is the standard error of Ktrans over Ktrans; ``at_bound`` says that a
    parameter ended at, or beyond, what is possible.
    """

    ktrans_per_min: Floats
    ve: Floats
    vp: Floats
    rmse_mm: Floats
    r_squared: Floats
    relative_error: Floats
    at_bound: NDArray[np.bool_]

    @classmethod
    def none(cls, voxels: int) -> KineticFit:
        """A fit without values, to be filled by :meth:`put`."""
        a, b, c, d, e, f = np.full((6, voxels), np.nan)
        return cls(a, b, c, d, e, f, np.zeros(voxels, dtype=bool))

    def of(self, chosen: NDArray[np.intp]) -> KineticFit:
        """The values of some voxels."""
        return KineticFit(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def put(self, chosen: NDArray[np.intp], other: KineticFit) -> None:
        """Replace the values of some voxels by those of another fit of as many."""
        for f in fields(self):
            getattr(self, f.name)[chosen] = getattr(other, f.name)


_Solve = Callable[[Floats], tuple[Floats, Floats, Floats, NDArray[np.bool_]]]
"""Curves [T, V] -> parameters [3, V] (Ktrans 1/s, ve, vp), cost, SE of Ktrans in 1/s, at bound."""


def fit_tofts(curves: Floats, plasma: Floats, times_s: Floats) -> KineticFit:
    """Fit Tofts' model to ``curves`` [V, T], mM, with ``plasma`` [T], mM."""
    return _fit(curves, lambda data: _fit_exchange(data, plasma, times_s, with_plasma=False), 2)


def fit_extended_tofts(curves: Floats, plasma: Floats, times_s: Floats) -> KineticFit:
    """Fit the extended Tofts model to ``curves`` [V, T], mM, with ``plasma`` [T], mM."""
    return _fit(curves, lambda data: _fit_exchange(data, plasma, times_s, with_plasma=True), 3)


def fit_patlak(curves: Floats, plasma: Floats, times_s: Floats) -> KineticFit:
    """Fit Patlak's model to ``curves`` [V, T], mM; linear, so noise may make values negative."""
    return _fit(curves, lambda data: _fit_uptake(data, plasma, times_s), 2)


def profile_cost(
    curves: Floats, plasma: Floats, times_s: Floats, *, with_plasma: bool = True
) -> Floats:
    """Sum of squares [V] that the best (extended) Tofts model of the dictionary leaves.

    ``curves`` [T, V]; a quick measure of how well an input curve explains them.
    """
    rates = _FINE_RATES_PER_S
    return _best_start(curves, plasma, times_s, rates, with_plasma=with_plasma)[1]


def _fit(curves: Floats, solve: _Solve, parameters: int) -> KineticFit:
    """Fit the finite curves chunk by chunk and add what the residuals say."""
    voxels, frames = curves.shape
    found = np.full((5, voxels), np.nan)
    at_bound = np.zeros(voxels, dtype=bool)
    spread = np.full(voxels, np.nan)
    finite = np.flatnonzero(np.isfinite(curves).all(axis=1))
    for begin in range(0, len(finite), _CHUNK):
        chosen = finite[begin : begin + _CHUNK]
        data = np.ascontiguousarray(curves[chosen].T, dtype=np.float64)
        values, cost, error, at_bound[chosen] = solve(data)
        found[:3, chosen], found[3, chosen], found[4, chosen] = values, cost, error
        spread[chosen] = ((data - data.mean(axis=0)) ** 2).sum(axis=0)
    ktrans, ve, vp, cost, error = found
    noise = np.sqrt(cost / (frames - parameters))
    with np.errstate(divide="ignore", invalid="ignore"):
        return KineticFit(
            ktrans_per_min=ktrans * SECONDS,
            ve=ve,
            vp=vp,
            rmse_mm=np.sqrt(cost / frames),
            r_squared=1 - cost / spread,
            relative_error=noise * error / np.abs(ktrans),
            at_bound=at_bound,
        )


def _fit_exchange(
    data: Floats, plasma: Floats, times_s: Floats, *, with_plasma: bool
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    count = 3 if with_plasma else 2

    def model(p: Floats, _: NDArray[np.intp]) -> tuple[Floats, Floats]:
        ktrans, ve = p[0], p[1]
        rate = ktrans / ve
        kernel, slope = exponential_convolution_with_slope(plasma, times_s, rate)
        value = ktrans * kernel
        jacobian = np.empty((count, *value.shape))
        jacobian[0] = kernel + rate * slope
        jacobian[1] = -(rate**2) * slope
        if with_plasma:
            jacobian[2] = plasma[:, None]
            value += p[2] * plasma[:, None]
        return value, jacobian

    limits = np.array([np.array(KTRANS_PER_MIN) / SECONDS, VE, VP][:count])
    start, _ = _best_start(data, plasma, times_s, _RATES_PER_S, with_plasma=with_plasma)
    solution = fit_bounded(model, data, start[:count], (limits[:, 0], limits[:, 1]))
    p = solution.parameters
    variance = np.linalg.pinv(solution.normal, hermitian=True)[:, 0, 0]
    at_bound = np.any((p <= limits[:, :1]) | (p >= limits[:, 1:]), axis=0)
    if not with_plasma:
        p = np.concatenate([p, np.full((1, p.shape[1]), np.nan)])
    return p, solution.cost, np.sqrt(variance), at_bound


def _fit_uptake(
    data: Floats, plasma: Floats, times_s: Floats
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    design = np.stack([cumulative_trapezoid(plasma, times_s), plasma], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    ps, vp = inverse @ (design.T @ data)
    cost = ((data - design @ np.stack([ps, vp])) ** 2).sum(axis=0)
    outside = (ps > KTRANS_PER_MIN[1] / SECONDS) | (vp > VP[1])
    error = np.full_like(ps, np.sqrt(inverse[0, 0]))
    return np.stack([ps, np.full_like(ps, np.nan), vp]), cost, error, outside


def _best_start(
    data: Floats, plasma: Floats, times_s: Floats, rates: Floats, *, with_plasma: bool
) -> tuple[Floats, Floats]:
    """Ktrans (1/s), ve, vp [3, V] and cost [V] of the best possible pair over the grid of rates."""
    kernels = exponential_convolution(plasma, times_s, rates)  # [T, K]
    k = rates[:, None]
    low, high = VE[0] * k, np.minimum(VE[1] * k, KTRANS_PER_MIN[1] / SECONDS)
    bb = (kernels**2).sum(axis=0)[:, None]
    bp = (kernels.T @ plasma)[:, None]
    pp = plasma @ plasma
    bc, pc = kernels.T @ data, plasma @ data
    if with_plasma:
        ktrans = np.clip((pp * bc - bp * pc) / (pp * bb - bp**2), low, high)
        vp = np.clip((pc - ktrans * bp) / pp, *VP)
        ktrans = np.clip((bc - vp * bp) / bb, low, high)
    else:
        ktrans = np.clip(bc / bb, low, high)
        vp = np.zeros_like(ktrans)
    cost = ktrans**2 * bb + vp**2 * pp + 2 * (ktrans * vp * bp - ktrans * bc - vp * pc)
    best = cost.argmin(axis=0)
    voxel = np.arange(data.shape[1])
    ktrans, vp = ktrans[best, voxel], vp[best, voxel]
    start = np.stack([ktrans, ktrans / rates[best], vp])
    return start, cost[best, voxel] + (data**2).sum(axis=0)
