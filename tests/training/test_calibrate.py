import numpy as np
import pytest
from scipy.special import softmax
from vasotype_models.contract import MODES
from vasotype_training.calibrate import (
    PooledLesions,
    best_threshold,
    calibrate,
    conformal_thresholds,
    fit_binary_temperature,
    fit_temperature,
    prediction_sets,
)


def honest(rng, count):
    """Logits and modes that were drawn from exactly the probabilities the logits state."""
    logits = rng.normal(0, 1.5, (count, 3))
    chance = softmax(logits, axis=1)
    modes = (rng.random((count, 1)) > np.cumsum(chance, axis=1)).sum(axis=1).clip(max=2)
    return logits, modes


def pooled(rng, count, sharpening=1.0):
    logits, modes = honest(rng, count)
    mimicry = rng.integers(0, 2, count)
    return PooledLesions(
        sharpening * logits, modes, 2.0 * mimicry - 1 + rng.normal(size=count), mimicry
    )


@pytest.mark.parametrize("sharpening", [0.5, 1.0, 4.0])
def test_temperature_undoes_over_and_under_confidence(sharpening):
    logits, modes = honest(np.random.default_rng(0), 6000)
    assert fit_temperature(sharpening * logits, modes) == pytest.approx(sharpening, rel=0.1)


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


def test_calibration_holds_the_numbers_of_each_tier():
    rng = np.random.default_rng(4)
    tiers = {"structural": pooled(rng, 3000, sharpening=2.0), "both": pooled(rng, 2000)}
    result = calibrate(tiers, source="simulated, seed 4")
    assert result.temperature["structural"] == pytest.approx(2.0, rel=0.15)
    assert result.temperature["both"] == pytest.approx(1.0, rel=0.15)
    assert result.lesions == {"structural": 3000, "both": 2000}
    assert set(result.conformal_threshold["both"]) == set(MODES)
    assert 0.3 < result.mimicry_threshold < 0.7


def test_lesions_of_unknown_mode_change_nothing():
    rng = np.random.default_rng(5)
    known = pooled(rng, 1000)
    noise = rng.normal(size=(200, 3))
    extended = PooledLesions(
        np.vstack([known.mode_logits, noise]),
        np.append(known.modes, np.full(200, -1)),
        np.append(known.mimicry_logits, rng.normal(size=200)),
        np.append(known.mimicry, np.full(200, -1)),
    )
    assert calibrate({"dsc": extended}, "x") == calibrate({"dsc": known}, "x")


def test_a_tier_without_one_of_the_modes_is_refused():
    rng = np.random.default_rng(6)
    lesions = pooled(rng, 300)
    one_mode = PooledLesions(
        lesions.mode_logits, np.zeros(300, int), lesions.mimicry_logits, lesions.mimicry
    )
    with pytest.raises(ValueError, match="tier dce: no lesion of mode intermediate, co_option"):
        calibrate({"dce": one_mode}, "x")
