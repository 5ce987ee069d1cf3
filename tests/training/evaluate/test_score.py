"""One study: outlines, lesions found, what is left out."""

import numpy as np
import pytest
from evaluation import SIDE, cube, labelled, lesion, phenotype, prediction, result
from vasotype.stages import Grid
from vasotype_training.cohorts import LesionTruth
from vasotype_training.evaluate.predictions import Prediction
from vasotype_training.evaluate.score import one_mm_grid, score


def test_a_perfect_prediction_scores_one_everywhere():
    truth = cube(((8, 8, 8), 6, 3), ((20, 20, 20), 4, 1), ((14, 8, 8), 3, 2))
    perfect = score(labelled(truth), prediction(truth))
    assert perfect.dice == {"wt": 1.0, "tc": 1.0, "et": 1.0}
    assert [found.found for found in perfect.lesions] == [True, True]
    assert (perfect.false_positives, perfect.fragments) == (0, 0)


def test_regions_that_are_empty_in_both_are_told_apart():
    edema = cube(((8, 8, 8), 6, 2))
    only = score(labelled(edema), prediction(edema))
    assert only.both_empty == ("tc", "et")
    assert set(only.dice) == {"wt"}


def test_orientation_of_the_prediction_changes_nothing():
    truth, answer = cube(((8, 8, 8), 6, 3)), cube(((9, 7, 8), 6, 3))
    affine = np.eye(4)
    affine[:2, 3] = -(SIDE - 1)
    flipped = Prediction(
        answer[::-1, ::-1].copy(),
        np.zeros(answer.shape, np.uint16),
        np.zeros((3, *answer.shape), np.uint8),
        Grid(answer.shape, affine),
        result(),
    )
    assert score(labelled(truth), flipped).dice == score(labelled(truth), prediction(answer)).dice


def test_mode_is_read_from_the_predicted_lesion_that_found_the_true_one():
    tissue = cube(((6, 6, 6), 6, 3), ((20, 20, 20), 6, 3))
    ids = cube(((6, 6, 6), 6, 1), ((20, 20, 20), 6, 2))
    swapped = cube(((6, 6, 6), 6, 2), ((20, 20, 20), 6, 1))
    truth = (LesionTruth(1, "angiogenic", None, "x"), LesionTruth(2, "co_option", None, "x"))
    readings = (lesion(1, phenotype(0.1)), lesion(2, phenotype(0.9, 0.05)))
    scored = score(
        labelled(tissue, instances=ids.astype(np.uint16), lesions=truth),
        prediction(tissue, swapped, readings),
    )
    said = {s.truth.mode: s.reading.probabilities.angiogenic for s in scored.lesions}
    assert said == {"angiogenic": 0.9, "co_option": 0.1}


def test_unscored_core_counts_false_positives_only_away_from_the_tumor():
    truth = cube(((6, 6, 6), 12, 2), ((8, 8, 8), 6, 1))
    answer = cube(((6, 6, 6), 12, 3), ((24, 24, 24), 4, 3))
    scored = score(labelled(truth), prediction(answer), core_scored=False)
    assert set(scored.dice) == {"wt"}
    assert scored.lesions == ()
    assert scored.false_positives == 1
    assert not scored.without_lesion


def test_excluded_voxels_count_nowhere():
    truth = cube(((6, 6, 6), 6, 3), ((20, 20, 20), 6, 3))
    answer = cube(((6, 6, 6), 6, 3))
    exclude = cube(((18, 18, 18), 10, 1)) > 0
    assert score(labelled(truth), prediction(answer)).dice["et"] < 1
    assert score(labelled(truth, exclude=exclude), prediction(answer)).dice["et"] == 1


def test_thick_slices_are_measured_on_a_millimetre_grid_over_the_same_space():
    native = Grid((30, 20, 6), np.diag([0.5, 1.0, 5.0, 1.0]))
    grid = one_mm_grid(native)
    assert grid.shape == (15, 20, 30)
    assert grid.spacing_mm == pytest.approx((1, 1, 1))
    lower, upper = np.array([-0.5, -0.5, -0.5, 1]), np.array([14.5, 19.5, 29.5, 1])
    np.testing.assert_allclose(grid.affine @ lower, native.affine @ np.array([-0.5] * 3 + [1]))
    np.testing.assert_allclose(grid.affine @ upper, native.affine @ np.array([29.5, 19.5, 5.5, 1]))
