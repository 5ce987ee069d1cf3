"""The perfusion stage: series and maps become channels that are relative to white matter."""

from dataclasses import replace

import numpy as np
import pytest
from vasotype.engine import Engine
from vasotype.findings import StudyError
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.perfusion import DceSettings, DynamicSeries, InputCurve, PerfusionSeries
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.models import extended_tofts
from vasotype.perfusion.place import check_place, quantity_map, share_of
from vasotype.perfusion.quality import Quality
from vasotype.perfusion.signal import spgr_signal
from vasotype.perfusion.stage import measure_perfusion
from vasotype.phenotype.reading import lesion_inputs
from vasotype.prepare.white_matter import WhiteMatterFinder
from vasotype.stages import Grid, Study, Volume
from vasotype_models.contract import CHANNELS, STRUCTURAL
from vasotype_models.registry import resolve

RCBV, KTRANS, T1 = (CHANNELS.index(c) for c in ("rcbv", "ktrans", "t1"))
LESION = {"at": (16, 32, 32), "core": 10}
SHAPE = (64, 64, 64)
TIMES = np.arange(50) * 1.5
TRUE_RCBV, TRUE_KTRANS = 3.0, 0.12


@pytest.fixture(scope="module")
def inference():
    return Engine.load(resolve("default"), "cpu", threads=1).contract


@pytest.fixture
def patient(scene, inference):
    """Prepared study with white matter in the right half's middle, and its lesion."""

    def build(channels=STRUCTURAL):
        prepared, maps = scene([LESION], channels=channels, shape=SHAPE)
        prepared.image[T1] = np.where(white(), 140.0, 90.0) * prepared.mask
        return prepared, maps, find_lesions(prepared, maps, inference.inference)

    return build


def white():
    x = np.arange(SHAPE[0])[:, None, None]
    return np.broadcast_to((x > 40) & (x < 56), SHAPE)


def coarse(prepared):
    """A grid of 2 x 2 x 4 mm over the prepared one."""
    affine = prepared.grid.affine @ np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = (prepared.grid.affine @ [0.5, 0.5, 1.5, 1])[:3]
    return Grid((32, 32, 16), affine)


def on_coarse(values):
    return values.reshape(32, 2, 32, 2, 16, 4).mean(axis=(1, 3, 5))


def dsc_series(prepared, lesions, scale=1.0):
    volume = np.where(white(), 1.0, 2.2)
    volume[lesions.instances > 0] = TRUE_RCBV
    passage = 8.0 * parker_blood(TIMES, 22.0) / parker_blood(TIMES, 22.0).max()
    curves = on_coarse(volume * prepared.mask)[..., None] * passage
    signal = 1000 * np.exp(-0.03 * scale * curves) * (on_coarse(prepared.mask) > 0.5)[..., None]
    return DynamicSeries(signal.astype(np.float32), coarse(prepared), TIMES, "dsc", 0.03)


def dce_series(prepared, lesions):
    times = np.arange(50) * 5.0
    ktrans = np.full(SHAPE, 1e-3)
    ktrans[lesions.instances > 0] = TRUE_KTRANS
    plasma = plasma_from_blood(parker_blood(times, 40.0))
    leak = on_coarse(ktrans).ravel() / 60
    ve, vp = np.full(leak.shape, 0.3), np.full(leak.shape, 0.02)
    conc = extended_tofts(plasma, times, leak, ve, vp).T.reshape(32, 32, 16, -1)
    signal = spgr_signal(np.array(9000.0), 1 / 1.4 + 4.5 * conc, 0.005, np.radians(20.0))
    return DynamicSeries(
        signal.astype(np.float32), coarse(prepared), times, "dce", None, 0.005, 20.0
    )


def study(prepared, **series):
    volumes = dict.fromkeys(prepared.channels, prepared.native)
    return Study("made", volumes, perfusion=PerfusionSeries(**series) if series else None)


def biomarkers(prepared, lesions):
    return {b.name: b for b in measure_biomarkers(prepared, lesions, {})[0]}


def test_a_dsc_series_becomes_blood_volume_over_white_matter(patient):
    prepared, _, lesions = patient()
    series = dsc_series(prepared, lesions)
    enriched, perfusion = measure_perfusion(study(prepared, dsc=series), prepared, lesions)
    assert "rcbv" in enriched.channels
    core = lesions.instances > 0
    assert np.median(enriched.image[RCBV][core]) == pytest.approx(TRUE_RCBV, rel=0.1)
    assert np.median(enriched.image[RCBV][white() & prepared.mask]) == pytest.approx(1, rel=0.02)
    measured = biomarkers(enriched, lesions)
    assert measured["rcbv_mean"].value == pytest.approx(TRUE_RCBV, rel=0.1)
    assert measured["rcbv_uncorrected"].available
    assert measured["leakage_k2"].value == pytest.approx(0.0, abs=1e-3)
    (record,) = perfusion.record.series
    assert (record.kind, record.volumes, record.echo_time_s) == ("dsc", 50, 0.03)
    assert perfusion.record.rcbv_factor == pytest.approx(1, abs=0.05)


def test_a_dce_series_becomes_ktrans_vp_and_ve(patient):
    prepared, _, lesions = patient()
    series = dce_series(prepared, lesions)
    enriched, perfusion = measure_perfusion(study(prepared, dce=series), prepared, lesions)
    measured = biomarkers(enriched, lesions)
    assert measured["ktrans_tumor_p50"].value == pytest.approx(TRUE_KTRANS, rel=0.1)
    assert measured["ve_tumor_p50"].value == pytest.approx(30, rel=0.15)
    assert measured["vp_tumor_p50"].value == pytest.approx(2, abs=0.7)
    assert perfusion.record.series[0].t1_source == "assumed"
    assert enriched.image[KTRANS].min() >= 0


def test_ktrans_whose_scale_is_assumed_throughout_is_of_low_quality(patient):
    prepared, _, lesions = patient()
    series = dce_series(prepared, lesions)
    times = series.times_s
    given = InputCurve(times, parker_blood(times, 40.0), "blood")
    assumed, _ = measure_perfusion(study(prepared, dce=series), prepared, lesions)
    curve = study(prepared, dce=series, dce_input=given)
    measured, _ = measure_perfusion(curve, prepared, lesions)
    for name in ("ktrans_tumor_mean", "ktrans_above_0.10_fraction", "vp_tumor_p50"):
        rough, better = (biomarkers(one, lesions)[name] for one in (assumed, measured))
        assert (rough.quality, better.quality) == ("low", "good")
        assert "T1 and the arterial input are both assumed" in rough.note
        assert better.note is None


def test_a_known_dose_scales_the_population_input(patient):
    prepared, _, lesions = patient()
    series = dce_series(prepared, lesions)

    def ktrans(dose):
        known = study(prepared, dce=series, dce_settings=DceSettings(dose_mmol_per_kg=dose))
        enriched, perfusion = measure_perfusion(known, prepared, lesions)
        assert f"{dose:g} mmol/kg" in perfusion.record.series[0].arterial_input
        return biomarkers(enriched, lesions)["ktrans_tumor_p50"].value

    assert ktrans(0.05) == pytest.approx(2 * ktrans(0.1), rel=0.02)


def test_a_map_in_any_unit_becomes_relative_and_a_ratio_stays_one(patient):
    for scale in (1.0, 250.0):
        prepared, _, lesions = patient((*STRUCTURAL, "rcbv"))
        prepared.image[RCBV] = scale * np.where(white(), 1.0, 2.0)
        enriched, perfusion = measure_perfusion(study(prepared), prepared, lesions)
        assert perfusion.record.rcbv_factor == pytest.approx(scale)
        assert np.median(enriched.image[RCBV][white()]) == pytest.approx(1)


def tier(prepared, maps, lesions, inference):
    measured = measure_biomarkers(prepared, lesions, {})
    return lesion_inputs(prepared, maps, lesions, measured, inference)[0].tier


def without_white_matter(prepared):
    """The study without T1 and T1c, by which white matter is told."""
    return replace(prepared, present=(False, False, *prepared.present[2:]))


RATIOS = ("rcbv_mean", "rcbv_p50", "rcbv_p75", "rcbv_p90", "rcbv_p95", "rcbv_max")


def test_a_map_in_any_unit_without_white_matter_is_no_blood_volume(patient, inference):
    prepared, maps, lesions = patient((*STRUCTURAL, "rcbv"))
    assert tier(prepared, maps, lesions, inference) == "dsc"
    prepared.image[RCBV] = 250.0
    bare = without_white_matter(prepared)
    enriched, perfusion = measure_perfusion(study(bare), bare, lesions)
    found = biomarkers(enriched, lesions)
    for name in (*RATIOS, "rcbv_rim", "rcbv_front"):
        assert not found[name].available
        assert found[name].note.startswith("no reference tissue")
    assert perfusion.record.rcbv_factor is None
    assert enriched.findings[-1].code == "rcbv-not-normalised"
    assert enriched.channels == ("t2", "flair")  # the network takes the channel for a ratio
    assert not enriched.image[RCBV].any()
    assert tier(enriched, maps, lesions, inference) == "structural"


def test_a_series_without_white_matter_gives_leakage_and_no_blood_volume(patient, inference):
    prepared, maps, lesions = patient()
    series = dsc_series(prepared, lesions)
    bare = without_white_matter(prepared)
    enriched, perfusion = measure_perfusion(study(bare, dsc=series), bare, lesions)
    found = biomarkers(enriched, lesions)
    assert perfusion.dsc.reference == "normal brain"
    for name in (*RATIOS, "rcbv_uncorrected", "rcbv_rim"):
        assert found[name].note.startswith("no reference tissue")
    assert found["leakage_k2"].available
    assert tier(enriched, maps, lesions, inference) == "structural"


@pytest.mark.parametrize(
    ("acquired", "quality"), [(19, "none"), (21, "low"), (199, "low"), (201, "good")]
)
def test_blood_volume_is_worth_what_its_reference_is(patient, acquired, quality):
    prepared, _, lesions = patient((*STRUCTURAL, "rcbv"))
    core = lesions.instances > 0
    found = WhiteMatterFinder.of(prepared, lesions.tissue).reference(core)
    reference = np.argwhere(found)
    voxels = 8  # of the prepared grid in one of the map's
    known = np.zeros(SHAPE, bool)
    known[tuple(reference[: acquired * voxels].T)] = True
    prepared.image[RCBV] = np.where(core, 3.0, np.where(known, 1.0, 0.0))
    given = study(prepared)
    map_ = Volume(prepared.image[RCBV], Grid((32, 32, 32), np.diag([2.0, 2.0, 2.0, 1.0])))
    given = replace(given, volumes={**given.volumes, "rcbv": map_})
    enriched, _ = measure_perfusion(given, prepared, lesions)
    measured = biomarkers(enriched, lesions)["rcbv_mean"]
    assert measured.quality == quality
    assert measured.value == (None if quality == "none" else pytest.approx(3.0))
    if quality == "low":
        assert "fewer than 200 voxels of normal white matter" in measured.note


def test_a_series_that_cannot_be_analysed_is_left_out_and_the_rest_goes_on(patient):
    prepared, _, lesions = patient()
    flat = replace(dsc_series(prepared, lesions), signal=np.ones((32, 32, 16, 50), np.float32))
    enriched, perfusion = measure_perfusion(study(prepared, dsc=flat), prepared, lesions)
    assert enriched.channels == STRUCTURAL
    assert perfusion.dsc is None
    assert [f.code for f in enriched.findings] == ["perfusion-failed"]


def test_a_given_map_wins_over_its_series(patient):
    prepared, _, lesions = patient((*STRUCTURAL, "rcbv"))
    series = dsc_series(prepared, lesions)
    prepared.image[RCBV] = np.where(white(), 1.0, 5.0)
    enriched, _ = measure_perfusion(study(prepared, dsc=series), prepared, lesions)
    assert np.median(enriched.image[RCBV][lesions.instances > 0]) == pytest.approx(5)
    assert [f.code for f in enriched.findings] == ["series-not-used"]


def test_without_series_and_blood_volume_nothing_changes(patient):
    prepared, _, lesions = patient()
    enriched, perfusion = measure_perfusion(study(prepared), prepared, lesions)
    assert enriched is prepared
    assert perfusion.record is None


def test_a_lesion_without_valid_values_falls_back_to_the_tier_of_what_it_has(patient, inference):
    prepared, maps, lesions = patient()
    series = dsc_series(prepared, lesions), dce_series(prepared, lesions)
    both = study(prepared, dsc=series[0], dce=series[1])
    enriched, _ = measure_perfusion(both, prepared, lesions)

    assert tier(enriched, maps, lesions, inference) == "both"
    ktrans = enriched.computed["ktrans"]
    poor = replace(
        ktrans,
        values=np.full_like(ktrans.values, np.nan),
        quality=np.full_like(ktrans.quality, int(Quality.POOR_FIT)),
    )
    spoiled = replace(enriched, computed={**enriched.computed, "ktrans": poor})
    assert tier(spoiled, maps, lesions, inference) == "dsc"
    assert "fits the model poorly" in biomarkers(spoiled, lesions)["ktrans_tumor_mean"].note


def test_a_lesion_that_is_a_vessel_has_no_blood_volume(patient):
    prepared, _, lesions = patient()
    series = dsc_series(prepared, lesions)
    enriched, _ = measure_perfusion(study(prepared, dsc=series), prepared, lesions)
    rcbv = enriched.computed["rcbv"]
    vessel = replace(
        rcbv,
        values=np.full_like(rcbv.values, np.nan),
        quality=np.full_like(rcbv.quality, int(Quality.VESSEL)),
    )
    spoiled = replace(enriched, computed={**enriched.computed, "rcbv": vessel})
    assert biomarkers(spoiled, lesions)["rcbv_mean"].note == "100% of it is vessel"


def test_values_come_back_from_valid_voxels_only():
    source = Grid((4, 4, 4), np.diag([2.0, 2.0, 2.0, 1.0]))
    target = Grid((7, 7, 7), np.eye(4))
    values = np.full((4, 4, 4), 2.0, np.float32)
    values[0] = 100.0
    quality = np.zeros((4, 4, 4), np.uint8)
    quality[0] = int(Quality.POOR_FIT)
    placed = quantity_map(values, quality, quality == 0, (source, target))
    assert np.isnan(placed.values[0]).all()
    assert placed.values[2:] == pytest.approx(2.0)
    assert placed.voxel_ml == pytest.approx(0.008)


def test_a_share_counts_how_much_of_a_voxel_a_mask_fills():
    fine = Grid((16, 16, 16), np.eye(4))
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = 1.5
    mask = np.zeros((16, 16, 16), bool)
    mask[:8] = True
    share = share_of(mask, fine, Grid((4, 4, 4), affine))
    assert share[0] == pytest.approx(1.0, abs=0.05)
    assert share[3] == pytest.approx(0.0, abs=0.05)


def test_a_series_of_another_place_is_refused(patient):
    prepared, _, lesions = patient()
    series = dsc_series(prepared, lesions)
    with pytest.raises(StudyError) as refusal:
        check_place(series, series.signal[..., 0] == 0)
    assert refusal.value.code == "series-misplaced"
