import numpy as np
import pytest
from vasotype.prepare.brain import Foreground, brain_mask, coverage, find_foreground, otsu
from vasotype.stages import Volume


def test_a_stripped_brain_is_recognised(phantom, grid_of):
    volume = phantom(grid_of())
    found = find_foreground(volume)
    assert found.stripped
    assert found.background == 0
    assert np.array_equal(found.mask, volume.data > 0)


def test_a_stripped_brain_cropped_to_its_box_is_recognised(phantom, grid_of):
    assert find_foreground(phantom(grid_of((61, 77, 57)))).stripped


def test_a_z_scored_brain_is_recognised_by_its_constant_background(phantom, grid_of):
    volume = phantom(grid_of())
    scored = (volume.data - 320) / 55
    scored[volume.data == 0] = -9
    found = find_foreground(Volume(scored, volume.grid))
    assert found.stripped
    assert found.background == -9
    assert np.array_equal(found.mask, volume.data > 0)


def test_a_head_is_not_taken_for_a_brain_though_its_air_is_zero(phantom, grid_of):
    # The same outline half as large again: 3.6 L, as a head with scalp.
    head = phantom(grid_of(spacing=(2.0, 2.0, 2.0)))
    wider = Volume(head.data, grid_of(spacing=(3.0, 3.0, 3.0)))
    assert not find_foreground(wider).stripped


def test_a_noisy_head_is_not_taken_for_a_brain(phantom, grid_of):
    volume = phantom(grid_of())
    noise = np.random.default_rng(0).rayleigh(9, volume.data.shape).astype(np.float32)
    found = find_foreground(Volume(volume.data + noise, volume.grid))
    assert not found.stripped
    assert np.mean(found.mask == (volume.data > 0)) > 0.99


def test_otsu_splits_two_heaps():
    rng = np.random.default_rng(0)
    data = np.concatenate([rng.normal(10, 2, 4000), rng.normal(100, 10, 4000)])
    assert 14 < otsu(data.reshape(20, 20, 20).astype(np.float32)) < 70


def cube(*spans):
    mask = np.zeros((30, 30, 30), dtype=bool)
    for low, high in spans:
        mask[low:high, low:high, low:high] = True
    return mask


def test_holes_are_filled_and_islands_dropped():
    shell = cube((5, 20)) & ~cube((8, 12))
    assert np.array_equal(brain_mask({"t1c": shell | cube((25, 27))}, "t1c"), cube((5, 20)))


def test_half_of_the_sequences_or_the_reference_make_the_brain():
    small, large = cube((8, 20)), cube((5, 25))
    one_of_four = {"t1": small, "t1c": small, "t2": small, "flair": large}
    assert np.array_equal(brain_mask(one_of_four, "t1c"), small)
    assert np.array_equal(brain_mask(one_of_four, "flair"), large)
    assert np.array_equal(brain_mask({"t1c": small, "flair": large}, "t1c"), large)


@pytest.mark.parametrize(("stripped", "share"), [(True, 0.125), (False, 1.0)])
def test_a_head_covers_its_whole_field_of_view(grid_of, stripped, share):
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[:10, :10, :10] = True
    grid = grid_of(mask.shape)
    assert coverage(Foreground(mask, stripped, 0.0), grid, grid).mean() == share
