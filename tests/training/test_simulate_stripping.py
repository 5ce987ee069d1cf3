"""A flawed brain mask: a little brain is missing, a little dura is left, no tumor is lost."""

import numpy as np
from scipy import ndimage
from vasotype_training.simulate.scene import start_scene
from vasotype_training.simulate.stripping import WORST_MM, strip_badly

WHOLE = (slice(0, 64),) * 3


def stripped(ball, seed):
    scene = start_scene(ball, WHOLE, np.random.default_rng(0), with_maps=False)
    scene.tissue[30:34, 30:34, 3:9] = 3
    return strip_badly(scene, np.random.default_rng(seed))


def test_the_mask_is_at_most_three_voxels_off_along_each_axis(ball):
    inner = ndimage.minimum_filter(ball.mask, 2 * WORST_MM + 1)
    outer = ndimage.maximum_filter(ball.mask, 2 * WORST_MM + 1)
    changed = 0
    for seed in range(6):
        mask = stripped(ball, seed).mask
        assert mask[inner].all()
        assert not mask[~outer].any()
        changed += int((mask != ball.mask).sum())
    assert changed > 0


def test_labelled_tissue_stays_inside(ball):
    for seed in range(6):
        scene = stripped(ball, seed)
        assert scene.mask[(scene.tissue > 0) & ball.mask].all()


def test_what_is_left_behind_is_no_empty_voxel(ball):
    for seed in range(6):
        scene = stripped(ball, seed)
        left = scene.mask & ~ball.mask
        if left.any():
            assert np.abs(scene.images["t1c"][left]).mean() > 0.2
