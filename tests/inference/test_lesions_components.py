import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vasotype.lesions.components import label, shares_edema
from vasotype.stages import Grid
from vasotype_models.contract import ET, NETC, SNFH, Inference

SHAPE = (40, 40, 40)
GRID = Grid(SHAPE, np.eye(4))
RULES = Inference(confidence=0.6)
EVERYWHERE = np.ones(SHAPE, bool)


def random_probabilities(seed, shape=(24, 24, 24)):
    """Smooth random tissue with lesions of many sizes and confidences."""
    noise = np.random.default_rng(seed).normal(size=(4, *shape))
    logits = np.stack([ndimage.gaussian_filter(channel, 1.5) for channel in noise]) * 40
    exponential = np.exp(logits - logits.max(axis=0))
    return (exponential / exponential.sum(axis=0)).astype(np.float32)


def test_cores_that_touch_by_a_corner_are_one_lesion(tissue_of):
    tissue = np.zeros((4, *SHAPE), np.float32)
    tissue[0] = 1.0
    for cube in (slice(5, 10), slice(10, 15)):
        tissue[:, cube, cube, cube] = np.array([0, 0, 0, 1.0])[:, None, None, None]
    maps, confidences = label(tissue, EVERYWHERE, GRID, RULES)
    assert len(confidences) == 1
    assert (maps.instances > 0).sum() == 2 * 5**3


def test_lesions_are_numbered_by_descending_core_volume(tissue_of):
    lesions = [{"at": (8, 8, 8), "core": 3}, {"at": (28, 28, 28), "core": 6}]
    maps, _ = label(tissue_of(SHAPE, lesions), EVERYWHERE, GRID, RULES)
    assert maps.instances[28, 28, 28] == 1
    assert maps.instances[8, 8, 8] == 2


def test_a_candidate_that_is_not_sure_enough_is_no_lesion(tissue_of):
    lesions = [
        {"at": (8, 8, 8), "core": 4, "p": 0.55},
        {"at": (28, 28, 28), "core": 4, "p": 0.65},
    ]
    maps, confidences = label(tissue_of(SHAPE, lesions), EVERYWHERE, GRID, RULES)
    assert confidences == pytest.approx([0.65])  # the mean of its core probabilities
    assert maps.instances[28, 28, 28] == 1
    assert maps.tissue[8, 8, 8] == 0


def test_a_speck_is_never_a_lesion_however_sure(tissue_of):
    tissue = tissue_of(SHAPE, [{"at": (8, 8, 8), "core": 0.5, "p": 1.0}])
    maps, confidences = label(tissue, EVERYWHERE, GRID, RULES)
    assert confidences == ()
    assert not maps.tissue.any()


@pytest.mark.parametrize(("edge", "kept"), [(20, 1), (25, 1), (15, 0)])
def test_a_core_that_lies_mostly_outside_the_brain_is_none(tissue_of, edge, kept):
    tissue = tissue_of(SHAPE, [{"at": (20, 20, 20), "core": 4, "p": 1.0}])
    brain = EVERYWHERE.copy()
    brain[:, :, edge + 1 :] = False
    maps, confidences = label(tissue, brain, GRID, RULES)
    assert len(confidences) == kept
    assert maps.tissue.any() == bool(kept)


def test_a_dropped_core_within_edema_is_read_as_edema(tissue_of):
    lesions = [{"at": (20, 20, 20), "core": 4, "edema": 10}]
    tissue = tissue_of(SHAPE, lesions)
    tissue[:, 28, 20, 20] = 0.05, 0.0, 0.4, 0.55
    maps, confidences = label(tissue, EVERYWHERE, GRID, RULES)
    assert len(confidences) == 1
    assert maps.tissue[28, 20, 20] == SNFH


def test_enhancing_and_necrotic_core_is_told_apart_by_the_larger_probability(tissue_of):
    lesion = {"at": (20, 20, 20), "core": 6, "necrosis": 3}
    maps, _ = label(tissue_of(SHAPE, [lesion]), EVERYWHERE, GRID, RULES)
    assert maps.tissue[20, 20, 20] == NETC
    assert maps.tissue[25, 20, 20] == ET
    assert maps.instances[20, 20, 20] == maps.instances[25, 20, 20] == 1


def test_edema_beside_a_lesion_stays_and_small_edema_elsewhere_goes(tissue_of):
    lesions = [{"at": (12, 12, 12), "core": 4, "edema": 8}, {"at": (33, 33, 33), "edema": 3}]
    maps, _ = label(tissue_of(SHAPE, lesions), EVERYWHERE, GRID, RULES)
    assert maps.tissue[12, 12, 19] == SNFH
    assert maps.owner[12, 12, 19] == 1
    assert maps.tissue[33, 33, 33] == 0


@pytest.mark.parametrize(("between", "stays"), [(0.45, True), (0.35, False)])
def test_edema_belongs_to_a_lesion_that_it_leads_to(tissue_of, between, stays):
    lesions = [{"at": (10, 20, 20), "core": 4, "edema": 7}, {"at": (33, 20, 20), "edema": 4}]
    tissue = tissue_of(SHAPE, lesions)
    tissue[:, 17:30, 20, 20] = np.array([1 - between, 0, between, 0])[:, None]
    maps, _ = label(tissue, EVERYWHERE, GRID, RULES)
    assert (maps.tissue[33, 20, 20] == SNFH) == stays
    assert (maps.owner[33, 20, 20] == 1) == stays
    assert maps.tissue[23, 20, 20] == 0  # what only leads there is no edema itself


def test_large_and_sure_edema_without_a_core_stays_but_has_no_owner(tissue_of):
    lone = {"at": (20, 20, 20), "edema": 12}
    sure, _ = label(tissue_of(SHAPE, [lone]), EVERYWHERE, GRID, RULES)
    unsure, _ = label(tissue_of(SHAPE, [{**lone, "p": 0.6}]), EVERYWHERE, GRID, RULES)
    assert sure.tissue[20, 20, 20] == SNFH
    assert not sure.owner.any()
    assert not unsure.tissue.any()


def test_confluent_edema_is_split_by_the_nearest_lesion_and_said_so(tissue_of):
    lesions = [
        {"at": (10, 20, 20), "core": 3, "edema": 9},
        {"at": (24, 20, 20), "core": 3, "edema": 9},
        {"at": (20, 5, 36), "core": 2, "edema": 3},
    ]
    maps, confidences = label(tissue_of(SHAPE, lesions), EVERYWHERE, GRID, RULES)
    one, other = maps.instances[10, 20, 20], maps.instances[24, 20, 20]
    assert maps.owner[4, 20, 20] == one
    assert maps.owner[30, 20, 20] == other
    shared = shares_edema(maps, len(confidences))
    assert shared[one - 1]
    assert shared[other - 1]
    assert not shared[maps.instances[20, 5, 36] - 1]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_label_has_the_probabilities_that_its_rule_asks_for(seed):
    tissue = random_probabilities(seed)
    maps, confidences = label(
        tissue, np.ones(tissue.shape[1:], bool), Grid(tissue.shape[1:], np.eye(4)), RULES
    )
    core = (maps.tissue == ET) | (maps.tissue == NETC)
    assert np.array_equal(core, maps.instances > 0)
    assert (tissue[NETC] + tissue[ET])[core].min(initial=1.0) >= RULES.core_threshold
    edema = maps.tissue == SNFH
    assert (1 - tissue[0])[edema].min(initial=1.0) >= RULES.whole_threshold
    assert np.array_equal(maps.owner[core], maps.instances[core])
    assert not maps.owner[maps.tissue == 0].any()
    volumes = np.bincount(maps.instances.ravel(), minlength=len(confidences) + 1)[1:]
    assert list(volumes) == sorted(volumes, reverse=True)
    for number, confidence in enumerate(confidences, start=1):
        assert confidence >= RULES.confidence
        _, parts = ndimage.label(maps.instances == number, np.ones((3, 3, 3)))
        assert parts == 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), axis=st.sampled_from([0, 1, 2]))
def test_labels_follow_the_head_when_it_is_mirrored(seed, axis):
    tissue = random_probabilities(seed)
    brain = tissue[0] < np.quantile(tissue[0], 0.8)
    grid = Grid(tissue.shape[1:], np.eye(4))
    maps, _ = label(tissue, brain, grid, RULES)
    mirrored, _ = label(np.flip(tissue, axis + 1).copy(), np.flip(brain, axis), grid, RULES)
    assert np.array_equal(np.flip(mirrored.tissue, axis), maps.tissue)
