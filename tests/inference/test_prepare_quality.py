import numpy as np
import pytest
from vasotype.prepare import intensity_stats, quality
from vasotype.stages import Volume


@pytest.mark.parametrize(("slice_mm", "found"), [(1.0, 0), (3.0, 0), (3.04, 0), (3.3, 1), (5.0, 1)])
def test_slices_above_3_mm_are_thick(grid_of, slice_mm, found):
    grid = grid_of((20, 20, 20), (1.0, 1.0, slice_mm), "SAR")
    volume = Volume(np.ones(grid.shape, np.float32), grid)
    assert len(quality.thick_slices({"flair": volume, "rcbv": volume})) == found


def test_a_slab_inside_the_brain_covers_it_in_part():
    brain = np.ones((20, 20, 20), dtype=bool)
    slab = brain.copy()
    slab[:, :, :5] = False
    findings = quality.partial_coverage({"t1c": brain, "t2": slab}, brain)
    assert [f.message for f in findings] == ["t2 covers 75% of the brain"]


@pytest.mark.parametrize(("side", "found"), [(90, 1), (110, 0), (130, 1)])
def test_brains_outside_900_to_2000_ml_are_odd(grid_of, side, found):
    mask = np.ones((side, side, side), dtype=bool)
    assert len(quality.brain_size(mask, grid_of(mask.shape, (1.0, 1.0, 1.0)))) == found


def test_contrast_shows_by_vessels_and_its_lack_is_found():
    rng = np.random.default_rng(0)
    image = np.zeros((7, 30, 30, 30), dtype=np.float32)
    image[0] = rng.normal(100, 10, image.shape[1:])
    image[1] = 3 * image[0] + rng.normal(0, 3, image.shape[1:])
    inside = np.ones(image.shape[1:], dtype=bool)
    covered = {"t1": inside, "t1c": inside}
    stats = intensity_stats(image, covered)
    assert [f.code for f in quality.contrast(image, stats, covered)] == ["nothing-enhances"]
    image[1, 10:17, 10:17, 10:17] += 150
    assert quality.contrast(image, stats, covered) == []
    assert quality.contrast(image, stats, {"t1c": inside}) == []


@pytest.mark.parametrize(
    ("channel", "value", "found"),
    [
        ("rcbv", 1.3, None),
        ("rcbv", -1.0, "negative in 100%"),
        ("tbr", 0.0, "0 everywhere"),
        ("ktrans", 0.2, None),
        ("ktrans", 12.0, "above 5 per min"),
    ],
)
def test_maps_must_hold_possible_values(grid_of, channel, value, found):
    mask = np.ones((12, 12, 12), dtype=bool)
    index = ["t1", "t1c", "t2", "flair", "rcbv", "ktrans", "tbr"].index(channel)
    image = np.zeros((7, *mask.shape), dtype=np.float32)
    image[index] = value
    volumes = {channel: Volume(image[index], grid_of(mask.shape))}
    findings = quality.implausible_maps(image, mask, volumes)
    assert [found in f.message for f in findings] == ([] if found is None else [True])


def test_stats_are_median_and_robust_spread_of_the_covered_brain():
    rng = np.random.default_rng(0)
    image = np.zeros((7, 40, 40, 40), dtype=np.float32)
    image[3, 5:] = rng.normal(250, 30, (35, 40, 40))
    image[3, 5] = 9000
    inside = image[3] > 0
    stats = intensity_stats(image, {"flair": inside})
    assert stats[3] == pytest.approx([250, 30], rel=0.15)
    assert stats[[0, 1, 2, 4, 5, 6]].tolist() == [[0, 1]] * 6
    assert intensity_stats(image * 7, {"flair": inside})[3] == pytest.approx(stats[3] * 7)
