"""A brain to simulate in: its units, its tissues, and where lesions may grow."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vasotype_training.simulate import painting
from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM, classify_tissue, robust_units
from vasotype_training.simulate.physics import GREY, WHITE, draw_sequences, t1_weighted


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.1, 500), offset=st.floats(1, 2000), seed=st.integers(0, 100))
def test_normalised_units_forget_gain_and_offset_of_the_scanner(gain, offset, seed):
    image = np.random.default_rng(seed).uniform(1, 2, (12, 12, 12))
    mask = np.ones(image.shape, bool)
    middle, scale = robust_units(image, mask)
    other_middle, other_scale = robust_units(gain * image + offset, mask)
    assert other_middle == pytest.approx(gain * middle + offset, rel=1e-6)
    assert other_scale == pytest.approx(gain * scale, rel=1e-5)


def test_painted_tissue_has_the_contrast_of_its_sequence(ball):
    csf, grey, white = range(3)
    assert ball.levels["t1"][white] > ball.levels["t1"][grey] > ball.levels["t1"][csf]
    assert ball.levels["t2"][white] < ball.levels["t2"][grey] < ball.levels["t2"][csf]
    assert ball.levels["flair"][csf] < ball.levels["flair"][white]


def test_grey_matter_stays_below_white_in_painted_spin_echoes():
    rng = np.random.default_rng(0)
    t1, t2, density = np.exp(rng.normal(0, painting.JITTER[..., None], (3, 2, 4000)))
    signals = [
        t1_weighted(
            tissue.t1 * t1[k],
            tissue.t2 * t2[k],
            tissue.density * density[k],
            replace(draw_sequences(rng, (3, 8)), spin_echo_t1=True, t1_tr=0.55),
        )
        for k, tissue in enumerate((GREY, WHITE))
    ]
    assert (signals[0] < signals[1]).mean() > 0.995


def test_every_painting_differs_but_not_the_tissue(ball_source, ball):
    other = ball_source.draw(np.random.default_rng(8))
    assert np.abs(other.images["t1"] - ball.images["t1"])[ball.mask].max() > 0.1
    agree = (other.white > 0.5) == (ball.white > 0.5)
    assert agree[ball.mask].mean() > 0.95


def test_tissue_is_found_again_in_the_painted_images(ball):
    images = {c: ball.images[c].astype(np.float32) for c in ("t1", "t2")}
    found = classify_tissue(images, ball.mask)
    for estimate, painted in zip(found, (ball.csf, ball.grey, ball.white), strict=True):
        agree = (estimate > 0.5) == (painted > 0.5)
        assert agree[ball.mask].mean() > 0.95


def test_flair_does_not_disturb_tissue_where_t1_or_t2_is_there(ball):
    images = {c: ball.images[c].astype(np.float32) for c in ("t1", "t2")}
    noise = np.random.default_rng(0).normal(size=ball.shape).astype(np.float32)
    for found, alone in zip(
        classify_tissue(images | {"flair": noise}, ball.mask),
        classify_tissue(images, ball.mask),
        strict=True,
    ):
        assert np.array_equal(found, alone)


def test_lesions_may_not_be_centred_in_csf_or_outside(ball):
    assert ball.allowed.any()
    assert not (ball.allowed & ~ball.mask).any()
    assert not (ball.allowed & (ball.csf >= 0.5)).any()


def test_lesions_may_not_be_centred_near_a_real_tumor(beside_a_tumor):
    away = ndimage.distance_transform_edt(beside_a_tumor.tumor == 0)
    assert beside_a_tumor.allowed.any()
    assert away[beside_a_tumor.allowed].min() >= TUMOR_DISTANCE_MM


def test_the_distance_to_a_real_tumor_is_known_and_absent_without_one(ball, beside_a_tumor):
    away = ndimage.distance_transform_edt(beside_a_tumor.tumor == 0)
    np.testing.assert_allclose(beside_a_tumor.tumor_mm, away, rtol=1e-3)
    assert ball.tumor_mm is None


def test_a_tumor_does_not_shift_the_levels_of_healthy_tissue(ball, beside_a_tumor):
    for channel, levels in ball.levels.items():
        np.testing.assert_allclose(beside_a_tumor.levels[channel], levels, atol=0.15)
