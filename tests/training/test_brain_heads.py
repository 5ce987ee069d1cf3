"""Heads painted from label maps: what the brain network learns from."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from vasotype_training.brain.acquire import Acquisition, acquire
from vasotype_training.brain.body import draw_body
from vasotype_training.brain.config import HeadsConfig
from vasotype_training.brain.contrast import draw_contrast
from vasotype_training.brain.data import Heads
from vasotype_training.brain.generate import Population, draw_plan, render
from vasotype_training.brain.heads import KINDS, build_head, read_head
from vasotype_training.brain.lesions import Blob, add_blob

SHAPE = (48, 48, 48)
SPACING_MM = 2.5


@pytest.fixture(scope="module")
def head():
    """White matter to 30 mm, cortex to 34, CSF to 38, bone to 44, skin to 48; a ventricle."""
    grid = np.indices((110, 110, 110)) - 54.5
    away = np.sqrt((grid**2).sum(axis=0))
    kinds = np.full(away.shape, KINDS.index("air"), np.uint8)
    for radius, kind in ((48, "skin"), (44, "bone"), (38, "csf"), (34, "cortex"), (30, "white")):
        kinds[away < radius] = KINDS.index(kind)
    kinds[away < 8] = KINDS.index("ventricle")
    return build_head("ball", kinds)


def plan(seed=3, **population):
    rng = np.random.default_rng(seed)
    return draw_plan(rng, Population(spacing_mm=SPACING_MM, **population))


def test_the_brain_takes_in_its_ventricles_and_a_rim_of_csf_but_not_all_of_it(head):
    away = np.sqrt(((np.indices(head.kinds.shape) - 54.5) ** 2).sum(axis=0))
    assert head.brain[away < 34].all()
    assert not head.brain[away > 36].any()
    assert head.intracranial[away < 38].all()
    assert not head.intracranial[away > 39].any()


def test_a_narrow_sulcus_belongs_to_the_brain(head):
    kinds = head.kinds.copy()
    kinds[53:57, 54:, 54:][kinds[53:57, 54:, 54:] == KINDS.index("cortex")] = KINDS.index("csf")
    cut = build_head("sulcus", kinds)
    assert np.array_equal(
        cut.brain & (kinds != KINDS.index("csf")), cut.brain & ~(kinds == KINDS.index("csf"))
    )
    assert cut.brain[54, 54 + 32, 56]


def test_one_plan_makes_one_head(head):
    first, again = (render(head, plan(lesion_share=1.0), SHAPE, SPACING_MM) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.brain, again.brain)
    assert np.array_equal(first.tumor, again.tumor)


def test_two_seeds_make_two_heads(head):
    first, other = (render(head, plan(seed), SHAPE, SPACING_MM) for seed in (1, 2))
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("seed", range(6))
def test_lesions_are_brain_and_have_no_tissue_class(head, seed):
    made = render(head, plan(seed, lesion_share=1.0, surface_share=1.0), SHAPE, SPACING_MM)
    assert (made.brain[made.tumor] == 1).all()
    assert not made.tissue[:, made.tumor].any()
    assert (made.tissue.sum(axis=0) <= made.brain + 1e-5).all()


def test_a_lesion_at_the_surface_stays_inside_the_dura():
    image, inside = np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    inside[:24] = 1
    blob = Blob((24.0, 24.0, 24.0), (6.0, 6.0, 6.0), 0.0, 0.5, 5.0, 5.0, 0.8, None, 1)
    painted, tumor = add_blob(image, inside, blob)
    assert tumor[20:24].any()
    assert not tumor[24:].any()
    assert np.array_equal(painted[24:], image[24:])


@pytest.mark.parametrize("seed", range(4))
def test_lesions_bulge_out_of_the_brain_by_a_voxel_at_most(head, seed):
    one = plan(seed, lesion_share=1.0, surface_share=1.0)
    uncut = replace(one.acquisition, cut=((0, 0),) * 3)
    with_lesions = replace(one, acquisition=uncut)
    made, plain = (
        render(head, replace(with_lesions, lesions=there), SHAPE, SPACING_MM)
        for there in (True, False)
    )
    assert made.tumor.any()
    assert not (made.tumor & ~ndimage.binary_dilation(plain.brain > 0.5)).any()


def test_what_lies_outside_the_field_of_view_is_empty_and_no_truth(head):
    cut = ((0, 0), (0, 0), (0, 20))
    how = Acquisition((0.0, 0.0, 0.0), 2, 1.0, 0.0, 30.0, 1.0, 0.02, cut, None, None, 0.0, seed=1)
    seen_image, seen = acquire(np.ones(SHAPE, np.float32), np.ones(SHAPE, bool), how)
    assert not seen_image[..., 28:].any()
    assert seen[..., :28].all()
    assert not seen[..., 28:].any()


def test_a_stripped_head_is_exactly_zero_around_the_brain():
    brain = np.zeros(SHAPE, bool)
    brain[12:36, 12:36, 12:36] = True
    uncut = ((0, 0), (0, 0), (0, 0))
    how = Acquisition((0.0,) * 3, 2, 1.0, 0.0, 30.0, 1.0, 0.05, uncut, None, 0, 0.0, seed=1)
    image, _ = acquire(np.ones(SHAPE, np.float32), brain, how)
    assert not image[~brain].any()
    assert (image[brain] > 0).all()


def test_csf_is_dark_in_t1_and_bright_in_t2():
    csf, white = KINDS.index("csf"), KINDS.index("white")
    for seed in range(40):
        contrast = draw_contrast(np.random.default_rng(seed), any_share=0.0)
        if contrast.sequence in ("t1", "t1c", "flair"):
            assert contrast.mean[csf] < contrast.mean[white]
        else:
            assert contrast.mean[csf] > contrast.mean[white]


def test_a_map_of_another_scheme_is_refused(tmp_path):
    import nibabel as nib

    path = tmp_path / "other.nii.gz"
    nib.save(nib.Nifti1Image(np.full((8, 8, 8), 77, np.uint8), np.eye(4)), path)
    with pytest.raises(ValueError, match=r"other.nii.gz: values \[77\] are not SynthSeg"):
        read_head(path)


def test_training_samples_carry_their_own_intensity_range(head):
    config = HeadsConfig(labels=(), shapes=(SHAPE,))
    sample = next(iter(Heads([head], config, (1,))))
    low, high = sample["ends"]
    assert sample["image"].shape == (1, *SHAPE)
    assert low < high <= sample["image"].max()


@pytest.mark.parametrize("seed", range(4))
def test_a_limb_has_no_brain_and_runs_through_its_map(seed):
    body = draw_body(np.random.default_rng(seed))
    tissue = body.kinds != KINDS.index("air")
    assert not body.brain.any()
    assert 0.05 < tissue.mean() < 0.6
    ends = [tissue.take(end, axis).any() for axis in range(3) for end in (0, -1)]
    assert sum(ends) == 2
    assert {KINDS.index("bone"), KINDS.index("muscle")} <= set(np.unique(body.kinds))


def test_a_share_of_the_stream_shows_parts_of_the_body_without_a_brain(head):
    config = HeadsConfig(labels=(), shapes=((32, 32, 32),), body_share=0.5)
    stream = iter(Heads([head], config, (1,)))
    samples = [next(stream) for _ in range(12)]
    bare = [not sample["brain"].any() for sample in samples]
    assert 2 <= sum(bare) <= 10
    assert all(sample["image"].std() > 0 for sample in samples)
