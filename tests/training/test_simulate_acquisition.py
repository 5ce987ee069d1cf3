"""A scanner blurs, shades and adds noise, and does it the same way for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
from vasotype_training.simulate.acquisition import (
    Severity,
    acquire,
    degrade,
    degrade_map,
    draw_acquisition,
)
from vasotype_training.simulate.fields import slice_profile

SHAPE = (40, 40, 40)
GENTLE = Severity(
    thick_share=0.0, blur=0.0, noise=0.02, bias=0.0, shift_mm=0.0, turn_deg=0.0, ghost_share=0.0
)  # noise is drawn from 0.02 upwards


def texture(seed=0):
    return np.random.default_rng(seed).normal(0, 1, SHAPE).astype(np.float32)


def test_the_same_seed_acquires_the_same_image():
    first, second, other = (
        degrade(texture(), Severity(), np.random.default_rng(seed), 2) for seed in (3, 3, 4)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_thick_slices_blur_through_the_plane_more_than_in_it():
    """Over several draws, because each channel draws its own thickness."""
    severity = Severity(
        thick_share=1.0, thickest_mm=6.0, blur=0.0, noise=0.02, bias=0, moved_share=0, ghost_share=0
    )
    rough = np.zeros(3)
    for seed in range(6):
        image = degrade(texture(), severity, np.random.default_rng(seed), 1)
        rough += [np.abs(np.diff(image, axis=axis)).mean() for axis in range(3)]
    assert rough[1] < 0.6 * rough[0]
    assert rough[0] == pytest.approx(rough[2], rel=0.05)


def test_noise_stays_within_its_severity():
    constant = np.zeros(SHAPE, np.float32)
    for severe in (0.05, 0.4):
        severity = Severity(
            thick_share=0, blur=0, noise=severe, bias=0, moved_share=0, ghost_share=0
        )
        spreads = [
            degrade(constant, severity, np.random.default_rng(seed), 2).std() for seed in range(12)
        ]
        assert max(spreads) <= severe * 1.02
        assert max(spreads) > 0.4 * severe


def test_a_gentle_acquisition_keeps_the_order_of_intensities():
    image = texture()
    for seed in range(5):
        acquired = degrade(image, GENTLE, np.random.default_rng(seed), 2)
        assert np.corrcoef(np.argsort(np.argsort(image.ravel())), _ranks(acquired))[0, 1] > 0.99


def _ranks(image):
    return np.argsort(np.argsort(image.ravel()))


def test_a_map_keeps_its_mean_and_never_turns_negative():
    quantity = np.zeros(SHAPE, np.float32)
    quantity[10:30, 10:30, 10:30] = 0.1
    acquired = degrade_map(quantity, 0.2, np.random.default_rng(0), 2)
    assert acquired.min() >= 0
    assert acquired[14:26, 14:26, 14:26].mean() == pytest.approx(0.1, rel=0.05)


def test_drawing_an_acquisition_comes_apart_from_applying_it():
    how = draw_acquisition(Severity(), np.random.default_rng(5), 2)
    assert np.array_equal(acquire(texture(), how), acquire(texture(), how))


def test_gaps_between_slices_lose_what_lies_in_them():
    point = np.zeros(40)
    point[12] = 1.0
    seen = [float((slice_profile(40, 0.0, 5.0, 0.0, gap) @ point).sum()) for gap in (0.0, 0.5)]
    assert seen[0] > 0.5
    assert seen[1] != pytest.approx(seen[0], abs=0.05)


def test_a_turned_channel_lies_askew():
    image = np.zeros(SHAPE, np.float32)
    image[19:21, :, 19:21] = 4
    plain = draw_acquisition(GENTLE, np.random.default_rng(1), 2)
    still = replace(plain, noise=0.0, gamma=1.0)
    turned = acquire(image, replace(still, turn_deg=(0.0, 0.0, 4.0)))
    middle = [turned[:, y, 20].argmax() for y in (4, 20, 36)]
    assert abs(middle[0] - middle[2]) in (1, 2, 3)
    assert turned[:, 20, 20].max() > 2


def test_a_surface_coil_brightens_the_posterior_surface_only_where_it_is_seen():
    brain = np.zeros(SHAPE, np.float32)
    brain[:, 10:, :] = 1
    how = replace(draw_acquisition(GENTLE, np.random.default_rng(1), 2), noise=0.0, gamma=1.0)
    near, far = (acquire(brain, replace(how, rim=0.6))[20, y, 20] for y in (11, 38))
    assert near > far + 1
    crop = acquire(brain[:, 10:], replace(how, rim=0.6))
    assert np.ptp(crop) < 1e-4


def test_old_t1_images_are_thicker_than_the_other_sequences():
    rng = np.random.default_rng(0)
    severity = Severity(thick_share=0.0, poor_t1_share=0.5)
    thick = {
        channel: np.mean(
            [draw_acquisition(severity, rng, 2, channel).thickness_mm > 1 for _ in range(200)]
        )
        for channel in ("t1", "t1c")
    }
    assert thick["t1"] > 0.3
    assert thick["t1c"] == 0


def test_uptake_of_small_lesions_shrinks_in_pet():
    quantity = np.ones(SHAPE, np.float32)
    quantity[18:22, 18:22, 18:22] = 3
    pet, perfusion = (
        degrade_map(quantity, 0.0, np.random.default_rng(0), 2, name)[20, 20, 20]
        for name in ("tbr", "rcbv")
    )
    assert pet < perfusion
