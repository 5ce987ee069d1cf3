"""Kinetic models: every fit finds the parameters behind its own noiseless curve."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.convolution import (
    cumulative_trapezoid,
    exponential_convolution,
    exponential_convolution_with_slope,
)
from vasotype.perfusion.delay import estimate_delay, shifted
from vasotype.perfusion.fit import KineticFit, fit_extended_tofts, fit_patlak, fit_tofts
from vasotype.perfusion.models import extended_tofts, patlak, tofts
from vasotype.perfusion.regions import EXTENDED_TOFTS, PATLAK, choose_model, fit_regions
from vasotype.perfusion.signal import SpoiledGradientEcho, spgr_concentration, spgr_signal
from vasotype.perfusion.t1 import r1_linear, r1_nonlinear

TIMES_S = np.concatenate([np.arange(0, 120, 3.0), np.arange(120, 360, 8.0)])  # slower at the end
PLASMA = plasma_from_blood(parker_blood(TIMES_S, 20.0))

bounded = settings(max_examples=40, deadline=None)
ktrans = st.floats(0.03, 1.0)
ve = st.floats(0.05, 0.8)
vp = st.floats(0.005, 0.2)


def one(value):
    return np.array([value])


@bounded
@given(ktrans, ve)
def test_tofts_returns_its_own_parameters(k, e):
    curve = tofts(PLASMA, TIMES_S, one(k / 60), one(e))
    fit = fit_tofts(curve.T, PLASMA, TIMES_S)
    assert fit.ktrans_per_min[0] == pytest.approx(k, rel=1e-4)
    assert fit.ve[0] == pytest.approx(e, rel=1e-4)
    assert np.isnan(fit.vp[0])


@bounded
@given(ktrans, ve, vp)
def test_extended_tofts_returns_its_own_parameters(k, e, p):
    curve = extended_tofts(PLASMA, TIMES_S, one(k / 60), one(e), one(p))
    fit = fit_extended_tofts(curve.T, PLASMA, TIMES_S)
    assert fit.ktrans_per_min[0] == pytest.approx(k, rel=1e-3)
    assert fit.ve[0] == pytest.approx(e, rel=1e-3)
    assert fit.vp[0] == pytest.approx(p, rel=1e-3)
    assert fit.r_squared[0] == pytest.approx(1)
    assert not fit.at_bound[0]


@bounded
@given(st.floats(-0.01, 0.3), st.floats(-0.01, 0.3))
def test_patlak_returns_its_own_parameters_negative_ones_too(k, p):
    curve = patlak(PLASMA, TIMES_S, one(k / 60), one(p))
    fit = fit_patlak(curve.T, PLASMA, TIMES_S)
    assert fit.ktrans_per_min[0] == pytest.approx(k, abs=1e-9)
    assert fit.vp[0] == pytest.approx(p, abs=1e-9)


@bounded
@given(st.floats(0.05, 20.0), st.floats(3.0, 45.0))
def test_r1_of_flip_angles_is_the_tissues(r1, largest):
    angles = np.radians([largest / 4, largest / 2, largest])
    signal = spgr_signal(1000.0, r1, 0.005, angles)[:, None]
    for method in (r1_linear, r1_nonlinear):
        assert method(signal, angles, 0.005)[0] == pytest.approx(r1, rel=1e-4)


@bounded
@given(st.lists(st.floats(-0.3, 8.0), min_size=6, max_size=6), st.floats(0.3, 3.0))
def test_signal_and_concentration_are_inverse(concentrations, t1_s):
    """Also where noise makes concentrations negative."""
    conc = np.array([0.0, 0.0, 0.0, *concentrations])
    sequence = SpoiledGradientEcho(0.005, 20.0)
    angle = np.radians(sequence.flip_angle_deg)
    r1 = 1 / t1_s + sequence.relaxivity_per_s_mm * conc
    signal = spgr_signal(500.0, np.maximum(r1, 1e-3), sequence.repetition_time_s, angle)
    expected = (np.maximum(r1, 1e-3) - 1 / t1_s) / sequence.relaxivity_per_s_mm
    found = spgr_concentration(signal, 3, np.array(1 / t1_s), sequence)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_signal_beyond_the_sequence_has_no_concentration():
    found = spgr_concentration(
        np.array([1.0, 1.0, 1.0, 500.0]), 3, np.array(1.0), SpoiledGradientEcho(0.005, 20)
    )
    assert np.isnan(found[3])
    assert found[2] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("rate", [0.0, 1e-6, 1e-3, 0.3, 20.0])
def test_the_convolution_is_the_integral(rate):
    found = exponential_convolution(PLASMA, TIMES_S, one(rate))[25, 0]

    def integrand(u):
        return np.interp(u, TIMES_S, PLASMA) * np.exp(-rate * (TIMES_S[25] - u))

    expected = sum(quad(integrand, a, b, epsabs=1e-12)[0] for a, b in pairwise(TIMES_S[:26]))
    assert found == pytest.approx(expected, rel=1e-8)


def test_without_return_the_convolution_is_the_running_integral():
    found = exponential_convolution(PLASMA, TIMES_S, one(0.0))[:, 0]
    np.testing.assert_allclose(found, cumulative_trapezoid(PLASMA, TIMES_S), atol=1e-9)


@bounded
@given(st.floats(1e-7, 2.0))
def test_the_slope_of_the_convolution_is_its_derivative(rate):
    width = 1e-4 * rate
    high, low = (exponential_convolution(PLASMA, TIMES_S, one(rate + s * width)) for s in (1, -1))
    _, slope = exponential_convolution_with_slope(PLASMA, TIMES_S, one(rate))
    scale = np.abs(slope).max()
    np.testing.assert_allclose(slope, (high - low) / (2 * width), atol=1e-5 * scale)


def noisy(curve, sd, voxels=400, seed=0):
    return curve.T + sd * np.random.default_rng(seed).standard_normal((voxels, len(TIMES_S)))


def test_the_stated_error_is_the_spread_of_repeated_fits():
    curve = extended_tofts(PLASMA, TIMES_S, one(0.15 / 60), one(0.3), one(0.03))
    fit = fit_extended_tofts(noisy(curve, 0.02), PLASMA, TIMES_S)
    spread = fit.ktrans_per_min.std() / 0.15
    assert np.median(fit.relative_error) == pytest.approx(spread, rel=0.15)
    assert fit.ktrans_per_min.mean() == pytest.approx(0.15, rel=0.01)
    assert np.median(fit.rmse_mm) == pytest.approx(0.02, rel=0.1)


def test_a_curve_with_a_gap_has_no_value_and_spoils_no_other():
    curve = extended_tofts(PLASMA, TIMES_S, one(0.15 / 60), one(0.3), one(0.03)).T
    broken = curve.copy()
    broken[0, 7] = np.nan
    fit = fit_extended_tofts(np.concatenate([broken, curve]), PLASMA, TIMES_S)
    assert np.isnan(fit.ktrans_per_min[0])
    assert fit.ktrans_per_min[1] == pytest.approx(0.15, rel=1e-4)


def test_patlak_is_chosen_where_nothing_returns():
    leaky = extended_tofts(PLASMA, TIMES_S, one(0.2 / 60), one(0.3), one(0.03))
    tight = patlak(PLASMA, TIMES_S, one(0.001 / 60), one(0.03))
    fit, model = choose_model(np.concatenate([leaky.T, tight.T]), PLASMA, TIMES_S)
    assert model.tolist() == [EXTENDED_TOFTS, PATLAK]
    np.testing.assert_allclose(fit.ktrans_per_min, [0.2, 0.001], rtol=1e-3)
    assert np.isnan(fit.ve[1])


def test_noise_without_leakage_gives_no_leakage_on_average():
    """Negative slopes stay, so that the mean is not lifted."""
    tight = patlak(PLASMA, TIMES_S, one(0.0), one(0.03))
    fit = fit_patlak(noisy(tight, 0.05), PLASMA, TIMES_S)
    assert fit.ktrans_per_min.min() < 0
    assert np.median(fit.ktrans_per_min) == pytest.approx(0, abs=5e-4)


@settings(max_examples=15, deadline=None)
@given(st.floats(-8.0, 8.0))
def test_the_delay_behind_the_artery_is_found(delay):
    times = np.arange(0, 300, 1.0)
    plasma = plasma_from_blood(parker_blood(times, 30.0))
    curve = extended_tofts(plasma, times, one(0.15 / 60), one(0.3), one(0.05))[:, 0]
    [found] = estimate_delay(shifted(curve, times, delay)[None], plasma, times)
    assert found == pytest.approx(delay, abs=0.3)


def test_each_region_is_fitted_at_its_own_delay():
    times = np.arange(0, 300, 2.0)
    plasma = plasma_from_blood(parker_blood(times, 30.0))
    curve = extended_tofts(plasma, times, one(0.15 / 60), one(0.3), one(0.05))[:, 0]
    data = np.stack([shifted(curve, times, d) for d in (0, 4, 0, 4)])
    fit, _, delays = fit_regions(data, plasma, times, np.array([0, 7, 0, 7]))
    assert delays == pytest.approx({0: 0.0, 7: 4.0}, abs=0.3)
    np.testing.assert_allclose(fit.ktrans_per_min, 0.15, rtol=0.05)


def test_values_put_into_a_fit_are_read_back():
    fit = KineticFit.none(3)
    part = fit_patlak(patlak(PLASMA, TIMES_S, one(0.1 / 60), one(0.05)).T, PLASMA, TIMES_S)
    fit.put(np.array([1]), part)
    assert np.isnan(fit.vp[[0, 2]]).all()
    assert fit.of(np.array([1])).vp[0] == part.vp[0]


def test_dcmri_agrees_on_every_model():
    """An independent package; with a haematocrit of 0 its blood is our plasma."""
    dcmri = pytest.importorskip("dcmri")
    times = np.arange(0, 300, 0.5)
    plasma = plasma_from_blood(parker_blood(times, 20.0))
    k, e, p = 0.12 / 60, 0.25, 0.04

    def theirs(kinetics, **parameters):
        return dcmri.conc_tissue(plasma, t=times, kinetics=kinetics, H=0.0, **parameters)

    ours = extended_tofts(plasma, times, one(k), one(e), one(p))[:, 0]
    np.testing.assert_allclose(ours, theirs("HF", vb=p, vi=e, PS=k), rtol=1e-3, atol=1e-4)
    ours = tofts(plasma, times, one(k), one(e))[:, 0]
    np.testing.assert_allclose(ours, theirs("WV", vi=e, Ktrans=k), rtol=1e-3, atol=1e-4)
    ours = patlak(plasma, times, one(k), one(p))[:, 0]
    np.testing.assert_allclose(ours, theirs("HFU", vb=p, PS=k), rtol=1e-3, atol=1e-4)
