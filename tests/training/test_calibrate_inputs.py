from dataclasses import replace

import numpy as np
import pytest
from vasotype.phenotype.fusion import PET, fuse, numbers_for
from vasotype.result import BiomarkerRecord
from vasotype_models.contract import MODES, Calibration
from vasotype_training.calibrate import as_features, calibrate, prediction_sets
from vasotype_training.calibrate_inputs import with_pet, with_reduced_input

MEASURED_WITH_T1 = ("enhancement_mean", "enhancement_cv", "low_enhancement_fraction")


def renamed(lesions, ending, change=lambda x: x):
    """The lesions with their answers under the names of another kind of input."""
    return [
        replace(lesion, answers={name + ending: change(a) for name, a in lesion.answers.items()})
        for lesion in lesions
    ]


def with_tbr(lesions, rng):
    """The lesions with an amino-acid uptake that leans to their mode."""
    found = []
    for lesion in lesions:
        value = float(np.exp(rng.normal(1.0 - 0.3 * lesion.mode, 0.3)))
        record = BiomarkerRecord(
            id="FE-16",
            name=PET,
            value=value,
            unit="1",
            available=True,
            quality="good",
            note=None,
        )
        found.append(replace(lesion, biomarkers=(*lesion.biomarkers, record)))
    return found


@pytest.fixture(scope="module")
def lesions(made_lesions):
    return made_lesions(np.random.default_rng(0), 360)


@pytest.fixture(scope="module")
def calibration(lesions, made_lesions):
    rng = np.random.default_rng(1)
    reduced = made_lesions(np.random.default_rng(2), 300, without=MEASURED_WITH_T1)
    # Without T1 the network is twice as sure as it should be.
    sure = renamed(reduced, "-t1", lambda a: replace(a, mode_logits=2 * a.mode_logits))
    seen = with_tbr(renamed(lesions, "+pet"), rng)
    whole = with_reduced_input(calibrate(lesions, "by hand"), sure)
    return with_pet(whole, lesions, seen)


def test_every_kind_of_input_has_numbers_of_its_own(calibration):
    names = {t + e for t in ("structural", "dsc", "dce", "both") for e in ("", "-t1", "+pet")}
    assert set(calibration.conformal_threshold) == names
    assert set(calibration.temperature) == set(calibration.fusion) == names
    assert Calibration.model_validate_json(calibration.model_dump_json()) == calibration


def test_a_network_that_is_surer_without_t1_gets_a_higher_temperature(calibration):
    for tier in ("structural", "both"):
        assert calibration.temperature[f"{tier}-t1"] > 1.5 * calibration.temperature[tier]


def test_no_model_without_t1_asks_for_enhancement(calibration):
    terms = {t.name for model in calibration.fusion["both-t1"] for t in model.terms}
    assert "border_width" in terms
    assert not terms & set(MEASURED_WITH_T1)


def test_pet_adds_one_term_and_leaves_the_others_as_they_are(calibration):
    for plain, shifted in zip(
        calibration.fusion["dsc"], calibration.fusion["dsc+pet"], strict=True
    ):
        assert shifted.terms[:-1] == plain.terms
        assert shifted.terms[-1].name == PET
        uptake = shifted.terms[-1].coefficients
        assert uptake[MODES.index("angiogenic")] > uptake[MODES.index("co_option")]


def test_pet_shifts_a_lesion_towards_the_mode_that_its_uptake_speaks_for(calibration, lesions):
    lesion = renamed(lesions[:1], "+pet")[0]
    plain = as_features(lesion, "both+pet", calibration.edema_size)
    low, high = (
        fuse(calibration, "both+pet", lesion.answers["both+pet"], {**plain, PET: value})
        for value in (1.2, 4.0)
    )
    assert high.probabilities[0] > low.probabilities[0] + 0.05


def test_sets_without_t1_cover_every_mode_of_fresh_lesions(calibration, made_lesions):
    fresh = renamed(
        made_lesions(np.random.default_rng(3), 600, without=MEASURED_WITH_T1),
        "-t1",
        lambda a: replace(a, mode_logits=2 * a.mode_logits),
    )
    name, edema = "dce-t1", calibration.edema_size
    p = np.array(
        [
            fuse(calibration, name, x.answers[name], as_features(x, name, edema)).probabilities
            for x in fresh
        ]
    )
    sets = prediction_sets(p, calibration.conformal_threshold[name])
    modes = np.array([x.mode for x in fresh])
    for k in range(len(MODES)):
        assert sets[modes == k, k].mean() == pytest.approx(0.9, abs=0.08)


def test_an_input_without_numbers_of_its_own_is_read_with_its_tier_s(calibration, lesions):
    old = calibrate(lesions, "by hand")
    everything = ("t1", "t1c", "t2", "flair")
    assert numbers_for(calibration, "dsc", ("t1c", "flair", "rcbv"), {}) == "dsc-t1"
    assert numbers_for(calibration, "dsc", everything, {PET: 2.0}) == "dsc+pet"
    assert numbers_for(calibration, "dsc", everything, {}) == "dsc"
    assert numbers_for(old, "dsc", ("t1c", "flair", "rcbv"), {PET: 2.0}) == "dsc"
