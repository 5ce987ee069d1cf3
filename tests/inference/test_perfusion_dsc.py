"""Whole DSC series: a small brain with a leaking lesion, back to its true values."""

from dataclasses import replace

import numpy as np
import pytest
from small_brain import ARTERY, BRAIN, GRID, LESION, SHAPE, WHITE
from vasotype.findings import StudyError
from vasotype.perfusion import (
    DscReference,
    DynamicSeries,
    InputCurve,
    Quality,
    analyse_dce,
    analyse_dsc,
    summarise,
    valid_voxels,
)
from vasotype.perfusion.aif import parker_blood
from vasotype.perfusion.bolus import count_baseline, first_pass_width
from vasotype.perfusion.convolution import cumulative_trapezoid, exponential_convolution
from vasotype.perfusion.deconvolution import relative_flow

DSC_TIMES_S = np.arange(60) * 1.5
TE_S = 0.03
RCBV, K2 = 3.0, 0.04
FLOW = 2.0  # gray matter over white


def dsc_series(noise=0.01, seed=0):
    """Signal with gray and white matter, a lesion with T1 leakage, and arteries."""
    blood = parker_blood(DSC_TIMES_S, 20.0)
    white = 87 * 0.005 * exponential_convolution(blood, DSC_TIMES_S, np.array([0.25]))[:, 0]
    curves = np.zeros((*SHAPE, len(DSC_TIMES_S)))
    curves[BRAIN] = FLOW * white
    curves[WHITE] = white
    curves[LESION] = RCBV * white - K2 * cumulative_trapezoid(white, DSC_TIMES_S)
    curves[ARTERY] = 10 * blood
    rng = np.random.default_rng(seed)
    signal = 800 * (np.exp(-TE_S * curves) + noise * rng.standard_normal(curves.shape))
    signal[~BRAIN] = 0
    return DynamicSeries(signal.astype(np.float32), GRID, DSC_TIMES_S, "dsc.nii.gz", TE_S, 1.5, 60)


REFERENCE = DscReference(nawm=WHITE, non_enhancing=WHITE)


@pytest.fixture(scope="module")
def dsc_maps():
    return analyse_dsc(dsc_series(), BRAIN, REFERENCE)


def test_blood_volume_is_relative_to_white_matter_and_free_of_leakage(dsc_maps):
    assert np.median(dsc_maps.rcbv[WHITE]) == pytest.approx(1, abs=1e-3)
    assert np.median(dsc_maps.rcbv[LESION]) == pytest.approx(RCBV, rel=0.02)
    assert np.median(dsc_maps.rcbv_uncorrected[LESION]) < 0.8 * RCBV
    assert np.median(dsc_maps.k2_per_s[LESION]) == pytest.approx(K2, rel=0.05)
    assert dsc_maps.reference == "normal-appearing white matter"
    assert dsc_maps.findings == ()


def test_leakage_that_changes_much_is_flagged_and_stays_valid(dsc_maps):
    flagged = (dsc_maps.quality & Quality.LARGE_LEAKAGE) > 0
    assert flagged[LESION].mean() > 0.9
    assert flagged[WHITE].mean() < 0.1
    assert valid_voxels(dsc_maps.quality)[LESION].all()
    assert np.isnan(dsc_maps.rcbv[~BRAIN]).all()


def test_arteries_are_found_and_flow_is_relative(dsc_maps):
    assert 5 <= dsc_maps.arteries.sum() <= 30
    assert ARTERY[dsc_maps.arteries].mean() > 0.7
    gray = BRAIN & ~WHITE & ~LESION & ~ARTERY
    assert np.median(dsc_maps.rcbf[gray]) == pytest.approx(FLOW, rel=0.1)


def test_a_given_input_needs_no_artery():
    curve = InputCurve(DSC_TIMES_S, parker_blood(DSC_TIMES_S, 20.0), "blood")
    maps = analyse_dsc(dsc_series(), BRAIN, REFERENCE, curve)
    assert maps.arteries is None
    gray = BRAIN & ~WHITE & ~LESION & ~ARTERY
    assert np.median(maps.rcbf[gray]) == pytest.approx(FLOW, rel=0.1)


def test_the_scale_of_the_scanner_does_not_matter(dsc_maps):
    series = dsc_series()
    louder = analyse_dsc(replace(series, signal=7 * series.signal), BRAIN, REFERENCE)
    np.testing.assert_allclose(louder.rcbv[BRAIN], dsc_maps.rcbv[BRAIN], rtol=1e-3, atol=1e-3)


def test_without_white_matter_the_reference_is_said_to_be_another():
    maps = analyse_dsc(dsc_series(), BRAIN, DscReference(non_enhancing=BRAIN & ~LESION))
    assert [f.code for f in maps.findings] == ["no-reference-tissue"]
    assert maps.reference == "normal brain"
    value = summarise(maps.rcbv, maps.quality, LESION)
    assert (value.quality, value.reason) == ("low", "what the map is relative to is unsure")


def test_a_small_reference_makes_the_scale_unsure(dsc_maps):
    few = WHITE & (np.arange(SHAPE[2]) < 5)
    assert 20 <= few.sum() < 200 <= WHITE.sum()
    maps = analyse_dsc(dsc_series(), BRAIN, DscReference(few, WHITE))
    assert summarise(maps.rcbv, maps.quality, LESION).quality == "low"
    assert summarise(dsc_maps.rcbv, dsc_maps.quality, LESION).quality == "good"


def test_without_masks_the_leaking_lesion_is_kept_out_of_the_reference():
    maps = analyse_dsc(dsc_series(), BRAIN, DscReference(nawm=WHITE))
    assert [f.code for f in maps.findings] == ["leakage-reference-found"]
    assert np.median(maps.rcbv[LESION]) == pytest.approx(RCBV, rel=0.05)


def test_without_an_artery_flow_is_left_out_and_volume_stays(dsc_maps):
    series = dsc_series()
    signal = series.signal.copy()
    signal[BRAIN, 22:30] *= 0.02  # the peak of every voxel is lost
    maps = analyse_dsc(replace(series, signal=signal), BRAIN, REFERENCE)
    assert maps.rcbf is None
    assert "no-flow" in [f.code for f in maps.findings]


def test_a_saturated_artery_mask_is_refused():
    series = dsc_series()
    series.signal[ARTERY, 22:26] = 1.0
    with pytest.raises(StudyError, match="falls below 5%") as caught:
        analyse_dsc(series, BRAIN, REFERENCE, ARTERY)
    assert caught.value.code == "aif-saturated"


def code_of(series, brain=BRAIN, analyse=analyse_dsc):
    with pytest.raises(StudyError) as caught:
        analyse(series, brain)
    assert series.name in str(caught.value)
    return caught.value.code


def test_series_that_cannot_give_an_answer_are_refused():
    series = dsc_series()
    order = np.random.default_rng(0).permutation(60)
    times = DSC_TIMES_S.copy()
    times[[20, 21]] = times[[21, 20]]
    flat = np.broadcast_to(series.signal[..., :1], series.signal.shape)
    short = replace(series, signal=series.signal[..., :12], times_s=DSC_TIMES_S[:12])
    late = replace(series, signal=series.signal[..., 18:], times_s=DSC_TIMES_S[18:])
    assert code_of(replace(series, signal=series.signal[..., order])) == "series-shuffled"
    assert code_of(replace(series, times_s=times)) == "series-times"
    assert code_of(replace(series, times_s=DSC_TIMES_S[:-1])) == "series-times"
    assert code_of(replace(series, signal=flat)) == "no-bolus"
    assert code_of(short) == "series-too-short"
    assert code_of(late) == "baseline-too-short"
    assert code_of(replace(series, echo_time_s=None)) == "series-parameter"
    assert code_of(series, np.zeros(SHAPE, bool)) == "perfusion-mask"
    assert code_of(replace(series, flip_angle_deg=None), analyse=analyse_dce) == "series-parameter"


@pytest.mark.parametrize("brightness", [0.7, 1.3])
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_first_frame_before_the_steady_state_changes_nothing(brightness, direction):
    curve = 1 + direction * 0.05 * parker_blood(np.arange(60) * 1.5, 20.0) / 6
    other = np.append(brightness * curve[0], curve[1:])
    assert count_baseline(other, direction, "series") == count_baseline(curve, direction, "series")


@pytest.mark.parametrize("frames", [5, 9, 25])
def test_the_baseline_ends_where_the_bolus_begins(frames):
    rng = np.random.default_rng(frames)
    times = np.arange(60) * 1.5
    curve = 1 - 0.1 * parker_blood(times, times[frames] - 0.75) / 6
    noisy = curve + 1e-3 * rng.standard_normal(60)
    assert count_baseline(noisy, -1, "series") in (frames - 1, frames)


def test_the_width_of_a_gaussian_pass_is_known():
    times = np.arange(0, 60, 1.0)
    curve = np.exp(-((times - 25.3) ** 2) / (2 * 4.0**2))
    width = first_pass_width(np.stack([curve, 3 * curve]), times)
    np.testing.assert_allclose(width, 2.3548 * 4.0, rtol=0.01)


@pytest.mark.parametrize("delay", [-2.0, 2.0])
def test_flow_hardly_depends_on_the_delay_of_the_tissue(delay):
    times = np.arange(80) * 1.5
    blood = parker_blood(times, 15.0)

    def tissue(start):
        fine = np.arange(0, 120, 0.05)
        arrived = parker_blood(fine, 15.0 + start)
        return 0.005 * exponential_convolution(arrived, fine, np.array([0.25]))[::30, 0]

    on_time, late = relative_flow(np.stack([tissue(0.0), tissue(delay)]), blood, 1.5)
    assert late == pytest.approx(on_time, rel=0.10)
