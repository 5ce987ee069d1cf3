"""Leakage correction against signals whose blood volume is known, and whose bias is known too."""

from functools import cache

import numpy as np
import pytest
from vasotype.perfusion.aif import parker_blood
from vasotype.perfusion.convolution import cumulative_trapezoid
from vasotype.perfusion.leakage import correct_leakage
from vasotype.perfusion.signal import delta_r2star, spgr_signal

STEP_S, FRAMES, TR_S, TE_S = 0.05, 80, 1.5, 0.030
BASELINE = 9  # frames before the bolus, the first of which is not used
VESSEL_R2STAR, R1_CONTRAST = 87.0, 4.5
TISSUE_R10, REFERENCE_R10 = 1 / 1.4, 1 / 1.0

FINE_S = np.arange(0.0, FRAMES * TR_S, STEP_S)
EVERY = round(TR_S / STEP_S)
TIMES_S = FINE_S[::EVERY]
BLOOD = parker_blood(FINE_S, 15.0)

TIER_1 = {  # true rCBV, K2 1/s, uncorrected, corrected
    "no leak": (3, 0.0, 2.996, 2.998),
    "T1": (3, 0.020, 1.749, 2.997),
    "strong T1": (3, 0.050, -0.122, 2.997),
    "T2*": (3, -0.030, 4.867, 2.998),
    "low volume, T1": (1, 0.020, -0.248, 0.999),
    "low volume, T2*": (1, -0.020, 2.247, 1.000),
    "high volume": (6, 0.050, 2.872, 5.994),
}
TIER_2 = {  # true rCBV, MTT s, Ktrans 1/min, r2e 1/(s mM), flip angle, uncorrected, corrected
    "P1": (3, 4, 0.00, 0, 30, 3.000, 3.000),
    "P2": (3, 4, 0.05, 0, 30, 2.382, 2.894),
    "P3": (3, 4, 0.10, 0, 60, 0.272, 2.384),
    "P4": (3, 4, 0.05, 40, 30, 4.563, 3.025),
    "P5": (3, 4, 0.10, 40, 30, 6.557, 3.075),
    "P6": (3, 4, 0.10, 10, 30, 3.286, 2.878),
    "P7": (1, 4, 0.05, 0, 30, 0.382, 0.894),
    "P8": (3, 8, 0.00, 0, 30, 2.916, 2.426),
    "P9": (3, 6, 0.05, 0, 30, 2.338, 2.589),
}


def vessel_mm(volume_ml, mtt_s):
    """Contrast in vessels, mM of tissue, with an exponential residue function."""
    flow = volume_ml / 100 / mtt_s
    return flow * np.convolve(BLOOD, np.exp(-FINE_S / mtt_s))[: len(FINE_S)] * STEP_S


REFERENCE = VESSEL_R2STAR * vessel_mm(2, 4)[::EVERY]


def measured(curves, reference, frames=BASELINE):
    """Corrected and uncorrected rCBV [V] of changes of R2* [V, T]."""
    times = TIMES_S[frames:]
    tissue = correct_leakage(curves[:, frames:], reference[frames:], times)
    normal = correct_leakage(reference[None, frames:], reference[frames:], times)
    return tissue.area / normal.area, tissue.uncorrected_area / normal.uncorrected_area, tissue


def exact_tumor(volume, k2):
    return volume * REFERENCE - k2 * cumulative_trapezoid(REFERENCE, TIMES_S)


def physical_signal(tissue, r10):
    """Signal of a spoiled gradient echo with vessels and a leaking interstitium."""
    volume_ml, mtt_s, ktrans_per_min, r2e, angle_deg = tissue
    leaked = ktrans_per_min / 60 * np.cumsum(BLOOD / (1 - 0.42)) * STEP_S
    t1_part = spgr_signal(1.0, r10 + R1_CONTRAST * leaked, TR_S, np.radians(angle_deg))
    r2star = VESSEL_R2STAR * vessel_mm(volume_ml, mtt_s) + r2e * leaked
    return (t1_part * np.exp(-TE_S * r2star))[::EVERY]


def test_the_reference_is_that_of_the_published_figures():
    assert REFERENCE.max() == pytest.approx(7.95, abs=0.01)
    assert 1 - np.exp(-TE_S * REFERENCE.max()) == pytest.approx(0.21, abs=0.005)


@pytest.mark.parametrize("row", TIER_1)
def test_leakage_of_the_assumed_form_is_taken_out_exactly(row):
    volume, k2, uncorrected, _ = TIER_1[row]
    corrected, plain, fit = measured(exact_tumor(volume, k2)[None], REFERENCE)
    assert corrected[0] == pytest.approx(volume, rel=5e-4)
    assert fit.k2_per_s[0] == pytest.approx(k2, abs=1e-9)
    assert plain[0] == pytest.approx(uncorrected, abs=0.03)


def rician(signal, snr, voxels, rng):
    noise = rng.standard_normal((2, voxels, len(signal))) / snr
    return np.hypot(signal + noise[0], noise[1])


@cache
def noisy_reference(snr, seed):
    """Mean curve R of 2,000 voxels of normal brain, with noise."""
    rng = np.random.default_rng(seed)
    normal = rician(np.exp(-TE_S * REFERENCE), snr, 2000, rng)
    return delta_r2star(normal, BASELINE, TE_S).mean(axis=0)


@pytest.mark.parametrize(("snr", "seeds"), [(50, range(5)), (25, range(1))])
@pytest.mark.parametrize("row", TIER_1)
def test_noise_leaves_the_mean_within_two_percent(row, snr, seeds):
    volume, k2, _, _ = TIER_1[row]
    tumor = np.exp(-TE_S * exact_tumor(volume, k2))
    means = []
    for seed in seeds:
        rng = np.random.default_rng((seed, 1))
        noisy = delta_r2star(rician(tumor, snr, 2000, rng), BASELINE, TE_S)
        means.append(measured(noisy, noisy_reference(snr, seed))[0].mean())
    assert np.mean(means) == pytest.approx(volume, rel=0.02)


@pytest.mark.parametrize("row", TIER_2)
def test_a_physical_signal_gives_the_known_bias_and_no_other(row):
    *tissue, uncorrected, corrected = TIER_2[row]
    angle = tissue[-1]
    normal = delta_r2star(physical_signal((2, 4, 0, 0, angle), REFERENCE_R10), BASELINE, TE_S)
    tumor = physical_signal((2 * tissue[0], *tissue[1:]), TISSUE_R10)
    curve = delta_r2star(tumor, BASELINE, TE_S)
    found, plain, _ = measured(curve[None], normal)
    assert found[0] == pytest.approx(corrected, rel=0.01)
    assert plain[0] == pytest.approx(uncorrected, rel=0.01)
