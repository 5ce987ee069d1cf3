"""Convolution with a decaying exponential, exact for curves that are linear between samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasotype.perfusion.series import Floats

_SMALL = 1e-3
"""Below this rate times step the closed forms lose digits, and their series are used."""
_SAME_STEP_S = 1e-9


@dataclass(frozen=True)
class _Weights:
    """What a step takes over: y_i = decay y_(i-1) + level c_(i-1) + rise (c_i - c_(i-1)).

    Each with its derivative by the rate.
    """

    decay: Floats
    level: Floats
    rise: Floats
    d_decay: Floats
    d_level: Floats
    d_rise: Floats


def exponential_convolution(curve: Floats, times_s: Floats, rate_per_s: Floats) -> Floats:
    """Integral over u of curve(u) exp(-rate (t - u)), from the first sample to t.

    ``curve`` [T] or [T, V], ``times_s`` [T] increasing, ``rate_per_s`` [V] >= 0; returns [T, V] in
    units of curve times s. A rate of 0 gives the trapezoid integral.
    """
    return _recursion(curve, times_s, rate_per_s, False)[0]


def exponential_convolution_with_slope(
    curve: Floats, times_s: Floats, rate_per_s: Floats
) -> tuple[Floats, Floats]:
    """:func:`exponential_convolution` and its derivative by the rate, each [T, V]."""
    return _recursion(curve, times_s, rate_per_s, True)


def cumulative_trapezoid(curve: Floats, times_s: Floats) -> Floats:
    """Running integral along the last axis, 0 at the first sample; same shape as ``curve``."""
    steps = np.diff(times_s) * (curve[..., 1:] + curve[..., :-1]) / 2
    return np.concatenate([np.zeros_like(curve[..., :1]), np.cumsum(steps, axis=-1)], axis=-1)


def _recursion(
    curve: Floats, times_s: Floats, rate_per_s: Floats, with_slope: bool
) -> tuple[Floats, Floats]:
    value = np.zeros((len(times_s), len(rate_per_s)))
    slope = np.zeros_like(value) if with_slope else value
    length = 0.0
    for i, step in enumerate(np.diff(times_s)):
        if abs(step - length) > _SAME_STEP_S:  # most series have one step, so this runs once
            length = float(step)
            w = _weights(rate_per_s, length)
        rise = curve[i + 1] - curve[i]
        value[i + 1] = w.decay * value[i] + w.level * curve[i] + w.rise * rise
        if with_slope:
            slope[i + 1] = (
                w.decay * slope[i] + w.d_decay * value[i] + w.d_level * curve[i] + w.d_rise * rise
            )
    return value, slope


def _weights(rate_per_s: Floats, step_s: float) -> _Weights:
    x = rate_per_s * step_s
    small = x < _SMALL
    safe = np.where(small, 1.0, x)
    decay = np.exp(-x)
    level = np.where(small, 1 - x / 2 + x**2 / 6, -np.expm1(-safe) / safe)
    rise = np.where(small, 1 / 2 - x / 6 + x**2 / 24, (1 - level) / safe)
    d_level = np.where(small, -1 / 2 + x / 3 - x**2 / 8, (decay - level) / safe)
    d_rise = np.where(small, -1 / 6 + x / 12 - x**2 / 40, -(d_level + rise) / safe)
    return _Weights(
        decay,
        step_s * level,
        step_s * rise,
        -step_s * decay,
        step_s**2 * d_level,
        step_s**2 * d_rise,
    )
