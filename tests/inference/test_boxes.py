import numpy as np
from vasotype.boxes import bounding_box


def test_a_margin_ends_at_the_grid():
    mask = np.zeros((10, 10, 10), bool)
    mask[1, 4:6, 8] = True
    assert bounding_box(mask) == (slice(1, 2), slice(4, 6), slice(8, 9))
    assert bounding_box(mask, 3) == (slice(0, 5), slice(1, 9), slice(5, 10))


def test_the_box_of_nothing_is_one_voxel():
    assert bounding_box(np.zeros((4, 5, 6), bool), 2) == (slice(0, 1),) * 3
