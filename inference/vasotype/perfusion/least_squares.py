"""Bounded nonlinear least squares for many small problems of one shape at once.

A Levenberg-Marquardt iteration (Marquardt 1963) whose every step treats all unfinished problems
together; parameters that sit at a bound and want to leave are held there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype.perfusion.series import Floats

Model = Callable[[Floats, NDArray[np.intp]], tuple[Floats, Floats]]
"""Parameters [P, V] and the numbers [V] of the problems -> values [T, V], Jacobian [P, T, V]."""

_ITERATIONS = 60
_STEP, _GAIN = 1e-7, 1e-12
"""A problem is finished when its step, or its gain in cost, falls below this share."""
_DAMPING, _EASE, _STIFFEN = 1e-3, 0.2, 5.0
_LOOSEST, _STIFFEST = 1e-10, 1e8


@dataclass(frozen=True)
class Solution:
    """``parameters`` [P, V], ``cost`` [V] sum of squares, ``normal`` [V, P, P] (J^T J)."""

    parameters: Floats
    cost: Floats
    normal: Floats


@dataclass
class _State:
    """Where every problem stands; ``gradient`` [P, V] is J^T r."""

    parameters: Floats
    cost: Floats
    gradient: Floats
    normal: Floats

    @classmethod
    def at(cls, parameters: Floats, data: Floats, value: Floats, jacobian: Floats) -> _State:
        residual = data - value
        return cls(
            parameters,
            np.einsum("tv,tv->v", residual, residual),
            np.einsum("ptv,tv->pv", jacobian, residual),
            np.einsum("ptv,qtv->vpq", jacobian, jacobian),
        )

    def of(self, chosen: NDArray[np.intp]) -> _State:
        return _State(
            self.parameters[:, chosen],
            self.cost[chosen],
            self.gradient[:, chosen],
            self.normal[chosen],
        )

    def put(self, chosen: NDArray[np.intp], other: _State) -> None:
        self.parameters[:, chosen] = other.parameters
        self.cost[chosen] = other.cost
        self.gradient[:, chosen] = other.gradient
        self.normal[chosen] = other.normal


def fit_bounded(
    model: Model, data: Floats, start: Floats, bounds: tuple[Floats, Floats]
) -> Solution:
    """Minimise the sum of squares of ``data`` [T, V] - model, problem by problem.

    ``start`` [P, V]; ``bounds`` are the lowest and highest values [P] for every problem.
    """
    low, high = bounds[0][:, None], bounds[1][:, None]
    active = np.arange(data.shape[1])
    parameters = np.clip(start, low, high)
    state = _State.at(parameters, data, *model(parameters, active))
    damping = np.full(len(active), _DAMPING)
    for _ in range(_ITERATIONS):
        now = state.of(active)
        step = _damped_step(now, damping[active], low, high)
        parameters = np.clip(now.parameters + step, low, high)
        trial = _State.at(parameters, data[:, active], *model(parameters, active))
        better = np.flatnonzero(trial.cost < now.cost)
        state.put(active[better], trial.of(better))
        factor = np.where(trial.cost < now.cost, _EASE, _STIFFEN)
        damping[active] = np.maximum(damping[active] * factor, _LOOSEST)
        moving = np.abs(parameters - now.parameters) > _STEP * np.abs(parameters)
        gaining = np.abs(now.cost - trial.cost) > _GAIN * now.cost
        active = active[moving.any(axis=0) & gaining & (damping[active] < _STIFFEST)]
        if not len(active):
            break
    return Solution(state.parameters, state.cost, state.normal)


def _damped_step(state: _State, damping: Floats, low: Floats, high: Floats) -> Floats:
    """Step [P, V] of the free parameters.

    The normal equations are scaled to a unit diagonal (Marquardt), so the damping keeps them
    solvable however different the parameters' units are.
    """
    p, towards = state.parameters, state.gradient
    free = ~(((p <= low) & (towards <= 0)) | ((p >= high) & (towards >= 0))).T
    scale = np.sqrt(np.einsum("vpp->vp", state.normal))
    free &= scale > 0
    scale = np.where(free, scale, 1.0)
    normal = state.normal / (scale[:, :, None] * scale[:, None, :])
    normal *= free[:, :, None] & free[:, None, :]
    np.einsum("vpp->vp", normal)[...] = 1 + damping[:, None]  # a view of the diagonal
    right = np.where(free, towards.T / scale, 0.0)
    step = np.linalg.solve(normal, right[:, :, None])[:, :, 0] / scale
    return np.asarray(step.T, dtype=np.float64)
