"""Border and shape of balls and rods of known blur and size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vasotype.lesions.biomarkers_interface import border_widths, sphericity
from vasotype.lesions.biomarkers_region import Region
from vasotype.stages import Grid


@settings(max_examples=8, deadline=None)
@given(sigma=st.floats(1.0, 2.0), radius=st.floats(7.5, 9.0))
def test_the_border_s_width_is_that_of_the_blur(sigma, radius):
    """A plane blurred by a Gaussian falls from 90 to 10 % over 2.56 sigma."""
    region = ball_region(radius, sigma)
    widths, tried = border_widths(region, contrast=10.0)
    assert len(widths) > 0.9 * tried
    assert np.median(widths) == pytest.approx(2.563 * sigma, rel=0.15)


def test_a_border_without_contrast_has_no_width():
    widths, _ = border_widths(ball_region(8.0, 1.0), contrast=500.0)
    assert len(widths) == 0


@pytest.mark.parametrize("radius", [3, 5, 8])
def test_balls_are_round(radius):
    distance = np.linalg.norm(np.indices((30, 30, 30)) - 15.0, axis=0)
    assert sphericity(distance <= radius, Grid((30, 30, 30), np.eye(4))) > 0.96


@pytest.mark.parametrize("radius", [2.5, 4.0])
def test_rods_are_less_round_by_their_shape(radius):
    x, y, z = np.indices((30, 30, 40)) - 15.3
    rod = (np.hypot(x, y) <= radius) & (np.abs(z - 4) <= 15)
    volume, area = np.pi * radius**2 * 30, 2 * np.pi * radius * (30 + radius)
    expected = np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area
    assert sphericity(rod, Grid((30, 30, 40), np.eye(4))) == pytest.approx(expected, rel=0.06)


def ball_region(radius, sigma):
    """A ball of 300 on 100, blurred, in a brain that fills the grid."""
    shape = (40, 40, 40)
    distance = np.linalg.norm(np.indices(shape) - 19.5, axis=0)
    tumor = distance <= radius
    step = np.clip(radius + 0.5 - distance, 0, 1)  # partial volume at the border
    picture = ndimage.gaussian_filter(100.0 + 200.0 * step, sigma)
    nothing = np.zeros(shape, bool)
    return Region(
        lesion=None,
        grid=Grid(shape, np.eye(4)),
        images={"t1c": picture.astype(np.float32)},
        tumor=tumor,
        enhancing=tumor,
        necrotic=nothing,
        edema=nothing,
        rim=nothing,
        front=nothing,
        outside=~tumor,
        voxel_ml={},
    )
