from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from vasotype.prepare import resample, to_native
from vasotype.prepare.resample import lowpass, window
from vasotype.stages import Grid

ORIENTATIONS = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in permutations(["RL", "AP", "SI"])
    for flips in product((0, 1), repeat=3)
]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("codes", ORIENTATIONS)
@pytest.mark.parametrize("order", [0, 1])
def test_axis_order_and_flips_are_undone_bit_by_bit(codes, order, grid_of):
    plain, turned = grid_of((11, 12, 13)), grid_of((11, 12, 13), codes=codes)
    data = RNG.normal(size=plain.shape).astype(np.float32)
    there = resample(data, plain, turned, order=order)
    assert there.shape == turned.shape
    assert np.array_equal(resample(there, turned, plain, order=order), data)


def test_values_follow_their_world_position(grid_of):
    plain, turned = grid_of((11, 12, 13)), grid_of((11, 12, 13), codes="SLP")
    data = np.zeros(plain.shape, dtype=np.float32)
    data[2, 5, 9] = 1
    world = plain.affine @ [2, 5, 9, 1]
    index = np.rint(np.linalg.inv(turned.affine) @ world)[:3].astype(int)
    assert resample(data, plain, turned)[tuple(index)] == 1


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(-20, 20)] * 3), st.tuples(*[st.integers(1, 20)] * 3))
def test_a_window_holds_the_data_inside_and_the_fill_outside(start, shape):
    data = np.arange(7 * 8 * 9).reshape(7, 8, 9)
    out = window(data, start, shape, fill=-1)
    for index in np.ndindex(*shape):
        at = np.add(index, start)
        inside = (at >= 0).all() and (at < data.shape).all()
        assert out[index] == (data[tuple(at)] if inside else -1)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.floats(0.6, 2.5)] * 3),
    st.sampled_from(ORIENTATIONS),
    st.tuples(*[st.floats(-20, 20)] * 3) | st.just((0.0, 0.0, 0.0)),
)
def test_a_linear_ramp_stays_itself_on_any_grid(grid_of, spacing, codes, angles):
    source = grid_of((30, 32, 34), spacing, codes)
    rotation = np.eye(4)
    rotation[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    target = Grid((9, 9, 9), rotation @ grid_of((9, 9, 9), (1.0, 1.0, 1.0)).affine)

    def ramp(grid):
        index = np.indices(grid.shape).reshape(3, -1)
        world = grid.affine[:3, :3] @ index + grid.affine[:3, 3:]
        return (np.array([0.3, -0.5, 0.7]) @ world).reshape(grid.shape).astype(np.float32)

    # Copies may lie up to a tenth of a voxel off, interpolation is exact.
    copied = np.ptp(spacing) < 0.1 and max(map(abs, angles)) < 2
    np.testing.assert_allclose(
        resample(ramp(source), source, target), ramp(target), atol=0.1 if copied else 1e-3
    )


def test_a_tenth_of_a_voxel_is_copied_and_more_is_interpolated(grid_of):
    here = grid_of((10, 10, 10), (1.0, 1.0, 1.0))
    data = RNG.normal(size=here.shape).astype(np.float32)
    near = grid_of((10, 10, 10), (1.0, 1.0, 1.0), centre=(0.09, 0.0, 0.0))
    far = grid_of((10, 10, 10), (1.0, 1.0, 1.0), centre=(0.25, 0.0, 0.0))
    assert np.array_equal(resample(data, here, near), data)
    halfway = 0.75 * data[:-1] + 0.25 * data[1:]
    np.testing.assert_allclose(resample(data, here, far)[:-1], halfway, atol=1e-5)


def test_the_outer_half_of_border_voxels_is_kept(grid_of):
    thick = grid_of((10, 10, 10), (1.0, 1.0, 3.0))
    thin = grid_of((10, 10, 40), (1.0, 1.0, 1.0))
    out = resample(np.ones(thick.shape, np.float32), thick, thin, fill=-5)
    # 30 mm of slices centred in 40 mm.
    assert (out[:, :, 5:-5] == 1).all()
    assert (out[:, :, [0, 1, 2, -3, -2, -1]] == -5).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.bool_, np.float32])
def test_dtype_is_kept_by_copy_and_by_interpolation(dtype, grid_of):
    source = grid_of((10, 10, 10))
    data = np.ones(source.shape, dtype=dtype)
    assert resample(data, source, grid_of((12, 10, 10), codes="LPS"), order=0).dtype == dtype
    assert resample(data, source, grid_of((10, 10, 10), (1.5, 1, 1)), order=0).dtype == dtype


def ball(grid, radius_mm):
    index = np.indices(grid.shape).reshape(3, -1)
    world = grid.affine[:3, :3] @ index + grid.affine[:3, 3:] - np.array([[3.0], [-2.0], [1.0]])
    return (np.linalg.norm(world, axis=0) < radius_mm).reshape(grid.shape).astype(np.uint8)


def centroid(label, grid):
    return (grid.affine @ [*np.argwhere(label).mean(axis=0), 1])[:3]


def dice(a, b):
    return 2 * np.sum((a > 0) & (b > 0)) / (np.sum(a > 0) + np.sum(b > 0))


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(0.7, 2.0)] * 3), st.sampled_from(ORIENTATIONS))
def test_a_label_survives_the_way_to_the_model_grid_and_back(grid_of, spacing, codes):
    native = grid_of(tuple(int(60 / s) for s in spacing), spacing, codes)
    model = grid_of((64, 64, 64), (1.0, 1.0, 1.0))
    label = ball(native, 12.0)
    there = resample(label, native, model, order=0)
    back = to_native(there[None], model, native, 0)
    assert back.shape == (1, *native.shape)
    assert dice(back[0], label) >= 0.9
    assert np.linalg.norm(centroid(there, model) - centroid(label, native)) < 0.5
    assert there.sum() == pytest.approx(label.sum() * native.voxel_ml * 1000, rel=0.15)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(ORIENTATIONS), st.tuples(*[st.integers(-9, 9)] * 3))
def test_a_label_comes_back_whole_between_aligned_grids(grid_of, codes, offset):
    native = grid_of((50, 54, 58), (1.0, 1.0, 1.0), codes)
    affine = grid_of((50, 54, 58), (1.0, 1.0, 1.0)).affine.copy()
    affine[:3, 3] += offset
    model = Grid((64, 80, 64), affine)
    label = ball(native, 8.0)
    back = to_native(resample(label, native, model, order=0)[None], model, native, 0)
    assert np.array_equal(back[0], label)


def test_smoothing_touches_only_axes_that_get_coarser(grid_of):
    noise = RNG.normal(size=(40, 40, 40)).astype(np.float32)
    fine, same = grid_of((40, 40, 40), (0.5, 1.0, 1.0)), grid_of((20, 40, 40), (1.0, 1.0, 1.0))
    smooth = lowpass(noise, fine, same)
    assert np.diff(smooth, axis=0).std() < 0.6 * np.diff(noise, axis=0).std()
    column = np.zeros((40, 40, 40), np.float32)
    column[20] = 1
    assert np.array_equal(np.ptp(lowpass(column, fine, same), axis=(1, 2)), np.zeros(40))
    assert lowpass(noise, same, fine) is noise
