from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from vasotype.stages import Grid
from vasotype.study.geometry import (
    axis_codes,
    closest_canonical,
    corners,
    displacement,
    orthonormalised,
    positions,
    shear,
)

ORIENTATIONS = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in permutations(["RL", "AP", "SI"])
    for flips in product((0, 1), repeat=3)
]


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_every_axis_order_has_the_same_canonical_grid(codes, grid_of):
    plain = grid_of((20, 30, 40), (1.0, 2.0, 3.0), "RAS", (5.0, -7.0, 9.0))
    turned = grid_of((20, 30, 40), (1.0, 2.0, 3.0), codes, (5.0, -7.0, 9.0))
    assert axis_codes(turned.affine) == codes
    back = closest_canonical(turned)
    assert back.shape == plain.shape
    np.testing.assert_allclose(back.affine, plain.affine, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(-40, 40), st.floats(-40, 40), st.sampled_from(ORIENTATIONS))
def test_canonical_grid_keeps_the_corners_of_an_oblique_volume(grid_of, tilt, turn, codes):
    grid = grid_of((20, 30, 40), (1.0, 2.0, 3.0), codes)
    rotation = np.eye(4)
    rotation[:3, :3] = Rotation.from_euler("xy", [tilt, turn], degrees=True).as_matrix()
    oblique = Grid(grid.shape, rotation @ grid.affine)
    before = positions(oblique.affine, corners(oblique.shape))
    canonical = closest_canonical(oblique)
    after = positions(canonical.affine, corners(canonical.shape))
    for corner in before:
        assert np.linalg.norm(after - corner, axis=1).min() < 1e-9


def test_displacement_is_the_shift_in_voxels_and_mm(grid_of):
    here = grid_of(spacing=(1.0, 1.0, 3.0))
    there = grid_of(spacing=(1.0, 1.0, 3.0), centre=(0.0, 0.0, 6.0))
    assert displacement(here, there) == pytest.approx((2.0, 6.0))


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.009, 0.009))
def test_straightening_gives_right_angles_and_moves_the_head_little(grid_of, amount):
    grid = grid_of((180, 220, 180), (1.0, 1.0, 1.0))
    skew = np.eye(4)
    skew[0, 1] = amount
    skewed = Grid(grid.shape, skew @ grid.affine)
    assert shear(skewed.affine) == pytest.approx(abs(amount), rel=1e-3, abs=1e-9)
    straight = orthonormalised(skewed)
    assert shear(straight.affine) < 1e-9
    assert straight.spacing_mm == pytest.approx(skewed.spacing_mm)
    assert displacement(skewed, straight)[1] < 1.0
