from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.findings import StudyError
from vasotype.prepare import prepare, to_native
from vasotype.stages import Study, Volume
from vasotype.study import read_study

ORIENTATIONS = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in permutations(["RL", "AP", "SI"])
    for flips in product((0, 1), repeat=3)
]
CHANNELS = ("t1", "t1c", "t2", "flair")


@pytest.fixture(scope="module")
def study_on(phantom):
    def build(*grids, channels=CHANNELS):
        each = grids * len(channels) if len(grids) == 1 else grids
        return Study("x", {c: phantom(g, c) for c, g in zip(channels, each, strict=False)})

    return build


def marker(prepared):
    """World centroid (mm) and volume (mL) of what stands out on T1c."""
    bright = (prepared.image[1] > 660) & prepared.mask
    centre = np.argwhere(bright).mean(axis=0)
    return (prepared.grid.affine @ [*centre, 1])[:3], bright.sum() * prepared.grid.voxel_ml


def codes(prepared):
    return {finding.code for finding in prepared.findings}


def test_a_prepared_study_is_what_the_stage_promises(study_on, grid_of):
    prepared = prepare(study_on(grid_of()))
    assert prepared.image.shape == (7, *prepared.mask.shape)
    assert prepared.image.dtype == np.float32
    assert prepared.mask.dtype == np.bool_
    assert prepared.grid.shape == prepared.mask.shape
    assert all(side % 16 == 0 for side in prepared.grid.shape)
    assert prepared.grid.spacing_mm == pytest.approx((1, 1, 1))
    assert prepared.present == (True,) * 4 + (False,) * 3
    assert not prepared.image[4:].any()
    assert prepared.mask.sum() * prepared.grid.voxel_ml == pytest.approx(1070, rel=0.02)
    assert codes(prepared) == set()


@pytest.fixture(scope="module")
def plain(study_on, grid_of):
    return prepare(study_on(grid_of((64, 80, 60)), channels=("t1c",)))


@settings(max_examples=4, deadline=None)
@given(st.sampled_from(ORIENTATIONS))
def test_nothing_depends_on_how_the_axes_are_stored(study_on, grid_of, plain, orientation):
    turned = prepare(study_on(grid_of((64, 80, 60), codes=orientation), channels=("t1c",)))
    np.testing.assert_allclose(turned.grid.affine, plain.grid.affine, atol=1e-9)
    assert np.array_equal(turned.mask, plain.mask)
    np.testing.assert_allclose(turned.image, plain.image, atol=1e-2)
    np.testing.assert_allclose(turned.stats, plain.stats, rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((130, 164, 124), (1.0, 1.0, 1.0)),
        ((140, 180, 42), (0.94, 0.94, 3.0)),
        ((64, 80, 60), (2, 2, 2)),
    ],
)
def test_a_marked_point_keeps_its_place_and_size(study_on, grid_of, marker_ras_mm, shape, spacing):
    prepared = prepare(study_on(grid_of(shape, spacing, "LAS"), channels=("t1", "t1c")))
    centre, volume = marker(prepared)
    np.testing.assert_allclose(centre, marker_ras_mm, atol=0.6)
    assert volume == pytest.approx(4 / 3 * np.pi * 0.9**3, rel=0.12)


def test_1_mm_images_are_reordered_and_never_interpolated(study_on, grid_of):
    grid = grid_of((130, 164, 124), (1.0, 1.0, 1.0), "LPS")
    study = study_on(grid, channels=("t1c",))
    prepared = prepare(study)
    back = to_native(prepared.image, prepared.grid, prepared.native.grid, 1)
    assert np.array_equal(back[1], study.volumes["t1c"].data)


def test_other_grids_in_the_same_space_are_resampled(study_on, grid_of, marker_ras_mm):
    prepared = prepare(
        study_on(
            grid_of((90, 90, 60), (1.6, 2.0, 2.0), "SAR"),
            grid_of(),
            grid_of((60, 80, 40), (2.2, 2.0, 3.0), "LPS", (4.0, 3.0, -2.0)),
            grid_of((72, 88, 68), (2.0, 2.0, 2.0), "LPS"),
        )
    )
    flair = np.argwhere((prepared.image[3] > 760) & prepared.mask).mean(axis=0)
    np.testing.assert_allclose((prepared.grid.affine @ [*flair, 1])[:3], marker_ras_mm, atol=0.7)
    assert codes(prepared) == set()


def test_a_brain_in_another_place_is_refused(study_on, grid_of, phantom):
    study = study_on(grid_of(), channels=("t1c",))
    elsewhere = phantom(grid_of((70, 84, 66)), "flair")
    moved = Volume(elsewhere.data, grid_of((70, 84, 66), centre=(0.0, 0.0, 12.0)))
    with pytest.raises(StudyError, match=r"only 8.% of the brain") as error:
        prepare(Study("x", {**study.volumes, "flair": moved}))
    assert error.value.code == "grids-disagree"


def test_a_slab_covers_part_of_the_brain_and_says_so(study_on, grid_of):
    slab = grid_of((72, 88, 30))
    prepared = prepare(study_on(grid_of(), slab, channels=("t1c", "flair")))
    assert "partial-coverage" in codes(prepared)
    whole = prepare(study_on(grid_of(), channels=("flair",)))
    assert prepared.stats[3] == pytest.approx(whole.stats[3], rel=0.2)


def test_a_constant_other_than_zero_fills_what_lies_outside(phantom, grid_of):
    volume = phantom(grid_of())
    scored = np.where(volume.data == 0, -9, (volume.data - 320) / 55).astype(np.float32)
    prepared = prepare(Study("x", {"t1c": Volume(scored, volume.grid)}))
    assert prepared.image[1, 0, 0, 0] == -9
    assert prepared.mask.sum() * prepared.grid.voxel_ml == pytest.approx(1070, rel=0.02)


def test_a_whole_head_is_warned_about(phantom, grid_of):
    volume = phantom(grid_of())
    noise = np.random.default_rng(0).rayleigh(9, volume.data.shape).astype(np.float32)
    prepared = prepare(Study("x", {"t1c": Volume(volume.data + noise, volume.grid)}))
    assert codes(prepared) == {"not-skull-stripped"}


def test_findings_of_reading_travel_on(tmp_path, write_study):
    study = read_study(write_study(tmp_path, channels=["t1c"]))
    assert {"sequence-missing", "map-missing"} <= codes(prepare(study))


def test_sides_follow_the_multiple_that_a_model_asks_for(study_on, grid_of):
    prepared = prepare(study_on(grid_of(), channels=("t1c",)), multiple=32)
    assert all(side % 32 == 0 for side in prepared.grid.shape)
