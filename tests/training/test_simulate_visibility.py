"""Visibility: a rim is as visible as its contrast over the scatter around it, whatever its mode."""

import numpy as np
import pytest
from vasotype_models.contract import ET
from vasotype_training.cohorts import LesionTruth
from vasotype_training.simulate import StudyOptions, simulate_study
from vasotype_training.simulate.anatomy import RealBrain
from vasotype_training.simulate.plan import Population
from vasotype_training.simulate.scene import Scene
from vasotype_training.simulate.visibility import FAINT_CNR, measure_visibility

SHAPE = (40, 40, 40)


def scene_with(gain, noise, t1=0.0):
    """A ball of 6 mm radius that is ``gain`` brighter than its surroundings in T1c."""
    away = np.sqrt(((np.indices(SHAPE) - 19.5) ** 2).sum(axis=0))
    ball = away < 6
    rng = np.random.default_rng(0)
    scatter = noise * rng.standard_normal(SHAPE)
    images = {
        "t1": (t1 * ball).astype(np.float32),
        "t1c": ((gain + t1) * ball + scatter).astype(np.float32),
    }
    return Scene(
        images=images,
        maps={},
        mask=np.ones(SHAPE, bool),
        tissue=(ball * ET).astype(np.uint8),
        instances=ball.astype(np.uint16),
        low_permeability=np.zeros(SHAPE, bool),
        truth=(LesionTruth(1, None, None, "simulation"),),
    )


@pytest.mark.parametrize(("gain", "noise"), [(1.0, 0.5), (1.0, 0.25), (0.3, 0.1)])
def test_the_ratio_is_contrast_over_noise(gain, noise):
    seen = measure_visibility(scene_with(gain, noise))[1]
    assert seen.t1c == pytest.approx(gain / noise, rel=0.1)


def test_what_is_bright_before_contrast_is_visible_in_t1c_only():
    seen = measure_visibility(scene_with(0.0, 0.2, t1=1.0))[1]
    assert seen.t1c == pytest.approx(5, rel=0.15)
    assert abs(seen.difference) < 0.3
    assert seen.best == seen.t1c


def test_structure_around_a_lesion_hides_it_in_t1c_but_not_in_the_difference():
    scene = scene_with(0.5, 0.1)
    stripes = np.where(np.indices(SHAPE)[0] % 4 < 2, 1.0, 0.0).astype(np.float32)
    scene.images["t1"] += stripes
    scene.images["t1c"] += stripes
    seen = measure_visibility(scene)[1]
    assert seen.t1c < 2
    assert seen.best == seen.difference > 4


def test_a_lesion_without_surroundings_has_no_ratio():
    scene = scene_with(1.0, 0.5)
    scene.mask[:] = scene.instances > 0
    assert np.isnan(measure_visibility(scene)[1].t1c)


def seen_in_a_cohort(ball, count, **population):
    """Visibility of every lesion in ``count`` small studies of one population."""
    options = StudyOptions(
        maps=False,
        healthy_share=0.0,
        most_lesions=3,
        population=Population(limits_mm=(8.0, 16.0), **population),
        badly_stripped_share=0.0,
    )
    studies = [simulate_study([RealBrain(ball)], (), (4, n), options) for n in range(count)]
    return [seen for study in studies for seen in study.visibility.values()]


@pytest.mark.slow
def test_a_cohort_with_faint_lesions_holds_none_that_is_fainter(ball):
    ratios = [seen.best for seen in seen_in_a_cohort(ball, 4, faint_share=0.5)]
    assert len(ratios) >= 4
    # Left out lesions no longer disturb the surroundings of the others, which moves these a little.
    assert min(ratios) > 0.9 * FAINT_CNR[0]
    assert any(ratio < FAINT_CNR[1] for ratio in ratios)
    assert any(ratio >= FAINT_CNR[1] for ratio in ratios)


@pytest.mark.slow
def test_a_cohort_may_ask_for_visibility_in_t1c_itself(ball):
    ratios = [s.t1c for s in seen_in_a_cohort(ball, 3, faint_share=0.0, visible_in="t1c")]
    assert len(ratios) >= 3
    assert min(ratios) > 0.9 * FAINT_CNR[0]
