"""Fields, slice profiles, outlines and edema do what they are named for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype_training.simulate.edema import edema_fraction
from vasotype_training.simulate.fields import along_axes, slice_profile, smooth_field
from vasotype_training.simulate.shape import draw_shape, signed_distance


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(4, 12), seed=st.integers(0, 1000))
def test_smooth_fields_have_unit_variance_and_their_correlation_length(
    scale: float, seed: int
) -> None:
    field = smooth_field((64, 64, 64), scale, np.random.default_rng(seed))
    knots = (64 / scale) ** 3
    assert abs(np.sqrt((field**2).mean()) - 1) < 0.1 + 3 / np.sqrt(knots)
    step = max(1, round(scale / 4))
    near = np.corrcoef(field[:-step].ravel(), field[step:].ravel())[0, 1]
    assert near > 0.8


@settings(max_examples=20, deadline=None)
@given(
    blur=st.floats(0, 2), thickness=st.floats(1, 7), shift=st.floats(-2, 2), n=st.integers(32, 100)
)
def test_a_slice_profile_keeps_a_constant_image(
    blur: float, thickness: float, shift: float, n: int
) -> None:
    profile = slice_profile(n, blur, thickness, shift)
    if profile is not None:
        assert np.allclose(profile.sum(axis=1), 1, atol=1e-5)
        assert profile.min() >= 0


def test_a_shift_moves_the_image_by_that_many_voxels() -> None:
    line = np.zeros((64, 1, 1), np.float32)
    line[30] = 1
    moved = along_axes(line, (slice_profile(64, 0.5, 1.0, 1.5), None, None))
    centre = float((moved[:, 0, 0] * np.arange(64)).sum() / moved.sum())
    assert abs(centre - 28.5) < 0.05


@settings(max_examples=15, deadline=None)
@given(radius=st.floats(1.5, 14), seed=st.integers(0, 500))
def test_an_outline_has_about_the_volume_of_its_sphere(radius: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = draw_shape(radius, rng)
    box = (slice(0, 64), slice(0, 64), slice(0, 64))
    inside = (signed_distance(shape, (32.0, 32.0, 32.0), box, rng) < 0).sum()
    equivalent = (3 * inside / (4 * np.pi)) ** (1 / 3)
    assert 0.7 * radius < equivalent < 1.5 * radius


def test_edema_reaches_its_volume_along_white_matter_and_never_into_csf() -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(64) - 32.0] * 3, indexing="ij")).astype(np.float32)
    distance = np.sqrt((grid**2).sum(axis=0)) - 6
    white = (np.abs(grid[1]) < 10).astype(np.float32)
    csf = (grid[0] > 14).astype(np.float32)
    share = edema_fraction(distance, white, csf, 8.0, rng)
    assert share[csf > 0.5].max() == 0
    outside = (share > 0.5) & (distance > 0)
    assert 6.5 < outside.sum() / 1000 < 9.5
    along = outside[:, 32, 60].sum() + outside[32, 32, :].sum()
    across = outside[32, :, 32].sum()
    assert along > across
