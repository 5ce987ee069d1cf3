"""Biomarkers of lesions with known signal, size and border."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vasotype.findings import Finding
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.lesions.biomarkers_interface import border_widths, sphericity
from vasotype.lesions.biomarkers_region import Region, ScanFacts, rate
from vasotype.lesions.boxes import instance_boxes
from vasotype.prepare.white_matter import WhiteMatterFinder
from vasotype.stages import Grid
from vasotype_models.contract import CHANNELS, ET, NETC, STRUCTURAL, Inference

SHAPE = (72, 72, 48)
FINE = dict.fromkeys(CHANNELS, 0.001)
T1, T1C, FLAIR, RCBV, KTRANS, TBR = map(
    CHANNELS.index, ("t1", "t1c", "flair", "rcbv", "ktrans", "tbr")
)
RING = {"at": (18, 36, 24), "core": 8, "necrosis": 5, "edema": 11}
NODULE = {"at": (18, 36, 24), "core": 6}
WHITE, GREY, FLUID = 100.0, 70.0, 20.0


@pytest.fixture
def study(scene):
    """A brain in three layers, with T1c twice as bright as T1, and lesions that enhance by 0.8.

    ``study([lesion...], channels=...)`` gives the prepared study and its lesions; ``rise`` is what
    their T1 signal rises by, where white matter has 100.
    """

    def build(lesions, channels=CHANNELS, scale=2.0, rise=80.0):
        prepared, maps = scene(lesions, channels=channels, shape=SHAPE)
        band = np.indices(SHAPE)[1] % 6
        tissue = np.select([band < 3, band < 5], [WHITE, GREY], FLUID).astype(np.float32)
        image = prepared.image.copy()
        image[T1] = tissue
        image[T1C] = tissue * scale
        core = maps.tissue[ET] + maps.tissue[NETC] > 0.5
        image[T1][core] = 60.0
        image[T1C][core] = (60.0 + 30.0) * scale
        image[T1C][maps.tissue[ET] > 0.5] = (60.0 + rise) * scale
        image[RCBV], image[KTRANS], image[TBR] = 3.0, 0.05, 1.0
        image[~np.array(prepared.present)] = 0.0
        prepared = replace(prepared, image=image)
        return prepared, find_lesions(prepared, maps, Inference())

    return build


FET = ScanFacts(pet_tracer="fet")


def measured(prepared, lesions, voxel_ml=FINE, facts=None):
    records = measure_biomarkers(prepared, lesions, voxel_ml, facts or ScanFacts())
    return [{b.name: b for b in own} for own in records]


def only(study, *args, voxel_ml=FINE, **kwargs):
    (found,) = measured(*study(*args, **kwargs), voxel_ml)
    return found


@pytest.mark.parametrize("scale", [0.5, 2.0, 30.0])
def test_enhancement_is_in_units_of_white_matter_whatever_the_scale_of_t1c(study, scale):
    found = only(study, [NODULE], scale=scale)
    assert found["enhancement_mean"].value == pytest.approx(0.8, abs=1e-5)
    assert found["enhancement_p95"].value == pytest.approx(0.8, abs=1e-5)
    assert found["enhancement_cv"].value == pytest.approx(0.0, abs=1e-5)
    assert found["minimal_enhancement"].value is False


def test_a_ring_has_a_thickness_and_a_ratio_to_its_core(study):
    found = only(study, [RING])
    assert found["enhancement_pattern"].value == "ring"
    assert found["rim_thickness"].value == pytest.approx(3.0, abs=0.5)
    assert found["rim_to_core"].value == pytest.approx(0.8 / 0.3, rel=1e-4)


def test_what_is_no_ring_has_no_rim(study):
    found = only(study, [NODULE])
    for name in ("rim_thickness", "rim_to_core"):
        assert found[name].value is None
        assert "does not enhance as a ring" in found[name].note


def test_edema_is_told_in_ml_and_against_the_tumor(study):
    prepared, lesions = study([RING])
    (found,) = measured(prepared, lesions)
    (lesion,) = lesions.lesions
    tumor_ml = lesion.enhancing_ml + lesion.non_enhancing_core_ml
    assert found["edema_volume"].value == lesion.edema_ml
    assert found["edema_ratio"].value == pytest.approx(lesion.edema_ml / tumor_ml)
    assert not found["edema_ratio_size_adjusted"].available


def test_blood_on_t1_is_found_by_white_matter(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    some = core & (np.indices(SHAPE)[2] < 24)
    prepared.image[T1][some] = 2 * WHITE
    (found,) = measured(prepared, lesions)
    assert found["t1_bright_fraction"].value == pytest.approx(some.sum() / core.sum())
    assert found["t1_bright_volume"].value == pytest.approx(some.sum() / 1000)
    assert "melanin" in found["t1_bright_fraction"].note


def test_faint_enhancement_leaves_relative_measures_undefined(study):
    found = only(study, [NODULE], rise=5.0)
    assert found["enhancement_mean"].value == pytest.approx(0.05, abs=1e-5)
    assert found["minimal_enhancement"].value is True
    assert found["enhancement_cv"].value is None
    assert found["low_enhancement_fraction"].value is None
    assert found["half_enhancement_fraction"].value is None


@pytest.mark.parametrize("rise", [5.0, 24.0, 26.0, 80.0])
@pytest.mark.parametrize("lesion", [NODULE, RING], ids=["nodule", "ring"])
def test_the_pattern_is_minimal_just_where_enhancement_is_minimal(study, lesion, rise):
    """T1c is twice as bright as T1 all over, so that the brain's own scales would say otherwise."""
    prepared, lesions = study([lesion], rise=rise)
    (found,) = measured(prepared, lesions)
    hardly = found["enhancement_p95"].value < 0.25
    assert found["minimal_enhancement"].value is hardly
    assert (found["enhancement_pattern"].value == "minimal") is hardly
    assert found["enhancement_pattern"].value == lesions.lesions[0].enhancement_pattern
    assert found["minimal_enhancement"].quality == "good"


def test_without_a_ratio_minimal_enhancement_is_of_low_quality(study):
    found = only(study, [NODULE], [c for c in CHANNELS if c != "t1"])
    assert found["minimal_enhancement"].quality == "low"
    assert "T1 before or after contrast is missing" in found["minimal_enhancement"].note


def test_the_degree_of_enhancement_tells_the_minutes_since_injection(study):
    prepared, lesions = study([NODULE])
    for minutes, said in ((None, "not known"), (4.5, "4.5 minutes after injection")):
        (found,) = measure_biomarkers(prepared, lesions, FINE, ScanFacts(minutes))
        notes = [b.note for b in found if b.id == "FE-02"]
        assert len(notes) == 2
        assert all(said in note for note in notes)


def test_a_patch_without_enhancement_counts_though_the_outline_leaves_it_out(study):
    prepared, lesions = study([NODULE])
    tumor = lesions.instances == 1
    whole = only(study, [NODULE])
    assert whole["half_enhancement_fraction"].value == 0.0
    middle = np.array(NODULE["at"]).reshape(3, 1, 1, 1)
    patch = np.abs(np.indices(SHAPE) - middle).max(axis=0) <= 2
    prepared.image[T1C][patch] = 2.0 * 65.0
    within = measured(prepared, lesions)[0]
    tissue = np.where(patch, 0, lesions.tissue)
    spared = replace(lesions, tissue=tissue, instances=np.where(patch, 0, lesions.instances))
    without = measured(prepared, spared)[0]
    for found in (within, without):
        assert found["half_enhancement_fraction"].value == pytest.approx(
            patch.sum() / tumor.sum(), abs=0.02
        )


def test_enhancement_of_one_half_is_patchier_than_of_all(study):
    prepared, lesions = study([NODULE])
    (whole,) = measured(prepared, lesions)
    half = (lesions.instances == 1) & (np.indices(SHAPE)[2] < 24)
    prepared.image[T1C][half] = 2.0 * 65.0
    (found,) = measured(prepared, lesions)
    assert found["enhancement_patchiness"].value > 1.5 * whole["enhancement_patchiness"].value


@pytest.mark.parametrize("missing", ["t1", "t1c"])
def test_without_t1_or_t1c_there_is_no_enhancement(study, missing):
    found = only(study, [NODULE], [c for c in CHANNELS if c != missing])
    for name in ("enhancement_mean", "enhancement_entropy", "enhancement_rim"):
        assert not found[name].available
        assert found[name].quality == "none"


def test_images_without_a_true_zero_have_no_ratio(study):
    prepared, lesions = study([NODULE])
    prepared.image[T1] -= 90.0
    (found,) = measured(prepared, lesions)
    assert "no true zero" in found["enhancement_mean"].note


def test_a_whole_head_has_no_white_matter_to_compare_with(study):
    prepared, lesions = study([NODULE])
    lost = (Finding("not-skull-stripped", "a head"), Finding("implausible-brain-volume", "3 L"))
    prepared = replace(prepared, findings=lost)
    (found,) = measured(prepared, lesions)
    for name in ("enhancement_mean", "t1_bright_fraction", "border_width"):
        assert "whole head" in found[name].note


def test_white_matter_is_bright_deep_and_away_from_labels(study):
    prepared, lesions = study([NODULE])
    mask = WhiteMatterFinder.of(prepared, lesions.tissue).mask
    assert (prepared.image[T1][mask] == WHITE).all()
    assert not (mask & ~ndimage.binary_erosion(prepared.mask, iterations=5)).any()
    assert ndimage.distance_transform_edt(lesions.tissue == 0)[mask].min() >= 10


def test_the_other_side_is_the_reference(study):
    prepared, lesions = study([NODULE])
    prepared.image[T1][36:] *= 1.25
    finder = WhiteMatterFinder.of(prepared, lesions.tissue)
    assert finder.opposite(18.0).t1 == pytest.approx(1.25 * WHITE)
    assert finder.opposite(35.0).both_sides


def test_maps_are_summarised_over_the_tumor(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    prepared.image[RCBV][core] = np.linspace(1.0, 5.0, core.sum())
    prepared.image[KTRANS][core] = np.linspace(0.0001, 0.2, core.sum())
    (found,) = measured(prepared, lesions)
    assert found["rcbv_mean"].value == pytest.approx(3.0, rel=1e-3)
    assert found["rcbv_p90"].value == pytest.approx(4.6, rel=1e-3)
    assert found["rcbv_max"].value == pytest.approx(4.92, rel=1e-3)
    shares = [
        found[f"ktrans_{n}_fraction"].value for n in ("below_0.02", "0.02_to_0.10", "above_0.10")
    ]
    assert shares == pytest.approx([0.1, 0.4, 0.5], abs=0.01)


def test_one_block_is_less_patchy_than_a_mixture(study):
    values = {}
    place = np.indices(SHAPE)
    random = np.random.default_rng(0).random(SHAPE)
    for name, tight in (("block", place[0] > 18), ("mixed", random > 0.5)):
        prepared, lesions = study([RING])
        prepared.image[KTRANS] = np.where(tight, 0.005, 0.15)
        (found,) = measured(prepared, lesions)
        values[name] = found["ktrans_patchiness"].value
    assert values["block"] < 0.6
    assert values["mixed"] == pytest.approx(1.0, abs=0.1)


def test_a_tumor_with_one_kind_of_barrier_has_no_patchiness(study):
    assert "fills the tumor" in only(study, [RING])["ktrans_patchiness"].note
    without = only(study, [RING], channels=STRUCTURAL)["ktrans_patchiness"]
    assert without.value is None


def test_voxels_without_a_value_do_not_count(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    low = np.indices(SHAPE)[2] < 22
    prepared.image[RCBV][core & low] = 0.0
    (found,) = measured(prepared, lesions)
    assert found["rcbv_mean"].value == pytest.approx(3.0)
    prepared.image[RCBV][core & (np.indices(SHAPE)[2] < 26)] = 0.0
    (found,) = measured(prepared, lesions)
    assert found["rcbv_mean"].value is None
    assert "of the region has a value" in found["rcbv_mean"].note


def test_resampling_makes_no_evidence(study):
    """A 12 mm nodule of about 900 voxels holds about 11 voxels of 80 mm3."""
    coarse = only(study, [NODULE], voxel_ml=FINE | {"rcbv": 0.080, "ktrans": 1.0})
    assert coarse["rcbv_mean"].quality == "low"
    assert coarse["ktrans_tumor_mean"].value is None
    assert coarse["enhancement_mean"].quality == "good"


def test_pet_is_silent_below_ten_millimetres(study):
    small = only(study, [{"at": (18, 36, 24), "core": 4}])
    assert small["tbr_max"].value is None
    assert "below 10 mm" in small["tbr_max"].note


def test_pet_tells_ratio_and_volume(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    prepared.image[TBR][core] = 2.5
    (found,) = measured(prepared, lesions, facts=FET)
    assert found["tbr_max"].value == found["tbr_mean"].value == pytest.approx(2.5)
    assert found["tbr_volume"].value == pytest.approx(core.sum() / 1000)
    assert found["tbr_max"].quality == "good"
    prepared.image[TBR] = 1.2
    (found,) = measured(prepared, lesions, facts=FET)
    assert found["tbr_mean"].value is None
    assert found["tbr_volume"].value == 0


@pytest.mark.parametrize(("tracer", "word"), [("fdopa", "FDOPA"), ("met", "MET"), (None, "known")])
def test_the_limits_of_fet_hold_for_no_other_tracer(study, tracer, word):
    prepared, lesions = study([NODULE])
    prepared.image[TBR][lesions.instances == 1] = 2.5
    (found,) = measured(prepared, lesions, facts=ScanFacts(pet_tracer=tracer))
    assert (found["tbr_max"].value, found["tbr_max"].quality) == (2.5, "low")
    for name in ("tbr_max", "tbr_mean", "tbr_volume"):
        assert word in found[name].note
    assert found["tbr_mean"].value is found["tbr_volume"].value is None


def test_one_lesion_s_tumor_is_not_another_s_front(study):
    prepared, lesions = study([NODULE, {"at": (18, 50, 24), "core": 6}])
    prepared.image[RCBV][lesions.instances == 2] = 50.0
    first, _ = measured(prepared, lesions)
    assert first["rcbv_front"].value == pytest.approx(3.0)


def test_every_definition_is_listed_with_a_reason_where_it_has_no_value(study):
    for channels in (CHANNELS, ("flair",)):
        records = measure_biomarkers(*study([RING], channels), FINE)[0]
        assert {b.id for b in records} == {f"FE-{n:02d}" for n in range(1, 17)}
        names = [b.name for b in records]
        assert len(names) == len(set(names))
        for b in records:
            assert b.available == (b.value is not None) == (b.quality != "none")
            assert b.available or b.note


def test_a_study_without_lesions_has_no_biomarkers(study):
    assert measure_biomarkers(*study([]), FINE) == ()


@pytest.mark.parametrize(
    ("samples", "share", "quality"),
    [(4.9, 1, "none"), (5, 1, "low"), (19, 1, "low"), (20, 1, "good"), (500, 0.49, "none")],
)
def test_values_of_few_acquired_voxels_are_worth_less(samples, share, quality):
    assert rate(samples, share)[0] == quality


@settings(max_examples=8, deadline=None)
@given(sigma=st.floats(1.0, 2.0), radius=st.floats(7.5, 9.0))
def test_the_border_s_width_is_that_of_the_blur(sigma, radius):
    """A plane blurred by a Gaussian falls from 90 to 10 % over 2.56 sigma."""
    region = ball_region(radius, sigma)
    widths, tried = border_widths(region, contrast=10.0)
    assert len(widths) > 0.9 * tried
    assert np.median(widths) == pytest.approx(2.563 * sigma, rel=0.15)


def test_a_border_without_contrast_has_no_width():
    widths, _ = border_widths(ball_region(8.0, 1.0), contrast=500.0)
    assert len(widths) == 0


@pytest.mark.parametrize("radius", [3, 5, 8])
def test_balls_are_round(radius):
    distance = np.linalg.norm(np.indices((30, 30, 30)) - 15.0, axis=0)
    assert sphericity(distance <= radius, Grid((30, 30, 30), np.eye(4))) > 0.96


@pytest.mark.parametrize("radius", [2.5, 4.0])
def test_rods_are_less_round_by_their_shape(radius):
    x, y, z = np.indices((30, 30, 40)) - 15.3
    rod = (np.hypot(x, y) <= radius) & (np.abs(z - 4) <= 15)
    volume, area = np.pi * radius**2 * 30, 2 * np.pi * radius * (30 + radius)
    expected = np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area
    assert sphericity(rod, Grid((30, 30, 40), np.eye(4))) == pytest.approx(expected, rel=0.06)


def ball_region(radius, sigma):
    """A ball of 300 on 100, blurred, in a brain that fills the grid."""
    shape = (40, 40, 40)
    distance = np.linalg.norm(np.indices(shape) - 19.5, axis=0)
    tumor = distance <= radius
    step = np.clip(radius + 0.5 - distance, 0, 1)  # partial volume at the border
    picture = ndimage.gaussian_filter(100.0 + 200.0 * step, sigma)
    nothing = np.zeros(shape, bool)
    return Region(
        lesion=None,
        grid=Grid(shape, np.eye(4)),
        images={"t1c": picture.astype(np.float32)},
        tumor=tumor,
        enhancing=tumor,
        necrotic=nothing,
        edema=nothing,
        rim=nothing,
        front=nothing,
        outside=~tumor,
        voxel_ml={},
    )


def test_the_region_of_a_lesion_knows_its_rim_front_and_edema(study):
    prepared, lesions = study([RING])
    (box,) = instance_boxes(lesions.instances)
    region = Region.of(prepared, lesions, lesions.lesions[0], box, FINE)
    assert region.tumor.sum() == (lesions.instances == 1).sum()
    assert region.rim.sum() < region.tumor.sum()
    assert not (region.front & region.tumor).any()
    assert region.edema.sum() == ((lesions.owner == 1) & (lesions.instances == 0)).sum()


@pytest.mark.parametrize("away", [0, 8])
def test_a_lesion_knows_how_far_it_lies_from_grey_matter(scene, away):
    shape = (88, 88, 88)
    lesion = {"at": (44 + away, 44, 44), "core": 5, "edema": 8}
    prepared, maps = scene([lesion], channels=("t1", "t1c"), shape=shape)
    radius = np.sqrt(((np.indices(shape) - 44) ** 2).sum(axis=0))
    image = prepared.image.copy()
    image[T1] = np.select([radius < 24, radius < 32], [WHITE, GREY], FLUID)
    image[T1C] = image[T1]
    image[:2][:, maps.tissue[0] < 0.5] = 45.0
    prepared = replace(prepared, image=image, mask=radius < 40)
    lesions = find_lesions(prepared, maps, Inference())
    (found,) = measured(prepared, lesions)
    record = found["distance_to_grey_white_border"]
    assert record.value == pytest.approx(24 - away, abs=1.0)
    assert (record.id, record.unit, record.quality) == ("FE-15", "mm", "low")


def test_without_t1_there_is_no_border_to_measure_to(study):
    prepared, lesions = study([NODULE], channels=("flair",))
    record = measured(prepared, lesions)[0]["distance_to_grey_white_border"]
    assert record.value is None
    assert "T1" in record.note
