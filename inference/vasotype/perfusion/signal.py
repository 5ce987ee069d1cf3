"""From signal to relaxation and concentration: spoiled gradient echo and T2* contrast.

Curves run along the last axis. Negative values are noise as positive ones are, and stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasotype.perfusion.series import Floats


@dataclass(frozen=True)
class SpoiledGradientEcho:
    """Settings of a spoiled gradient echo series (OSIPI M.SM2.002); TE is neglected.

    ``flip_angle_deg`` is one angle, or one [...] a curve where the transmit field is known.
    """

    repetition_time_s: float
    flip_angle_deg: float | Floats
    relaxivity_per_s_mm: float = 4.5
    """r1 of the contrast agent, 1/(s mM); 4.5 is usual for gadolinium chelates at 3 T."""


def spgr_signal(m0: Floats, r1_per_s: Floats, repetition_time_s: float, angle: Floats) -> Floats:
    """M0 sin(a) (1 - E1) / (1 - cos(a) E1) with E1 = exp(-TR R1); ``angle`` a in radians.

    Arguments broadcast against each other.
    """
    e1 = np.exp(-repetition_time_s * r1_per_s)
    return np.asarray(m0 * np.sin(angle) * (1 - e1) / (1 - np.cos(angle) * e1))


def baseline_mean(signal: Floats, frames: int) -> Floats:
    """Mean [...] of the first ``frames`` frames without the very first.

    The first frame is not yet in the steady state.
    """
    return np.asarray(signal[..., 1:frames].mean(axis=-1))


def spgr_concentration(
    signal: Floats, frames: int, r10_per_s: Floats, sequence: SpoiledGradientEcho
) -> Floats:
    """Concentration, mM, [..., T] of signals [..., T] with ``frames`` frames before the contrast.

    ``r10_per_s`` [...] is R1 before contrast. Where a signal is larger than the sequence can give,
    the value is NaN.
    """
    cos = np.asarray(np.cos(np.radians(sequence.flip_angle_deg)))
    tr = sequence.repetition_time_s
    e10 = np.exp(-tr * np.asarray(r10_per_s, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = (1 - e10) / (1 - cos * e10) / baseline_mean(signal, frames)
        s = signal * scale[..., None]
        r1 = np.log((1 - s * cos[..., None]) / (1 - s)) / tr
        conc = (r1 - np.asarray(r10_per_s)[..., None]) / sequence.relaxivity_per_s_mm
    return np.where(s < 1, conc, np.nan)


def delta_r2star(signal: Floats, frames: int, echo_time_s: float) -> Floats:
    """Change of R2*, 1/s, [..., T]: -ln(S/S0)/TE with S0 of the first ``frames`` frames.

    NaN where a signal or its baseline is not positive.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = signal / baseline_mean(signal, frames)[..., None]
        return np.where(ratio > 0, -np.log(ratio) / echo_time_s, np.nan)
