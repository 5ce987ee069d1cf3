import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.engine.tiles import blend, gaussian_window, tile_boxes, tile_starts

examples = settings(max_examples=60, deadline=None)


@examples
@given(
    tile=st.integers(4, 12),
    more=st.integers(0, 20),
    overlap=st.sampled_from([0.0, 0.25, 0.5, 0.75]),
)
def test_tiles_reach_from_edge_to_edge_and_overlap(tile, more, overlap):
    side = 8 * (tile + more)
    tile = 8 * tile
    starts = tile_starts(side, tile, overlap)
    assert starts[0] == 0
    assert starts[-1] == side - tile
    assert max(np.diff(starts), default=0) <= round(tile * (1 - overlap))


def test_a_tile_is_clipped_to_a_smaller_grid():
    boxes = tile_boxes(np.ones((64, 80, 96), bool), (96, 96, 96), 0.5, 16)
    assert boxes == [(slice(0, 64), slice(0, 80), slice(0, 96))]


def test_margins_of_the_grid_cost_no_tiles():
    mask = np.zeros((160, 160, 112), bool)
    mask[9:152, 6:155, 30:80] = True  # 143, 149 and 50 voxels long
    boxes = tile_boxes(mask, (96, 96, 96), 0.5, 16)
    starts = [sorted({box[axis].start for box in boxes}) for axis in range(3)]
    assert starts == [[9, 56], [6, 40, 75], [23]]  # along z the brain lies in the middle


@examples
@given(
    length=st.integers(1, 160), overlap=st.sampled_from([0.0, 0.125, 0.25, 0.5]), first=st.data()
)
def test_tiles_are_as_few_and_as_short_as_can_be(length, overlap, first):
    mask = np.zeros((160, 16, 16), bool)
    start = first.draw(st.integers(0, 160 - length))
    mask[start : start + length] = True
    boxes = [box[0] for box in tile_boxes(mask, (96, 16, 16), overlap, 16)]
    sides = {box.stop - box.start for box in boxes}
    assert len(sides) == 1
    assert len(boxes) == len(tile_starts(max(length, 96), 96, overlap))
    side = sides.pop()
    assert side % 16 == 0
    assert side <= 96
    if side > 16:  # a shorter one would leave a gap, or less overlap
        assert (side - 16) * (1 + (len(boxes) - 1) * (1 - overlap)) < length


@examples
@given(seed=st.integers(0, 10_000))
def test_every_masked_voxel_lies_in_a_tile_and_no_tile_is_empty(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros((40, 24, 32), bool)
    for x, y, z in rng.integers(0, (40, 24, 32), (3, 3)):
        mask[x, y, z] = True
    boxes = tile_boxes(mask, (16, 16, 16), 0.5, 8)
    covered = np.zeros(mask.shape, bool)
    for box in boxes:
        assert mask[box].any()
        covered[box] = True
    assert covered[mask].all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), sigma=st.sampled_from([0.1, 0.125, 1.0]))
def test_tiles_that_agree_are_blended_into_themselves(seed, sigma):
    truth = np.random.default_rng(seed).random((2, 20, 16, 24), np.float32)
    boxes = tile_boxes(np.ones(truth.shape[1:], bool), (8, 8, 8), 0.5, 8)
    blended = blend(boxes, lambda box: truth[(slice(None), *box)], truth.shape, sigma)
    assert np.allclose(blended, truth, rtol=1e-5)


def test_the_middle_of_a_tile_weighs_more_than_its_border():
    window = gaussian_window((9, 9, 9), 0.125)
    assert window[4, 4, 4] == pytest.approx(1.0)
    assert window[4, 4, 4] > window[4, 4, 6] > window[0, 0, 0] > 0
    assert window[0, 4, 4] == pytest.approx(np.exp(-0.5 * (4 / (0.125 * 9)) ** 2))
