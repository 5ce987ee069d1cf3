from contextlib import nullcontext
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.findings import StudyError
from vasotype.prepare import prepare, to_native
from vasotype.prepare.similarity import rigid_motion
from vasotype.stages import Grid, Study, Volume
from vasotype.study import read_study

ORIENTATIONS = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in permutations(["RL", "AP", "SI"])
    for flips in product((0, 1), repeat=3)
]
CHANNELS = ("t1", "t1c", "t2", "flair")
SMOOTH_PHANTOM_MM = 2.0
"""The phantom has no anatomy by which a rotation could be told exactly."""


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
            grid_of((60, 80, 40), (2.2, 2.0, 3.0), "LPS", (4.0, 3.0, -2.0)),
            channels=("t1c", "flair"),
        )
    )
    np.testing.assert_allclose(flair_marker(prepared), marker_ras_mm, atol=SMOOTH_PHANTOM_MM)


def moved(volume, motion):
    return Volume(volume.data, Grid(volume.grid.shape, motion @ volume.grid.affine))


def flair_marker(prepared):
    at = np.argwhere((prepared.image[3] > 760) & prepared.mask).mean(axis=0)
    return (prepared.grid.affine @ [*at, 1])[:3]


@pytest.fixture(scope="module")
def displaced(study_on, grid_of, phantom):
    """T1c, T2 beside it, and a FLAIR and its CBV map that lie 14 mm and 6 degrees off."""
    study = study_on(grid_of(), channels=("t1c", "t2"))
    motion = rigid_motion(np.array([4.0, -3.0, 13.0]), np.array([0.0, 0.1, 0.0]), np.zeros(3))
    flair = moved(phantom(grid_of((70, 84, 66)), "flair"), motion)
    rcbv = Volume(np.where(flair.data > 0, 1.5, 0).astype(np.float32), flair.grid)
    return motion, Study("x", {**study.volumes, "flair": flair, "rcbv": rcbv})


def test_a_brain_in_another_place_is_brought_home(displaced, marker_ras_mm):
    motion, study = displaced
    prepared = prepare(study)
    assert codes(prepared) == {"sequence-moved"}
    np.testing.assert_allclose(flair_marker(prepared), marker_ras_mm, atol=SMOOTH_PHANTOM_MM)
    assert set(prepared.alignments) == {"flair", "rcbv"}
    back = prepared.alignments["flair"] @ motion @ [*marker_ras_mm, 1]
    np.testing.assert_allclose(back[:3], marker_ras_mm, atol=SMOOTH_PHANTOM_MM)
    assert np.mean(prepared.image[4][prepared.mask] == 1.5) > 0.9


@pytest.fixture(scope="module")
def nothing_alike(grid_of):
    """A ball of noise elsewhere."""
    grid = grid_of((60, 60, 60), centre=(20.0, 0.0, 0.0))
    inside = np.linalg.norm(np.indices(grid.shape).T - 30, axis=-1).T < 26
    noise = np.random.default_rng(0).normal(300, 60, grid.shape)
    return Volume(np.where(inside, noise, 0).astype(np.float32), grid)


def test_what_can_not_be_aligned_is_left_out(study_on, grid_of, nothing_alike):
    study = study_on(grid_of(), channels=("t1c", "t2"))
    prepared = prepare(Study("x", {**study.volumes, "flair": nothing_alike}))
    assert codes(prepared) == {"registration-failed"}
    assert prepared.channels == ("t1c", "t2")
    assert not prepared.image[3].any()


def test_two_things_with_nothing_in_common_are_refused(study_on, grid_of, nothing_alike):
    study = study_on(grid_of(), channels=("t1c",))
    with pytest.raises(StudyError, match="flair and t1c") as error:
        prepare(Study("x", {**study.volumes, "flair": nothing_alike}))
    assert error.value.code == "grids-disagree"


def test_prepared_images_are_not_registered(study_on, grid_of, monkeypatch):
    monkeypatch.setattr("vasotype.prepare.align.register", lambda *_: pytest.fail("registered"))
    grids = [grid_of(codes=codes) for codes in ("RAS", "LPS", "SAR", "RAS")]
    assert prepare(study_on(*grids)).alignments == {}


def test_voxels_that_were_moved_on_the_common_grid_are_found(
    study_on, grid_of, phantom, marker_ras_mm
):
    study = study_on(grid_of(), channels=("t1c",))
    shifted = Volume(phantom(grid_of(centre=(0.0, 5.0, 0.0)), "flair").data, grid_of())
    prepared = prepare(Study("x", {**study.volumes, "flair": shifted}))
    np.testing.assert_allclose(flair_marker(prepared), marker_ras_mm, atol=SMOOTH_PHANTOM_MM)


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


@pytest.fixture
def heads(phantom, grid_of, monkeypatch):
    """Phantoms in noise, which no one would take for stripped, and an extraction that knows."""
    grid = grid_of()

    def extract(head, threads):
        return SimpleNamespace(mask=phantom(head.grid).data > 0)

    monkeypatch.setattr("vasotype.prepare.stage.extract_brain", extract)
    monkeypatch.setattr("vasotype.prepare.stage.check_extraction", lambda *_: [])
    noise = np.random.default_rng(0).rayleigh(9, grid.shape).astype(np.float32)
    volumes = {c: Volume(phantom(grid, c).data + noise, grid) for c in ("t1c", "flair")}
    return Study("x", volumes)


def test_a_whole_head_is_extracted_registered_and_evened_out(heads):
    steps = []

    def stage(name):
        steps.append(name)
        return nullcontext()

    prepared = prepare(heads, stage=stage)
    assert codes(prepared) == {"not-skull-stripped"}
    assert steps == ["extract", "register", "prepare", "bias"]
    assert prepared.mask.sum() * prepared.grid.voxel_ml == pytest.approx(1070, rel=0.02)


def test_findings_of_reading_travel_on(tmp_path, write_study):
    study = read_study(write_study(tmp_path, channels=["t1c"]))
    assert {"sequence-missing", "map-missing"} <= codes(prepare(study))


def test_sides_follow_the_multiple_that_a_model_asks_for(study_on, grid_of):
    prepared = prepare(study_on(grid_of(), channels=("t1c",)), multiple=32)
    assert all(side % 32 == 0 for side in prepared.grid.shape)
