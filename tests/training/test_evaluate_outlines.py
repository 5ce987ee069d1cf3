"""Each lesion's own outline, and the calibration of voxels."""

import numpy as np
import pytest
from vasotype_training.evaluate.components import components
from vasotype_training.evaluate.outlines import Reliability, lesion_dice, reliability_error

ET, SNFH = 3, 2


def two_lesions():
    """A small and a large enhancing cube; the large one has edema on its far side."""
    labels = np.zeros((48, 24, 24), np.uint8)
    labels[4:8, 8:12, 8:12] = ET
    labels[24:34, 6:16, 6:16] = ET
    labels[34:40, 6:16, 6:16] = SNFH
    return labels


def core(labels):
    return components((labels == 1) | (labels == ET))


def test_a_lesion_outlined_to_the_voxel_scores_one_whatever_its_neighbour_does():
    truth = two_lesions()
    guess = truth.copy()
    guess[24:40] = 0
    guess[26:30, 6:16, 6:16] = ET
    dice = lesion_dice(truth, guess, core(truth), (1, 2))
    assert dice[1] == {"wt": 1.0, "tc": 1.0, "et": 1.0}
    assert dice[2]["tc"] == pytest.approx(2 * 400 / (400 + 1000))
    assert dice[2]["wt"] < dice[2]["tc"]


def test_a_stray_component_costs_no_lesion_its_outline():
    truth = two_lesions()
    guess = truth.copy()
    guess[14:17, 20:23, 20:23] = ET
    assert lesion_dice(truth, guess, core(truth), (1, 2))[2]["tc"] == 1.0


def test_one_prediction_over_two_lesions_is_shared_by_nearness():
    truth = two_lesions()
    guess = truth.copy()
    guess[8:24, 8:12, 8:12] = ET
    dice = lesion_dice(truth, guess, core(truth), (1, 2))
    assert dice[1]["tc"] == pytest.approx(0.5)
    assert 0.85 < dice[2]["tc"] < 1


def test_probabilities_that_come_true_have_no_calibration_error():
    rng = np.random.default_rng(0)
    truth = np.zeros((40, 40, 40), np.uint8)
    p = np.full(truth.shape, 0.6)
    truth[rng.random(truth.shape) < p] = ET
    steps = np.zeros((3, *truth.shape), np.uint8)
    steps[2] = np.round(255 * p)
    honest = Reliability.measure(steps, truth, truth, np.ones_like(truth, bool))
    assert reliability_error([honest], 2) < 0.02
    boastful = Reliability.measure(
        np.where(steps > 0, np.uint8(242), steps), truth, truth, np.ones_like(truth, bool)
    )
    assert reliability_error([boastful], 2) == pytest.approx(0.35, abs=0.02)


def test_calibration_looks_near_lesions_only_and_passes_over_excluded_voxels():
    truth = two_lesions()
    steps = np.zeros((3, *truth.shape), np.uint8)
    use = np.ones(truth.shape, bool)
    near = Reliability.measure(steps, truth, truth, use).counts[0, :, 0].sum()
    assert 1000 < near < truth.size
    use[:24] = False
    assert Reliability.measure(steps, truth, truth, use).counts[0, :, 0].sum() < near
    nothing = np.zeros_like(truth)
    assert not Reliability.measure(steps, nothing, nothing, use).counts.any()
