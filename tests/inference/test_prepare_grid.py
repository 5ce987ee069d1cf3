import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.prepare.grid import BRAIN_MARGIN, brain_box, field_of_view
from vasotype.stages import Grid
from vasotype.study.geometry import axis_codes, corners, positions


def test_a_1_mm_grid_keeps_its_voxels(grid_of):
    native = grid_of((30, 40, 50), (1.0, 1.0, 1.0), "LPS")
    field = field_of_view(native)
    assert axis_codes(field.affine) == "RAS"
    assert field.shape == (30, 40, 50)
    assert {tuple(p) for p in positions(field.affine, corners(field.shape))} == {
        tuple(p) for p in positions(native.affine, corners(native.shape))
    }


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.floats(0.3, 6.0)] * 3), st.sampled_from(["RAS", "LPS", "AIL", "SRP"]))
def test_the_field_has_1_mm_and_spans_the_reference(grid_of, spacing, codes):
    native = grid_of((20, 24, 28), spacing, codes, (3.0, 1.0, -2.0))
    field = field_of_view(native)
    assert field.spacing_mm == pytest.approx((1, 1, 1), rel=0.011)
    extent = np.array([20, 24, 28]) * spacing
    assert (np.array(field.shape) * field.spacing_mm >= extent - 0.02).all()
    assert (np.array(field.shape) * field.spacing_mm < extent + 1.02).all()
    centre = positions(field.affine, corners(field.shape)).mean(axis=0)
    np.testing.assert_allclose(centre, (3.0, 1.0, -2.0), atol=1e-6)


def test_thick_slices_keep_their_in_plane_voxels(grid_of):
    native = grid_of((30, 40, 12), (1.0, 1.0, 3.0))
    field = field_of_view(native)
    assert field.shape == (30, 40, 36)
    to_native = np.linalg.inv(native.affine) @ field.affine
    np.testing.assert_allclose(to_native[:2, 3], 0, atol=1e-9)
    assert to_native[2] == pytest.approx([0, 0, 1 / 3, -1 / 3])


def test_an_oblique_reference_keeps_its_obliquity(grid_of):
    tilt = np.deg2rad(14)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
    native = Grid((30, 40, 50), turn @ grid_of((30, 40, 50), (1.0, 1.0, 1.0)).affine)
    np.testing.assert_allclose(field_of_view(native).affine, native.affine)


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(*[st.integers(0, 30)] * 3),
    st.tuples(*[st.integers(1, 60)] * 3),
    st.sampled_from([8, 16, 32]),
)
def test_the_box_holds_the_brain_with_its_margin(grid_of, low, size, multiple):
    field = grid_of((100, 100, 100), (1.0, 1.0, 1.0))
    mask = np.zeros(field.shape, dtype=bool)
    mask[tuple(slice(a, a + b) for a, b in zip(low, size, strict=True))] = True
    start, box = brain_box(mask, field, multiple)
    for first, side, a, b in zip(start, box.shape, low, size, strict=True):
        assert side % multiple == 0
        assert side >= 64
        assert a - first >= BRAIN_MARGIN
        assert first + side - (a + b) >= BRAIN_MARGIN
    np.testing.assert_allclose(box.affine @ [0, 0, 0, 1], field.affine @ [*start, 1])
