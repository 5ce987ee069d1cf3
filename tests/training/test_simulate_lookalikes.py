"""Look-alikes: vessels are long and thin, diseases leave many marks, each has its place."""

import numpy as np
import pytest
from vasotype_training.simulate.forms import LENGTH_MM, draw_tree, tree_distance
from vasotype_training.simulate.lookalikes import (
    DISEASES,
    KINDS,
    SINGLE,
    draw_lookalike,
    draw_lookalikes,
    draw_marks,
)

WHOLE = (slice(0, 64),) * 3
MIDDLE = np.array([32.0, 32.0, 32.0])


def test_single_lookalikes_have_no_biology_no_edema_and_no_patient(ball):
    drawn = draw_lookalikes(ball, WHOLE, 60, np.random.default_rng(4))
    assert len(drawn) >= 40
    assert {m.kind for m in drawn} <= set(KINDS)
    assert all(m.biology is None and m.patient is None and m.edema_ml == 0 for m in drawn)


def test_the_shares_of_single_lookalikes_sum_to_one():
    assert sum(KINDS[kind].share for kind in SINGLE) == pytest.approx(1)


@pytest.mark.parametrize("kind", list(LENGTH_MM))
def test_a_vessel_is_longer_than_ten_millimetres_and_thinner_than_three(ball, kind):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        lesion = draw_lookalike(ball, WHOLE, kind, rng)
        tree = draw_tree(kind, MIDDLE, lesion.shape.radius_mm, ball, rng)
        assert np.linalg.norm(np.diff(tree.points[:14], axis=0), axis=1).sum() > 8
        assert np.ptp(tree.points, axis=0).max() > 4
        assert tree.radius_mm.max() <= 1.3


def test_the_distance_to_a_vessel_is_negative_on_its_axis_only(ball):
    rng = np.random.default_rng(2)
    tree = draw_tree("vessel", MIDDLE, 1.0, ball, rng)
    distance = tree_distance(tree, WHOLE)
    on_axis = tuple(np.round(tree.points[:5]).astype(int).T)
    assert distance[on_axis].max() < 0.6
    assert (distance < 0).mean() < 0.01


def test_a_vein_keeps_to_the_surface(ball):
    depths = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        lesion = draw_lookalike(ball, WHOLE, "vein", rng)
        tree = draw_tree("vein", np.array(lesion.centre), 0.8, ball, rng)
        at = np.clip(np.round(tree.points).astype(int), 0, 63)
        depths.append(ball.depth_mm[tuple(at.T)].mean())
    assert np.mean(depths) < 5


def test_plexus_lies_in_a_ventricle_and_nowhere_else(ball):
    rng = np.random.default_rng(1)
    lesion = draw_lookalike(ball, WHOLE, "plexus", rng)
    assert ball.csf[tuple(np.round(lesion.centre).astype(int))] > 0.5


@pytest.mark.parametrize("seed", range(6))
def test_a_disease_leaves_its_own_marks_and_a_part_of_a_brain_holds_fewer(ball, seed):
    marks = draw_marks(ball, WHOLE, np.random.default_rng(seed))
    part = draw_marks(ball, (slice(0, 32), slice(0, 32), slice(0, 64)), np.random.default_rng(seed))
    assert any(set(marks) <= set(disease) for disease in DISEASES.values())
    assert len(part) <= len(marks)
