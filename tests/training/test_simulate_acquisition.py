"""A scanner blurs, shades and adds noise, and does it the same way for the same seed."""

import numpy as np
import pytest
from vasotype_training.simulate.acquisition import Severity, degrade, degrade_map

SHAPE = (40, 40, 40)
GENTLE = Severity(
    thick_share=0.0, blur=0.0, noise=0.02, bias=0.0, shift_mm=0.0, ghost_share=0.0
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
        thick_share=1.0, thickest_mm=6.0, blur=0.0, noise=0.02, bias=0, shift_mm=0, ghost_share=0
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
        severity = Severity(thick_share=0, blur=0, noise=severe, bias=0, shift_mm=0, ghost_share=0)
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
