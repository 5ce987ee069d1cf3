import numpy as np
import pytest
from vasotype.engine import Engine, find_model
from vasotype_models.contract import CHANNELS, STRUCTURAL
from vasotype_training.lesion_crops import (
    APART_MM,
    CropOptions,
    draw_patient,
    scan_patient,
    with_linked_primary,
    without_edema_link,
)
from vasotype_training.measured_lesions import TIERS, measure_crop


def patient_of(ball, options):
    return draw_patient(ball, (), options, np.random.default_rng(3), np.random.default_rng(4))


@pytest.fixture(scope="module")
def visits(ball):
    patient, rng = patient_of(ball, CropOptions()), np.random.default_rng(5)
    return [scan_patient(patient, CropOptions(), rng) for _ in range(2)]


def test_lesions_of_a_crop_lie_apart(visits):
    plans = visits[0].scene.plans
    assert len(plans) >= 2
    for n, one in enumerate(plans):
        for other in plans[:n]:
            away = np.linalg.norm(np.subtract(one.centre, other.centre))
            assert away >= (one.diameter_mm + other.diameter_mm) / 2 + APART_MM


def test_a_crop_is_a_study_with_every_channel_and_no_signal_outside_the_brain(visits):
    prepared = visits[0].prepared
    assert prepared.channels == CHANNELS
    assert not prepared.image[:, ~prepared.mask].any()
    structural = prepared.image[: len(STRUCTURAL), prepared.mask]
    assert (structural > 0).all()


def test_two_visits_show_the_same_patient_scanned_anew(visits):
    first, second = visits
    assert np.array_equal(first.scene.instances, second.scene.instances)
    assert not np.array_equal(first.prepared.image, second.prepared.image)


def test_measured_lesions_carry_an_answer_of_every_tier(visits):
    engine = Engine.load(find_model("default"), "cpu", 1)
    truths = {truth.id for truth in visits[0].scene.truth}
    for lesion in measure_crop(engine, visits[0], patient=4):
        assert lesion.patient == 4
        assert lesion.truth in truths
        assert set(lesion.answers) == set(TIERS)
        assert lesion.lesion.model_diameter_mm >= 5


def test_edema_and_primary_are_changed_without_touching_the_rest(visits):
    rng = np.random.default_rng(5)
    for plan in visits[0].scene.plans:
        dry = without_edema_link(plan, rng)
        assert dry.biology == plan.biology
        assert (dry.edema_ml == 0) == (plan.edema_ml == 0)
        linked = with_linked_primary(plan, rng)
        assert linked.biology.ktrans_per_min == plan.biology.ktrans_per_min
        assert linked.edema_ml == plan.edema_ml


def test_a_change_of_blood_volume_leaves_the_patient_as_it_is(ball):
    usual = patient_of(ball, CropOptions()).scene
    changed = patient_of(ball, CropOptions(change=with_linked_primary)).scene
    assert np.array_equal(usual.instances, changed.instances)
    assert np.array_equal(usual.images["flair"], changed.images["flair"])
    assert np.array_equal(usual.maps["ktrans"], changed.maps["ktrans"])
    assert not np.array_equal(usual.maps["rcbv"], changed.maps["rcbv"])


def test_a_patient_with_series_has_these_in_place_of_maps(ball):
    options = CropOptions(series=True)
    crop = scan_patient(patient_of(ball, options), options, np.random.default_rng(5))
    assert crop.prepared.channels == (*STRUCTURAL, "tbr")
    assert crop.series.dsc.signal.shape[-1] == len(crop.series.dsc.times_s)
    assert crop.series.dce.grid.voxel_ml > 5 * crop.prepared.grid.voxel_ml
    assert len(crop.series.flip_angles.flip_angles_deg) == len(crop.series.flip_angles.signal)


def test_a_patient_without_t1_is_the_same_patient(visits):
    reduced = visits[0].with_only(("t1c", "flair", "rcbv"))
    assert reduced.prepared.channels == ("t1c", "flair", "rcbv")
    assert reduced.scene is visits[0].scene


def test_answers_stand_under_the_name_of_the_numbers_they_are_read_with(visits):
    engine = Engine.load(find_model("default"), "cpu", 1)
    reduced = visits[0].with_only(("t1c", "flair", "rcbv", "tbr"))
    for lesion in measure_crop(engine, reduced, 0, pet=True):
        assert set(lesion.answers) == {"structural-t1", "dsc-t1"}
