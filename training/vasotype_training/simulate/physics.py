"""MR signal equations and contrast kinetics of the simulator.

Times in s, relaxation rates in 1/s, concentrations in mM, Ktrans in 1/min where the name says so.
Tissue values at 3 T: white matter, grey matter and CSF after Konar et al. 2022 (synthetic MRI);
tumor, edema, necrosis and blood are our choice inside published ranges. Parker et al., MRM 2006
gives the arterial input function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Values = Array | np.float32 | float
"""One value for a whole tissue, or one a voxel."""

HAEMATOCRIT = 0.42


@dataclass(frozen=True)
class Tissue:
    """Relaxation times in s and proton density relative to water."""

    t1: float
    t2: float
    density: float


WHITE = Tissue(0.701, 0.064, 0.70)
GREY = Tissue(1.143, 0.078, 0.82)
CSF = Tissue(4.206, 0.390, 1.00)
TUMOR = Tissue(1.500, 0.100, 0.86)
EDEMA = Tissue(1.500, 0.140, 0.88)
BLOOD_CLOT = Tissue(0.600, 0.060, 0.85)


T1_AT_1_5_T = 0.8
"""T1 of tissue at 1.5 T over that at 3 T."""
FLUID_T1_S = 3.0
"""Fluid, of longer T1 than this, relaxes alike in all fields."""
LOW_FIELD_SHARE = 0.4
"""Studies at 1.5 T."""


@dataclass(frozen=True)
class Sequences:
    """Acquisition of the four structural sequences of one study (times in s).

    ``spin_echo_t1``: T1 weighting by a spin echo (``t1_tr``, echo time ``t1_te``) instead of an
    inversion-recovery gradient echo (``t1_tr``, ``t1_ti``). ``field_t`` is in tesla, ``dose`` in
    mmol/kg,
    ``relaxivity`` in 1/(s mM), ``delay_min`` the time from injection to the T1c in minutes.
    """

    spin_echo_t1: bool
    field_t: float
    t1_tr: float
    t1_ti: float
    t1_te: float
    t2_tr: float
    t2_te: float
    flair_tr: float
    flair_ti: float
    flair_te: float
    dose: float
    relaxivity: float
    delay_min: float


def draw_sequences(rng: np.random.Generator, delay_min: tuple[float, float]) -> Sequences:
    """Draw a clinical protocol (ranges are our choice)."""
    spin_echo = bool(rng.random() < 0.3)
    field_t = 1.5 if rng.random() < LOW_FIELD_SHARE else 3.0
    flair_tr = rng.uniform(8, 11)
    # The inversion time that nulls CSF, +- 5 %.
    null = CSF.t1 * (np.log(2.0) - np.log1p(np.exp(-flair_tr / CSF.t1)))
    return Sequences(
        spin_echo_t1=spin_echo,
        field_t=field_t,
        t1_tr=rng.uniform(0.4, 0.7) if spin_echo else rng.uniform(1.8, 2.4),
        t1_ti=rng.uniform(0.8, 1.1),
        t1_te=0.012,
        t2_tr=rng.uniform(3, 6),
        t2_te=rng.uniform(0.08, 0.12),
        flair_tr=flair_tr,
        flair_ti=null * rng.uniform(0.95, 1.05),
        flair_te=rng.uniform(0.09, 0.14),
        dose=rng.uniform(0.05, 0.1) if rng.random() < 0.2 else 0.1,
        relaxivity=rng.uniform(3.8, 5.2),
        delay_min=rng.uniform(*delay_min),
    )


def at_field(tissue: Tissue, sequences: Sequences) -> Tissue:
    """A tissue, given at 3 T, in the field of the study."""
    if sequences.field_t >= 3 or tissue.t1 > FLUID_T1_S:
        return tissue
    return replace(tissue, t1=T1_AT_1_5_T * tissue.t1)


def t1_weighted(t1: Values, t2: Values, density: Values, sequences: Sequences) -> Array:
    """Signal of the T1-weighted sequence, arbitrary unit."""
    if sequences.spin_echo_t1:
        recovery = 1 - np.exp(-sequences.t1_tr / t1)
        return np.asarray(density * recovery * np.exp(-sequences.t1_te / t2), np.float32)
    inverted = 1 - 2 * np.exp(-sequences.t1_ti / t1) + np.exp(-sequences.t1_tr / t1)
    return np.asarray(density * np.abs(inverted), np.float32)


def t2_weighted(t1: Values, t2: Values, density: Values, sequences: Sequences) -> Array:
    """Signal of the T2-weighted turbo spin echo."""
    signal = density * (1 - np.exp(-sequences.t2_tr / t1)) * np.exp(-sequences.t2_te / t2)
    return np.asarray(signal, np.float32)


def flair_weighted(t1: Values, t2: Values, density: Values, sequences: Sequences) -> Array:
    """Signal of the fluid-attenuated inversion recovery."""
    tr, ti, te = sequences.flair_tr, sequences.flair_ti, sequences.flair_te
    longitudinal = 1 - 2 * np.exp(-ti / t1) + 2 * np.exp(-(tr - te / 2) / t1) - np.exp(-tr / t1)
    return np.asarray(density * np.abs(longitudinal) * np.exp(-te / t2), np.float32)


def parker_aif(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole-blood concentration in mM after 0.1 mmol/kg; ``minutes`` since arrival."""
    curve = np.zeros_like(minutes)
    for area, centre, width in ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132)):
        gauss = np.exp(-((minutes - centre) ** 2) / (2 * width**2))
        curve += area / (width * np.sqrt(2 * np.pi)) * gauss
    curve += 1.050 * np.exp(-0.1685 * minutes) / (1 + np.exp(-38.078 * (minutes - 0.483)))
    return np.where(minutes >= 0, curve, 0.0)


def tissue_concentration(
    ktrans_per_min: NDArray[np.float64], ve: float, vp: float, sequences: Sequences
) -> NDArray[np.float64]:
    """Extended Tofts concentration in mM at the time of the T1c, for each Ktrans.

    C = vp Cp + Ktrans int Cp(u) exp(-(t - u) Ktrans / ve) du, Cp = Cb / (1 - Hct).
    """
    time = np.linspace(0, sequences.delay_min, 241)
    plasma = parker_aif(time) * (sequences.dose / 0.1) / (1 - HAEMATOCRIT)
    rate = ktrans_per_min[:, None] / ve
    washout = np.exp(-rate * (time[-1] - time)[None, :])
    extravascular = ktrans_per_min * np.trapezoid(plasma[None, :] * washout, time, axis=1)
    total: NDArray[np.float64] = vp * plasma[-1] + extravascular
    return total


def relaxed(t1: Values, concentration: Array, sequences: Sequences) -> Array:
    """T1 in s under contrast agent."""
    return np.asarray(1 / (1 / t1 + sequences.relaxivity * concentration), np.float32)
