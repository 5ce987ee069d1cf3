"""Whole DCE series: a small brain with a leaking lesion, back to its true values."""

from dataclasses import replace

import numpy as np
import pytest
from small_brain import ARTERY, BRAIN, GRID, LESION, SHAPE, WHITE
from vasotype.findings import StudyError
from vasotype.perfusion import (
    DceInputs,
    DceSettings,
    DynamicSeries,
    FlipAngleImages,
    InputCurve,
    analyse_dce,
    summarise,
    valid_voxels,
)
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.models import extended_tofts
from vasotype.perfusion.signal import spgr_signal

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
