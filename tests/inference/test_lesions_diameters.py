from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.lesions.diameters import axial_diameters

examples = settings(max_examples=25, deadline=None)
millimetres = st.floats(2.0, 9.0)
spacings = st.sampled_from([0.5, 0.9, 1.0, 1.3])


def grid_affine(spacing, thickness):
    affine = np.diag([spacing, spacing, thickness, 1.0])
    affine[:3, 3] = -20.0, 7.0, 3.0
    return affine


def ellipsoid(half_axes_mm, angle, affine, centre_shift=(0.0, 0.0, 0.0)):
    """Voxels in an ellipsoid turned about the superior axis, in a grid that holds it."""
    spacing = np.abs(np.diag(affine)[:3])
    side = np.ceil(2 * max(half_axes_mm) / spacing).astype(int) + 5
    points = np.stack(np.meshgrid(*map(np.arange, side), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis((points - (side - 1) / 2 - centre_shift) * spacing, -1, 0)
    along = np.cos(angle) * x + np.sin(angle) * y
    across = -np.sin(angle) * x + np.cos(angle) * y
    a, b, c = half_axes_mm
    return (along / a) ** 2 + (across / b) ** 2 + (z / c) ** 2 <= 1.0


def reordered(mask, affine, order, flips):
    """The same voxels at the same places, stored with other axes."""
    turned = affine[:, [*order, 3]].copy()
    mask = mask.transpose(order)
    for axis, flip in enumerate(flips):
        if flip:
            mask = np.flip(mask, axis)
            turned[:3, 3] += turned[:3, axis] * (mask.shape[axis] - 1)
            turned[:3, axis] *= -1
    return mask, turned


@examples
@given(radius=millimetres, spacing=spacings, shift=st.floats(0.0, 0.5))
def test_diameters_of_a_ball_are_right_within_a_voxel(radius, spacing, shift):
    affine = grid_affine(spacing, spacing)
    ball = ellipsoid((radius,) * 3, 0.0, affine, (shift, -shift, 0.0))
    diameters = axial_diameters(ball, affine)
    assert diameters.longest_mm == pytest.approx(2 * radius, abs=spacing + 1e-6)
    assert diameters.perpendicular_mm == pytest.approx(2 * radius, abs=spacing + 1e-6)


@examples
@given(
    half_axes=st.tuples(st.floats(6.0, 12.0), st.floats(3.0, 5.0), st.floats(2.0, 9.0)),
    angle=st.floats(0.0, np.pi),
    thickness=st.sampled_from([0.8, 2.0, 5.0]),
)
def test_diameters_of_a_turned_ellipsoid_are_right(half_axes, angle, thickness):
    affine = grid_affine(0.8, thickness)
    # A slice passes through the centre: the odd side puts it on a voxel.
    mask = ellipsoid(half_axes, angle, affine)
    if mask.shape[2] % 2 == 0:
        mask = ellipsoid(half_axes, angle, affine, (0.0, 0.0, 0.5))
    diameters = axial_diameters(mask, affine)
    # At most one voxel too long: exactly one where centres lie on both tips.
    assert diameters.longest_mm == pytest.approx(2 * half_axes[0], abs=0.8 + 1e-6)
    # The longest chord between voxel centres may lean a little, which widens the extent across.
    assert diameters.perpendicular_mm == pytest.approx(2 * half_axes[1], abs=2 * 0.8)


@examples
@given(
    width=st.integers(1, 12),
    depth=st.integers(1, 12),
    height=st.integers(1, 4),
    spacing=spacings,
)
def test_longest_diameter_of_a_box_is_its_diagonal_between_centres_plus_a_voxel(
    width, depth, height, spacing
):
    mask = np.zeros((16, 16, 8), bool)
    mask[2 : 2 + width, 3 : 3 + depth, 1 : 1 + height] = True
    diameters = axial_diameters(mask, grid_affine(spacing, 3.0))
    expected = (np.hypot(width - 1, depth - 1) + 1) * spacing
    assert diameters.longest_mm == pytest.approx(expected)


@examples
@given(seed=st.integers(0, 10_000), density=st.floats(0.01, 0.6))
def test_longest_diameter_is_that_of_all_pairs_in_a_plane(seed, density):
    rng = np.random.default_rng(seed)
    mask = rng.random((7, 8, 4)) < density
    mask[3, 3, 1] = True
    affine = grid_affine(0.7, 2.0)
    every = [
        np.hypot(*(0.7 * (a - b)))
        for plane in np.moveaxis(mask, 2, 0)
        for a in np.argwhere(plane)
        for b in np.argwhere(plane)
    ]
    assert axial_diameters(mask, affine).longest_mm == pytest.approx(max(every) + 0.7)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_diameters_do_not_depend_on_how_axes_are_stored(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 7, 5)) < 0.3
    mask[2, 3, 2] = True
    affine = grid_affine(0.9, 1.5)
    expected = axial_diameters(mask, affine)
    for order, flips in product(permutations(range(3)), product([False, True], repeat=3)):
        found = axial_diameters(*reordered(mask, affine, order, flips))
        assert found.longest_mm == pytest.approx(expected.longest_mm)
        assert found.perpendicular_mm == pytest.approx(expected.perpendicular_mm)


@examples
@given(seed=st.integers(0, 10_000), spacing=st.tuples(millimetres, millimetres, millimetres))
def test_ends_lie_in_one_axial_plane_a_diameter_apart(seed, spacing):
    mask = np.random.default_rng(seed).random((5, 6, 4)) < 0.3
    mask[2, 3, 2] = True
    diameters = axial_diameters(mask, np.diag([*spacing, 1.0]))
    start, end = np.array(diameters.ends)
    assert np.linalg.norm(end - start) == pytest.approx(diameters.longest_mm)
    assert start[2] == pytest.approx(end[2])
    assert diameters.perpendicular_mm <= diameters.longest_mm


def test_a_single_voxel_is_as_long_as_its_side():
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    diameters = axial_diameters(mask, np.diag([0.5, 0.5, 4.0, 1.0]))
    assert diameters.longest_mm == pytest.approx(0.5)
    assert diameters.perpendicular_mm == pytest.approx(0.5)


def test_a_sagittal_acquisition_is_measured_axially():
    # Stored as (A, S, L): long in S, which an axial plane does not see.
    affine = np.array([[0, 0, -1.0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], float)
    mask = np.zeros((20, 20, 20), bool)
    mask[5:9, 2:18, 4:6] = True
    assert axial_diameters(mask, affine).longest_mm == pytest.approx(np.hypot(3, 1) + 1)


@examples
@given(st.integers(0, 2**32 - 1))
def test_both_diameters_have_ends_that_cross_at_right_angles(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((7, 8, 3)) < 0.3
    mask[3, 3, 1] = True
    affine = np.diag([*rng.uniform(0.5, 2.0, 3), 1.0])
    found = axial_diameters(mask, affine)
    long, short = (np.subtract(*reversed(ends)) for ends in (found.ends, found.perpendicular_ends))
    assert np.linalg.norm(long) == pytest.approx(found.longest_mm)
    assert np.linalg.norm(short) == pytest.approx(found.perpendicular_mm)
    assert long @ short == pytest.approx(0.0, abs=1e-6)
    assert found.ends[0][2] == pytest.approx(found.perpendicular_ends[0][2])
