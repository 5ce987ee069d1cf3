import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.phenotype import adjust_edema, lesion_inputs, read_phenotypes
from vasotype.phenotype.answers import lesion_views
from vasotype.phenotype.pooling import pool, prediction_set, sigmoid, viable_voxels
from vasotype.phenotype.reading import tier_of
from vasotype_models.contract import (
    CHANNELS,
    ET,
    MODES,
    NETC,
    STRUCTURAL,
    Calibration,
    EdemaSize,
    Inference,
    read_contract,
)
from vasotype_models.registry import resolve

TIERS = ("structural", "dsc", "dce", "both")
NODULE = {"at": (24, 24, 24), "core": 6}
OFF_CENTRE = {"at": (18, 36, 36), "core": 6}
ROOM = (72, 72, 72)
"""A brain of this size has normal white matter 10 mm away from that lesion."""
T1 = CHANNELS.index("t1")


def calibration(threshold=0.5, **temperature):
    return Calibration(
        source="made",
        temperature={**dict.fromkeys(TIERS, 1.0), **temperature},
        mimicry_temperature=dict.fromkeys(TIERS, 1.0),
        mimicry_threshold=0.6,
        conformal_threshold={tier: dict.fromkeys(MODES, threshold) for tier in TIERS},
        edema_size=EdemaSize(intercept=math.log(1.8), slope=0.0),
        lesions=dict.fromkeys(TIERS, 0),
    )


def read(prepared, maps, calibrated=None):
    contract = read_contract(resolve("default"))
    calibrated = calibrated or calibration()
    lesions = find_lesions(prepared, maps, contract.inference)
    measured = measure_biomarkers(prepared, lesions, {})
    biomarkers = adjust_edema(measured, lesions, calibrated.edema_size)
    inputs = lesion_inputs(prepared, maps, lesions, biomarkers, contract)
    return read_phenotypes(prepared, lesions, inputs, calibrated)


def with_mimicry(maps, logit=3.0):
    habitat = maps.habitat.copy()
    habitat[3] = logit
    return replace(maps, habitat=habitat)


def test_the_lesion_s_logits_become_probabilities(scene):
    (phenotype,) = read(*scene([NODULE]))
    modes = phenotype.probabilities
    assert modes.angiogenic == pytest.approx(np.exp(2) / (np.exp(2) + 2))
    assert modes.angiogenic + modes.intermediate + modes.co_option == pytest.approx(1.0)
    assert phenotype.label == "angiogenic"
    assert phenotype.low_permeability_share == pytest.approx(0.5)


def test_each_lesion_is_read_on_its_own(scene):
    prepared, maps = scene([NODULE, {"at": (40, 40, 40), "core": 4}])
    maps.habitat[2, 34:, 34:, 34:] = 8.0
    first, second = read(prepared, maps)
    assert first.label == "angiogenic"
    assert second.label == "co_option"


def test_a_higher_temperature_makes_the_leaning_less_sure(scene):
    cold, warm = (read(*scene([NODULE]), calibration(structural=t))[0] for t in (1.0, 3.0))
    assert warm.probabilities.angiogenic < cold.probabilities.angiogenic


@pytest.mark.parametrize(
    ("channels", "tier"),
    [
        ((), "structural"),
        (("rcbv",), "dsc"),
        (("ktrans",), "dce"),
        (("rcbv", "ktrans", "tbr"), "both"),
        (("tbr",), "structural"),
    ],
)
def test_the_tier_follows_from_the_maps_that_are_there(channels, tier):
    assert tier_of((*STRUCTURAL, *channels)) == tier


def test_the_tier_s_own_temperature_is_used(scene):
    prepared, maps = scene([NODULE], channels=(*STRUCTURAL, "rcbv"))
    (phenotype,) = read(prepared, maps, calibration(dsc=1e6))
    assert phenotype.tier == "dsc"
    assert phenotype.probabilities.angiogenic == pytest.approx(1 / 3, abs=1e-4)


def test_enhancing_voxels_speak_for_a_lesion():
    tissue = np.full((10, 1, 1), NETC, np.uint8)
    tissue[:2] = ET
    lesion = np.ones(tissue.shape, bool)
    assert viable_voxels(tissue, lesion, 0.1).sum() == 2


def test_all_core_speaks_for_a_lesion_that_hardly_enhances():
    tissue = np.full((20, 1, 1), NETC, np.uint8)
    tissue[:1] = ET
    lesion = np.ones(tissue.shape, bool)
    assert viable_voxels(tissue, lesion, 0.1).sum() == 20


def test_logits_are_pooled_before_they_become_probabilities():
    habitat = np.zeros((5, 2, 1, 1), np.float32)
    habitat[0, :, 0, 0] = 4.0, -2.0
    everywhere, nowhere = np.ones((2, 1, 1), bool), np.zeros((2, 1, 1), bool)
    pooled = pool(habitat, everywhere, nowhere, 0.5)
    assert pooled.mode_logits == pytest.approx(np.array([1.0, 0.0, 0.0]))


def test_what_the_brain_about_a_lesion_says_too_is_taken_off():
    habitat = np.zeros((5, 2, 1, 1), np.float32)
    habitat[2, :, 0, 0] = 3.0, 2.0
    inside, around = np.zeros((2, 2, 1, 1), bool)
    inside[0], around[1] = True, True
    pooled = pool(habitat, inside, around, 0.5)
    assert pooled.mode_logits == pytest.approx(np.array([0.0, 0.0, 2.0]))


def test_the_shell_about_a_lesion_holds_brain_and_no_other_lesion(scene):
    prepared, maps = scene([{"at": (24, 24, 24), "core": 5}, {"at": (24, 24, 34), "core": 3}])
    inference = Inference()
    lesions = find_lesions(prepared, maps, inference)
    brain = prepared.mask.copy()
    brain[:20] = False
    view = next(iter(lesion_views(lesions, brain, inference)))
    assert view.around.any()
    assert not (view.around & (lesions.instances[view.box] > 0)).any()
    assert brain[view.box][view.around].all()


triples = st.tuples(*[st.floats(0.01, 1.0)] * 3).map(lambda t: np.array(t) / sum(t))


@settings(max_examples=100, deadline=None)
@given(p=triples, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_prediction_set_holds_the_likeliest_and_grows_with_its_thresholds(p, low, high):
    low, high = sorted((low, high))
    narrow = prediction_set(p, dict.fromkeys(MODES, low))
    wide = prediction_set(p, dict.fromkeys(MODES, high))
    assert MODES[int(p.argmax())] in narrow
    assert set(narrow) <= set(wide)
    assert {m for m, q in zip(MODES, p, strict=True) if 1 - q <= low} <= set(narrow)


def test_a_label_is_supported_when_it_is_alone_in_the_set(scene):
    (sure,) = read(*scene([NODULE]), calibration(threshold=0.5))
    (unsure,) = read(*scene([NODULE]), calibration(threshold=0.95))
    assert sure.prediction_set == ("angiogenic",)
    assert sure.label_supported
    assert unsure.prediction_set == MODES
    assert not unsure.label_supported


def test_a_lesion_below_5_mm_gets_no_label(scene):
    (phenotype,) = read(*scene([{"at": (24, 24, 24), "core": 1.5}]))
    assert phenotype.abstained
    assert phenotype.label is None
    assert phenotype.prediction_set == MODES
    assert phenotype.mimicry_suspicion.level == "unknown"
    assert "below the 5 mm" in phenotype.reason


@pytest.mark.parametrize(("missing", "word"), [("t1c", "T1 after contrast"), ("flair", "FLAIR")])
def test_without_t1c_or_flair_there_is_no_label(scene, missing, word):
    channels = tuple(channel for channel in STRUCTURAL if channel != missing)
    (phenotype,) = read(*scene([NODULE], channels=channels))
    assert phenotype.abstained
    assert word in phenotype.reason


def test_without_t1c_nothing_is_said_of_mimicry_or_permeability(scene):
    prepared, maps = scene([NODULE], channels=("t1", "t2", "flair"))
    (phenotype,) = read(prepared, with_mimicry(maps))
    assert phenotype.mimicry_suspicion.level == "unknown"
    assert phenotype.mimicry_suspicion.score is None
    assert phenotype.low_permeability_share is None


def suspicion(prepared, maps, logit=3.0):
    return read(prepared, with_mimicry(maps, logit))[0].mimicry_suspicion


def bleeding(prepared):
    x, y, z = (slice(at - 2, at + 2) for at in OFF_CENTRE["at"])
    prepared.image[T1, x, y, z] = 250.0
    return prepared


def test_mimicry_is_never_suspected_without_blood_or_marked_edema(scene):
    found = suspicion(*scene([OFF_CENTRE], shape=ROOM))
    assert found.score == pytest.approx(sigmoid(np.array(3.0)))
    assert found.level == "no"


@pytest.mark.parametrize(("logit", "level"), [(3.0, "yes"), (-3.0, "no")])
def test_mimicry_is_suspected_where_the_score_and_t1_bright_core_agree(scene, logit, level):
    prepared, maps = scene([OFF_CENTRE], shape=ROOM)
    assert suspicion(bleeding(prepared), maps, logit).level == level


def test_blood_is_told_by_the_same_white_matter_as_the_biomarker(scene):
    """Grey levels of the whole brain must not move the threshold."""
    prepared, maps = scene([OFF_CENTRE], shape=ROOM)
    prepared.image[T1, 2:-2, 2:6, 2:-2] = 400.0  # a bright shell, no white matter
    assert suspicion(bleeding(prepared), maps).level == "yes"


@pytest.mark.parametrize("edema", [{}, {"edema": 14}], ids=["no-edema", "marked-edema"])
def test_without_t1_blood_stays_unknown_and_edema_may_still_be_told(scene, edema):
    channels = ("t1c", "t2", "flair")
    found = suspicion(*scene([{**OFF_CENTRE, **edema}], shape=ROOM, channels=channels))
    assert found.level == ("yes" if edema else "unknown")


def test_mimicry_is_suspected_where_the_score_and_marked_edema_agree(scene):
    assert suspicion(*scene([{**OFF_CENTRE, "edema": 14}], shape=ROOM)).level == "yes"


@pytest.mark.parametrize(("expected", "level"), [(1.8, "yes"), (20.0, "no")])
def test_edema_is_marked_only_against_tumors_of_its_size(scene, expected, level):
    prepared, maps = scene([{**OFF_CENTRE, "edema": 14}], shape=ROOM)
    usual = calibration().model_copy(
        update={"edema_size": EdemaSize(intercept=math.log(expected), slope=0.0)}
    )
    (phenotype,) = read(prepared, with_mimicry(maps), usual)
    assert phenotype.mimicry_suspicion.level == level


@pytest.mark.parametrize(
    ("core", "edema", "quality"), [(3, {}, "low"), (6, {}, "good"), (3, {"edema": 6}, "good")]
)
def test_absent_edema_says_little_of_a_small_lesion(scene, core, edema, quality):
    prepared, maps = scene([{**NODULE, "core": core, **edema}])
    lesions = find_lesions(prepared, maps, read_contract(resolve("default")).inference)
    measured = measure_biomarkers(prepared, lesions, {})
    (biomarkers,) = adjust_edema(measured, lesions, calibration().edema_size)
    (ratio,) = [b for b in biomarkers if b.name == "edema_ratio_size_adjusted"]
    assert ratio.quality == quality
    assert ratio.available
    assert ("often lack" in ratio.note) is (quality == "low")
