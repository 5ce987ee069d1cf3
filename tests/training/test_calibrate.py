import numpy as np
import pytest
from scipy.special import softmax
from vasotype.phenotype.fusion import fuse
from vasotype.phenotype.novelty import novelty_score
from vasotype_models.contract import MODES, Calibration
from vasotype_training.calibrate import (
    as_features,
    best_threshold,
    calibrate,
    conformal_thresholds,
    fit_binary_temperature,
    fit_scaling,
    fit_temperature,
    folds,
    prediction_sets,
)
from vasotype_training.calibrate_models import fit_multinomial


def honest(rng, count):
    """Logits and modes that were drawn from exactly the probabilities the logits state."""
    logits = rng.normal(0, 1.5, (count, 3))
    chance = softmax(logits, axis=1)
    modes = (rng.random((count, 1)) > np.cumsum(chance, axis=1)).sum(axis=1).clip(max=2)
    return logits, modes


@pytest.mark.parametrize("sharpening", [0.5, 1.0, 4.0])
def test_temperature_undoes_over_and_under_confidence(sharpening):
    logits, modes = honest(np.random.default_rng(0), 6000)
    assert fit_temperature(sharpening * logits, modes) == pytest.approx(sharpening, rel=0.1)


def test_a_bias_undoes_what_leans_to_one_mode():
    logits, modes = honest(np.random.default_rng(0), 6000)
    temperature, bias = fit_scaling(3.0 * (logits - (1.0, 0.0, -2.0)), modes)
    assert temperature == pytest.approx(3.0, rel=0.1)
    assert bias == pytest.approx(np.array([1.0, 0.0, -2.0]) + 1 / 3, abs=0.1)


def test_binary_temperature_undoes_overconfidence():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1.5, 8000)
    truth = (rng.random(8000) < 1 / (1 + np.exp(-logits))).astype(int)
    assert fit_binary_temperature(3 * logits, truth) == pytest.approx(3, rel=0.1)


def test_every_mode_is_covered_at_ninety_per_cent_on_fresh_lesions():
    rng = np.random.default_rng(2)
    logits, modes = honest(rng, 9000)
    thresholds = conformal_thresholds(softmax(logits, axis=1), modes)
    logits, modes = honest(rng, 9000)
    sets = prediction_sets(softmax(logits, axis=1), thresholds)
    for k in range(len(MODES)):
        held = sets[modes == k, k]
        # Both halves of the experiment carry binomial error; four of its sum is generous.
        tolerance = 4 * np.sqrt(2 * 0.9 * 0.1 / len(held))
        assert held.mean() == pytest.approx(0.9, abs=tolerance)


def test_coverage_holds_even_where_probabilities_are_wrong():
    rng = np.random.default_rng(3)
    logits, modes = honest(rng, 9000)
    thresholds = conformal_thresholds(softmax(5 * logits, axis=1), modes)
    logits, modes = honest(rng, 9000)
    sets = prediction_sets(softmax(5 * logits, axis=1), thresholds)
    assert sets[np.arange(len(modes)), modes].mean() > 0.88


def test_nine_lesions_are_the_fewest_that_allow_a_claim_of_ninety_per_cent():
    probabilities = np.tile([0.6, 0.3, 0.1], (17, 1))
    modes = np.array([0] * 9 + [1] * 8)
    thresholds = conformal_thresholds(probabilities, modes)
    assert thresholds["angiogenic"] == pytest.approx(0.4)
    assert thresholds["intermediate"] == 1.0
    assert thresholds["co_option"] == 1.0


def test_threshold_separates_what_can_be_separated():
    scores = np.array([0.1, 0.2, 0.7, 0.9])
    assert best_threshold(scores, np.array([0, 0, 1, 1])) == pytest.approx(0.7)


def test_threshold_needs_both_classes():
    with pytest.raises(ValueError, match="both classes"):
        best_threshold(np.array([0.1, 0.2]), np.array([1, 1]))


@pytest.fixture(scope="module")
def lesions(made_lesions):
    return made_lesions(np.random.default_rng(4), 720)


@pytest.fixture(scope="module")
def calibration(lesions):
    return calibrate(lesions, "made by hand")


def fused_probabilities(calibration, lesions, tier):
    return np.array(
        [
            fuse(
                calibration,
                tier,
                lesion.answers[tier],
                as_features(lesion, tier, calibration.edema_size),
            ).probabilities
            for lesion in lesions
        ]
    )


def test_calibration_survives_its_file(calibration):
    assert Calibration.model_validate_json(calibration.model_dump_json()) == calibration
    assert calibration.basis == "simulation"


def test_each_map_brings_the_fused_answer_closer_to_the_truth(calibration, made_lesions):
    fresh = made_lesions(np.random.default_rng(5), 450)
    modes = np.array([lesion.mode for lesion in fresh])
    right = {
        tier: (fused_probabilities(calibration, fresh, tier).argmax(axis=1) == modes).mean()
        for tier in ("structural", "both")
    }
    alone = np.array([lesion.answers["structural"].mode_logits for lesion in fresh])
    assert right["structural"] > (alone.argmax(axis=1) == modes).mean() + 0.02
    assert right["both"] > right["structural"] + 0.02


def test_fused_sets_cover_every_mode_of_fresh_lesions(calibration, made_lesions):
    fresh = made_lesions(np.random.default_rng(6), 720)
    modes = np.array([lesion.mode for lesion in fresh])
    sets = prediction_sets(
        fused_probabilities(calibration, fresh, "both"), calibration.conformal_threshold["both"]
    )
    for k in range(len(MODES)):
        assert sets[modes == k, k].mean() == pytest.approx(0.9, abs=0.06)


def test_fused_probabilities_of_fresh_lesions_need_no_other_temperature(calibration, made_lesions):
    fresh = made_lesions(np.random.default_rng(9), 720)
    modes = np.array([lesion.mode for lesion in fresh])
    assert calibration.fused_temperature["both"] < 0.8  # the penalty makes the model too timid
    found = np.log(fused_probabilities(calibration, fresh, "both"))
    assert fit_temperature(found, modes) == pytest.approx(1.0, abs=0.15)


def test_a_lesion_without_a_measurable_border_is_read_by_a_model_that_needs_none(
    calibration, made_lesions
):
    lesion = made_lesions(np.random.default_rng(7), 1, without=("border_width",))[0]
    fused = fuse(
        calibration,
        "both",
        lesion.answers["both"],
        as_features(lesion, "both", calibration.edema_size),
    )
    names = {c.term.name for c in fused.contributions}
    assert "border_width" not in names
    assert {"rcbv_mean", "enhancement_mean"} <= names


def test_size_adjusted_edema_does_not_follow_size(calibration, lesions):
    values = [as_features(x, "structural", calibration.edema_size) for x in lesions]
    adjusted = [v["edema_ratio_size_adjusted"] for v in values]
    volume = [np.log(x.lesion.enhancing_ml) for x in lesions]
    assert abs(np.corrcoef(adjusted, volume)[0, 1]) < 0.02


def test_lesions_unlike_the_calibration_s_score_above_its_threshold(calibration, lesions):
    values = as_features(lesions[0], "both", calibration.edema_size)
    assert novelty_score(calibration.density, values) < calibration.density.threshold
    strange = {**values, "t1c_tumor": values["t1c_tumor"] + 15.0}
    assert novelty_score(calibration.density, strange) > calibration.density.threshold


def test_about_one_fresh_lesion_in_forty_counts_as_unlike(calibration, made_lesions):
    fresh = made_lesions(np.random.default_rng(8), 500)
    scores = np.array(
        [novelty_score(calibration.density, as_features(x, "both", None)) for x in fresh]
    )
    assert (scores > calibration.density.threshold).mean() < 0.06


def test_a_patient_s_lesions_stay_in_one_fold():
    patients = [3, 3, 8, 9, 9, 9, 12, 15, 15, 20]
    fold = folds(patients)
    assert all(len(set(fold[np.array(patients) == p])) == 1 for p in set(patients))
    assert set(fold) == set(range(5))


def test_a_mode_without_lesions_is_refused(lesions):
    with pytest.raises(ValueError, match="mode co_option"):
        calibrate([x for x in lesions if x.mode != 2], "x")


def test_the_regression_finds_the_model_that_made_its_lesions():
    rng = np.random.default_rng(9)
    z = rng.normal(size=(20000, 2))
    truth = np.array([[1.0, 0.0, -1.0], [0.0, 0.5, -0.5]])
    chance = softmax(z @ truth, axis=1)
    modes = (rng.random((20000, 1)) > np.cumsum(chance, axis=1)).sum(axis=1).clip(max=2)
    intercepts, found = fit_multinomial(z, modes)
    assert found - found.mean(axis=1, keepdims=True) == pytest.approx(
        truth - truth.mean(axis=1, keepdims=True), abs=0.06
    )
    assert intercepts == pytest.approx(np.zeros(3), abs=0.06)
