"""Whole series: a small brain with a leaking lesion, through DSC and DCE to its true values."""

from dataclasses import replace

import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.perfusion import (
    DceInputs,
    DceSettings,
    DscReference,
    DynamicSeries,
    FlipAngleImages,
    InputCurve,
    Quality,
    analyse_dce,
    analyse_dsc,
    summarise,
    valid_voxels,
)
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.bolus import count_baseline, first_pass_width
from vasotype.perfusion.convolution import cumulative_trapezoid, exponential_convolution
from vasotype.perfusion.deconvolution import relative_flow
from vasotype.perfusion.models import extended_tofts
from vasotype.perfusion.signal import spgr_signal
from vasotype.stages import Grid

SHAPE = (16, 16, 12)
GRID = Grid(SHAPE, np.diag([3.0, 3.0, 5.0, 1.0]))
BRAIN = np.zeros(SHAPE, bool)
BRAIN[1:-1, 1:-1, 1:-1] = True
LESION = np.zeros(SHAPE, bool)
LESION[3:7, 3:7, 3:7] = True
WHITE = np.zeros(SHAPE, bool)
WHITE[10:14, 3:12, 3:9] = True
ARTERY = np.zeros(SHAPE, bool)
ARTERY[8, 4:10, 5:8] = True

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


DCE_TIMES_S = np.arange(60) * 5.0
TR_S, ANGLE_DEG, DELAY_S = 0.005, 20.0, 5.0
T1_S = 1.1
KTRANS, VE, VP = 0.12, 0.3, 0.04


def dce_series(noise=0.001, seed=0, dose=0.1, r1_contrast=4.5, b1=1.0):
    """A lesion that leaks, in tissue that does not, at the true T1 of 1.1 s."""
    plasma = plasma_from_blood(parker_blood(DCE_TIMES_S, 40.0))
    late = plasma_from_blood(parker_blood(DCE_TIMES_S, 40.0 + DELAY_S))
    conc = np.zeros((*SHAPE, len(DCE_TIMES_S)))
    conc[BRAIN] = 0.02 * plasma
    leaking = [np.array([v]) for v in (KTRANS / 60, VE, VP)]
    conc[LESION] = extended_tofts(late, DCE_TIMES_S, *leaking)[:, 0]
    effect = r1_contrast * dose / 0.1
    r1 = np.full(conc.shape, 1 / T1_S) + effect * conc
    blood = parker_blood(DCE_TIMES_S, 40.0)
    r1[ARTERY] = 1 / 1.6 + effect * blood
    signal = spgr_signal(5000.0, r1, TR_S, np.radians(b1 * ANGLE_DEG))
    signal += noise * 5000 * np.random.default_rng(seed).standard_normal(signal.shape)
    return DynamicSeries(
        signal.astype(np.float32), GRID, DCE_TIMES_S, "dce.nii.gz", 0.002, TR_S, ANGLE_DEG
    )


def flip_angles(b1=1.0):
    angles = np.array([2.0, 8.0, 15.0])
    reached = np.radians(b1 * angles)
    images = [np.full(SHAPE, spgr_signal(5000.0, 1 / T1_S, TR_S, a)) for a in reached]
    return FlipAngleImages(np.stack(images).astype(np.float32), GRID, angles, TR_S)


@pytest.fixture(scope="module")
def dce_maps():
    inputs = DceInputs(flip_angles(), ARTERY, LESION.astype(int))
    return analyse_dce(dce_series(), BRAIN & ~ARTERY, inputs)


def test_the_leaking_lesion_gets_its_parameters_back(dce_maps):
    assert dce_maps.findings == ()
    assert np.median(dce_maps.r1_per_s[LESION]) == pytest.approx(1 / T1_S, rel=1e-3)
    assert np.median(dce_maps.ktrans_per_min[LESION]) == pytest.approx(KTRANS, rel=0.05)
    assert np.nanmedian(dce_maps.ve[LESION]) == pytest.approx(VE, rel=0.05)
    assert np.median(dce_maps.vp[LESION]) == pytest.approx(VP, rel=0.1)
    assert dce_maps.delays_s[1] == pytest.approx(DELAY_S, abs=1)
    assert dce_maps.delays_s[0] == pytest.approx(0, abs=1)


def test_tissue_without_leakage_has_none(dce_maps):
    rest = BRAIN & ~LESION & ~ARTERY
    assert np.median(dce_maps.ktrans_per_min[rest]) == pytest.approx(0, abs=2e-3)
    assert (dce_maps.model[rest] == 2).mean() > 0.8
    assert (dce_maps.ktrans_per_min[rest] < 0).any()


def test_the_lesion_is_measurable(dce_maps):
    value = summarise(dce_maps.ktrans_per_min, dce_maps.quality, LESION)
    assert value.quality == "good"
    assert value.p50 == pytest.approx(KTRANS, rel=0.05)
    assert value.p90 >= value.p50


def test_what_was_assumed_is_said():
    maps = analyse_dce(dce_series(), BRAIN & ~ARTERY)
    assert [f.code for f in maps.findings] == ["t1-assumed", "aif-population"]
    assert np.median(maps.ktrans_per_min[LESION]) == pytest.approx(KTRANS, rel=0.5)


def ktrans_of(series, inputs=None, settings=None):
    inputs = inputs or DceInputs(flip_angles(), None, LESION.astype(int))
    maps = analyse_dce(series, BRAIN & ~ARTERY, inputs, settings)
    return np.median(maps.ktrans_per_min[LESION])


def test_half_the_dose_gives_the_same_ktrans_where_it_is_known():
    half = dce_series(dose=0.05)
    full = ktrans_of(dce_series())
    assert full == pytest.approx(KTRANS, rel=0.05)
    assert ktrans_of(half, settings=DceSettings(dose_mmol_per_kg=0.05)) == pytest.approx(
        full, rel=0.02
    )
    assert ktrans_of(half) == pytest.approx(full / 2, rel=0.05)


def test_the_relaxivity_of_the_agent_counts_as_the_dose_does():
    strong = dce_series(r1_contrast=6.0)
    known = DceSettings(relaxivity_per_s_mm=6.0)
    assert ktrans_of(strong, settings=known) == pytest.approx(KTRANS, rel=0.05)
    assert ktrans_of(strong) == pytest.approx(6.0 / 4.5 * KTRANS, rel=0.1)


def test_more_cells_in_blood_leave_less_ktrans():
    thick = DceSettings(haematocrit=0.5)
    assert ktrans_of(dce_series(), settings=thick) == pytest.approx(
        KTRANS * (1 - 0.5) / (1 - 0.42), rel=0.05
    )


@pytest.mark.parametrize("aif", [None, ARTERY], ids=["population", "vessel"])
def test_a_map_of_b1_corrects_t1_and_ktrans(aif):
    share = 0.8
    series, images, lesions = dce_series(b1=share), flip_angles(share), LESION.astype(int)
    b1 = np.full(SHAPE, share, np.float32)
    assert ktrans_of(series, DceInputs(images, aif, lesions, b1)) == pytest.approx(KTRANS, rel=0.05)
    maps = analyse_dce(series, BRAIN & ~ARTERY, DceInputs(images, aif, lesions, b1))
    assert np.median(maps.r1_per_s[LESION]) == pytest.approx(1 / T1_S, rel=1e-3)
    blind = analyse_dce(series, BRAIN & ~ARTERY, DceInputs(images, aif, lesions))
    # Without the map T1 seems to be shorter, by about the square of the share.
    assert np.median(blind.r1_per_s[LESION]) == pytest.approx(1 / T1_S / share**2, rel=0.05)


def test_a_voxel_outside_the_map_of_b1_has_no_value():
    b1 = np.ones(SHAPE, np.float32)
    b1[LESION] = 0
    maps = analyse_dce(dce_series(), BRAIN & ~ARTERY, DceInputs(flip_angles(), b1=b1))
    assert not valid_voxels(maps.quality)[LESION].any()
    assert valid_voxels(maps.quality)[WHITE].mean() > 0.5
    b1[ARTERY] = 0
    with pytest.raises(StudyError) as caught:
        analyse_dce(dce_series(), BRAIN & ~ARTERY, DceInputs(flip_angles(), ARTERY, b1=b1))
    assert caught.value.code == "b1-unusable"


@pytest.mark.parametrize(
    ("field_t", "t1_s", "said"),
    [(1.5, 1.12, "1.5 T"), (3.0, 1.4, "3 T"), (7.0, 1.4, "7 T"), (None, 1.4, "not known")],
)
def test_an_assumed_t1_is_that_of_the_field(field_t, t1_s, said):
    maps = analyse_dce(replace(dce_series(), field_t=field_t), BRAIN & ~ARTERY)
    assert np.median(maps.r1_per_s[LESION]) == pytest.approx(1 / t1_s, rel=1e-6)
    assert said in maps.findings[0].message


def test_ktrans_is_of_low_quality_only_where_t1_and_input_are_both_assumed():
    curve = InputCurve(DCE_TIMES_S, parker_blood(DCE_TIMES_S, 40.0), "blood")
    worth = {}
    for images in (None, flip_angles()):
        for aif in (None, curve):
            maps = analyse_dce(dce_series(), BRAIN, DceInputs(images, aif, LESION.astype(int)))
            value = summarise(maps.ktrans_per_min, maps.quality, LESION)
            worth[images is not None, aif is not None] = value.quality
    assert worth.pop((False, False)) == "low"
    assert set(worth.values()) == {"good"}


def test_a_given_curve_may_be_in_blood_or_in_plasma():
    blood = parker_blood(DCE_TIMES_S, 40.0)
    curves = [
        InputCurve(DCE_TIMES_S, blood, "blood"),
        InputCurve(DCE_TIMES_S, plasma_from_blood(blood), "plasma"),
    ]
    lesions = LESION.astype(int)
    first, second = (
        analyse_dce(dce_series(), LESION, DceInputs(flip_angles(), curve, lesions))
        for curve in curves
    )
    np.testing.assert_allclose(first.ktrans_per_min[LESION], second.ktrans_per_min[LESION])


def test_a_curve_of_another_kind_is_refused():
    curve = InputCurve(DCE_TIMES_S, parker_blood(DCE_TIMES_S, 40.0), "delta_r2star")
    with pytest.raises(StudyError) as caught:
        analyse_dce(dce_series(), BRAIN, DceInputs(aif=curve))
    assert caught.value.code == "aif-kind"


def test_a_vessel_brighter_than_the_sequence_can_be_is_refused():
    series = dce_series()
    series.signal[ARTERY, 10:12] *= 40
    with pytest.raises(StudyError) as caught:
        analyse_dce(series, BRAIN & ~ARTERY, DceInputs(aif=ARTERY))
    assert caught.value.code == "aif-saturated"


@pytest.mark.parametrize(
    ("valid", "quality"), [(3, "none"), (5, "low"), (19, "low"), (20, "good"), (64, "good")]
)
def test_a_region_needs_enough_valid_voxels(valid, quality):
    region = np.zeros(SHAPE, bool)
    region[:4, :4, 0] = True
    region[:4, :4, 1] = True
    region[:4, :4, 2] = True
    region[:4, :4, 3] = True
    flags = np.zeros(SHAPE, np.uint8)
    chosen = np.argwhere(region)
    flags[tuple(chosen[valid:].T)] = Quality.POOR_FIT
    whole = region if valid >= 32 else region & (flags == 0)
    value = summarise(np.ones(SHAPE, np.float32), flags, whole)
    assert value.quality == quality
    assert value.valid_voxels == valid


def test_a_region_that_is_mostly_invalid_has_no_value():
    flags = np.where(LESION, np.uint8(Quality.AT_BOUND), np.uint8(0))
    flags[3:5, 3:7, 3:6] = 0
    value = summarise(np.ones(SHAPE, np.float32), flags, LESION)
    assert value.quality == "none"
    assert "24 of 64" in value.reason
    assert np.isnan(value.p50)
