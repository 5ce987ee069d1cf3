import json

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from vasotype_training.evaluate.brats import lesion_wise_2023, lesion_wise_2025
from vasotype_training.evaluate.components import components, overlap, region
from vasotype_training.evaluate.detection import detect
from vasotype_training.evaluate.metrics import (
    auroc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
    dice,
)

SIDE = 40
ISOTROPIC = np.eye(4)
masks = arrays(np.bool_, (4, 5, 3))


def scene(*cubes):
    """Label map with cubes, each (start, side, label)."""
    labels = np.zeros((SIDE,) * 3, np.uint8)
    for start, side, label in cubes:
        labels[tuple(slice(s, s + side) for s in start)] = label
    return labels


def test_dice_of_half_overlap():
    truth, predicted = np.zeros((2, 4, 1, 1), bool)
    truth[:2], predicted[1:3] = True, True
    assert dice(truth, predicted) == pytest.approx(0.5)


def test_dice_of_two_empty_masks_is_one():
    assert dice(np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool)) == 1.0


@settings(max_examples=40, deadline=None)
@given(masks, masks)
def test_dice_is_symmetric_and_bounded(a, b):
    assert dice(a, b) == dice(b, a)
    assert 0.0 <= dice(a, b) <= 1.0


@settings(max_examples=40, deadline=None)
@given(masks, masks)
def test_overlap_table_accounts_for_every_voxel(a, b):
    table = overlap(components(a), components(b))
    assert table.sum() == a.size
    assert table[1:].sum() == a.sum()
    assert table[1:, 1:].sum() == (a & b).sum()


def test_regions_are_nested():
    labels = np.array([0, 1, 2, 3], np.uint8)
    assert region(labels, "wt").tolist() == [False, True, True, True]
    assert region(labels, "tc").tolist() == [False, True, False, True]
    assert region(labels, "et").tolist() == [False, False, False, True]


def test_auroc_by_hand():
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    assert auroc(scores, np.array([False, False, True, True])) == pytest.approx(0.75)


def test_auroc_of_ties_is_a_half():
    assert auroc(np.ones(6), np.array([True, False] * 3)) == pytest.approx(0.5)


def test_auroc_without_one_class_is_undefined():
    assert np.isnan(auroc(np.ones(3), np.ones(3, bool)))


def test_balanced_accuracy_ignores_how_frequent_a_class_is():
    truth = np.array([0] * 98 + [1, 1])
    assert balanced_accuracy(np.zeros(100, int), truth) == pytest.approx(0.5)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    probabilities = np.tile([0.9, 0.1, 0.0], (10, 1))
    assert calibration_error(probabilities, np.zeros(10, int)) == pytest.approx(0.1)
    assert calibration_error(probabilities, np.ones(10, int)) == pytest.approx(0.9)


def test_bootstrap_interval_of_a_mean_has_the_width_of_theory():
    values = np.random.default_rng(0).normal(0, 1, 400).tolist()
    estimate = bootstrap(values, lambda group: float(np.mean(group)))
    assert estimate.low < estimate.value < estimate.high
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_bootstrap_leaves_undefined_resamples_out():
    estimate = bootstrap(
        [1.0, float("nan")],
        lambda g: float(np.nanmin(g)) if not np.isnan(g).all() else float("nan"),
    )
    assert estimate.low == estimate.high == 1.0


def test_a_lesion_is_found_when_a_prediction_comes_within_a_millimetre():
    truth = scene(((10, 10, 10), 4, 3))
    beside = scene(((14, 10, 10), 4, 3))
    apart = scene(((15, 10, 10), 4, 3))
    assert detect(truth, beside, ISOTROPIC).lesions[0].found_by == 1
    diagonal = scene(((14, 14, 10), 4, 3))  # nearest centres are √2 mm apart
    assert detect(truth, diagonal, ISOTROPIC).lesions[0].found_by == 0
    missed = detect(truth, apart, ISOTROPIC)
    assert missed.lesions[0].found_by == 0
    assert len(missed.strays) == 1


def test_edema_alone_finds_nothing():
    truth = scene(((10, 10, 10), 4, 3))
    found = detect(truth, scene(((10, 10, 10), 4, 2)), ISOTROPIC)
    assert found.lesions[0].found_by == 0
    assert not found.strays


def test_size_is_the_axial_diagonal_plus_one_voxel():
    (lesion,) = detect(scene(((5, 5, 5), 4, 1)), scene(), ISOTROPIC).lesions
    # Between centres 3√2; one voxel along the diagonal adds its own extent there, 1 mm.
    assert lesion.diameter_mm == pytest.approx(3 * np.sqrt(2) + 1)


def test_single_voxels_are_no_false_positives():
    assert not detect(scene(), scene(((5, 5, 5), 1, 3)), ISOTROPIC).strays
    assert len(detect(scene(), scene(((5, 5, 5), 2, 3)), ISOTROPIC).strays) == 1


def test_further_pieces_of_a_found_lesion_are_fragments():
    truth = scene(((10, 10, 10), 12, 3))
    pieces = scene(((10, 10, 10), 5, 3), ((18, 18, 18), 3, 3), ((30, 30, 30), 3, 3))
    found = detect(truth, pieces, ISOTROPIC)
    assert (found.fragments, len(found.strays)) == (1, 1)
    assert len(found.lesions) == 1


def test_one_prediction_may_find_two_lesions():
    truth = scene(((10, 10, 10), 3, 3), ((15, 10, 10), 3, 3))
    found = detect(truth, scene(((10, 10, 10), 8, 3)), ISOTROPIC)
    assert [lesion.found_by for lesion in found.lesions] == [1, 1]
    assert found.fragments == 0


def test_voxels_that_share_a_corner_are_one_lesion():
    truth = scene(((10, 10, 10), 2, 3), ((12, 12, 12), 2, 1))
    assert len(detect(truth, scene(), ISOTROPIC).lesions) == 1


def test_what_touches_the_excluded_region_counts_nowhere():
    truth = scene(((10, 10, 10), 4, 3), ((30, 30, 30), 4, 3))
    predicted = scene(((20, 10, 10), 4, 3), ((30, 30, 30), 4, 3))
    exclude = scene(((13, 13, 13), 3, 1), ((20, 10, 10), 1, 1)) > 0
    found = detect(truth, predicted, ISOTROPIC, exclude)
    assert len(found.lesions) == 1
    assert found.lesions[0].found_by > 0
    assert not found.strays


def test_2025_rule_matches_one_to_one():
    truth = scene(((10, 10, 10), 6, 3), ((20, 20, 20), 4, 3))
    predicted = scene(((10, 10, 10), 4, 3), ((15, 15, 15), 1, 3), ((30, 5, 5), 3, 3))
    score = lesion_wise_2025(truth, predicted, "et")
    assert (score.matched, score.false_positive, score.false_negative) == (1, 2, 1)
    assert score.dice == pytest.approx(2 * 64 / (216 + 64))


def test_2023_rule_merges_neighbours_and_punishes_misses_and_inventions():
    truth = scene(((10, 10, 10), 4, 3), ((15, 10, 10), 4, 3), ((25, 25, 25), 3, 3))
    predicted = scene(((10, 10, 10), 4, 3), ((5, 30, 30), 3, 3))
    score = lesion_wise_2023(truth, predicted, "et")
    assert (score.matched, score.false_positive, score.false_negative) == (1, 1, 1)
    assert score.dice == pytest.approx((2 * 64 / (128 + 64)) / 3)


def test_2023_rule_ignores_lesions_up_to_two_cubic_millimetres():
    truth = scene(((10, 10, 10), 1, 3))
    assert lesion_wise_2023(truth, scene(), "et").false_negative == 0
    assert lesion_wise_2023(truth, scene(), "et", voxel_mm3=3.0).false_negative == 1


def test_2023_score_of_nothing_against_nothing_is_one():
    assert lesion_wise_2023(scene(), scene(), "wt").dice == 1.0


def test_a_lesion_at_the_border_of_the_image_is_scored_like_any_other():
    truth = scene(((0, 0, 0), 4, 3))
    assert lesion_wise_2023(truth, truth, "et").dice == pytest.approx(1.0)
    assert lesion_wise_2025(truth, truth, "et").dice == pytest.approx(1.0)
    assert detect(truth, truth, ISOTROPIC).lesions[0].found_by == 1


@pytest.mark.real_data
def test_2025_rule_reproduces_the_challenge_s_own_figures(real_data):
    mets = real_data / "mets"
    official = json.loads((mets / "official_metrics.json").read_text())["metrics"]
    for record in official:
        case = record["subject_name"].removesuffix("-seg.nii.gz")
        truth, predicted = (
            np.asarray(nib.load(mets / f"{case}-{kind}.nii.gz").dataobj).astype(np.uint8)
            for kind in ("seg", "pred")
        )
        for name in ("wt", "tc", "et"):
            score, stated = lesion_wise_2025(truth, predicted, name), record[name]
            assert score.matched == stated["tp"]
            assert score.false_positive == stated["fp"]
            assert score.false_negative == stated["fn"]
            assert score.dice == pytest.approx(stated["sq_dsc"], abs=1e-6)
            assert score.f1 == pytest.approx(stated["rq"], abs=1e-6)
