"""Pictures: positions and outlines agree with the voxels they stand for."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.outputs.figures import PLANES, Window, outline, spread

SHAPE = (20, 24, 16)
voxels = st.tuples(*(st.integers(0, n - 1) for n in SHAPE))
starts = st.tuples(st.integers(-8, 10), st.integers(-8, 10))
sizes = st.tuples(st.integers(5, 40), st.integers(5, 40))


def points(path):
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", path)]
    return np.array(numbers).reshape(-1, 2)


@settings(deadline=None, max_examples=60)
@given(voxels, st.sampled_from(PLANES), starts, sizes)
def test_a_voxel_is_painted_where_its_position_says(voxel, plane, start, size):
    volume = np.zeros(SHAPE, np.uint8)
    volume[voxel] = 1
    window = Window(plane, start, size)
    picture = window.slice(volume, voxel[plane.normal])
    x, y = window.place(np.array(voxel, np.float64))
    assert picture.shape == size[::-1]
    if 0 <= x < size[0] and 0 <= y < size[1]:
        assert np.argwhere(picture).tolist() == [[int(y), int(x)]]
    else:
        assert not picture.any()


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(PLANES), voxels, st.integers(4, 30))
def test_a_window_is_centred_on_its_voxel(plane, voxel, side):
    window = Window.around(plane, np.array(voxel, np.float64), side)
    assert window.place(np.array(voxel, np.float64)) == pytest.approx((side / 2,) * 2, abs=0.5)


def test_right_is_on_the_left_and_superior_above():
    volume = np.zeros(SHAPE, np.uint8)
    volume[-1, 12, -1] = 1
    coronal = PLANES[1]
    assert Window(coronal, (0, 0), (SHAPE[0], SHAPE[2])).slice(volume, 12)[0, 0] == 1


@pytest.mark.parametrize("radius", [3.0, 6.5, 12.0])
def test_an_outline_runs_along_the_border(radius):
    rows, columns = np.indices((40, 40)) + 0.5
    path = outline(np.hypot(rows - 20, columns - 20) <= radius)
    distances = np.hypot(*(points(path) - 20).T)
    assert path.endswith("Z")
    assert np.abs(distances - radius).max() < 0.8


def test_an_outline_keeps_a_single_voxel():
    region = np.zeros((9, 9), bool)
    region[4, 6] = True
    assert points(outline(region)).mean(axis=0) == pytest.approx((6.5, 4.5), abs=0.1)


def test_an_outline_stays_open_where_the_region_leaves_the_picture():
    region = np.zeros((20, 20), bool)
    region[:, :8] = True
    path = outline(region)
    assert "Z" not in path
    assert points(path)[:, 0] == pytest.approx(8.0, abs=0.3)


def test_no_region_has_no_outline():
    assert outline(np.zeros((5, 5), bool)) == ""


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 150), st.floats(0, 150)), max_size=8))
def test_lesion_numbers_do_not_cover_each_other(anchors):
    tags = spread(dict(enumerate(anchors, start=1)), 10.0)
    places = np.array([(tag.x, tag.y) for tag in tags]).reshape(-1, 2)
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert [tag.id for tag in tags] == list(range(1, len(anchors) + 1))
    assert (gaps[np.triu_indices(len(tags), 1)] >= 9.8).all()
