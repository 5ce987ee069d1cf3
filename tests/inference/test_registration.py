"""Known rigid motions of painted brains must be found again."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation
from vasotype.prepare.registration import register
from vasotype.prepare.similarity import Probe, invert, rigid_motion
from vasotype.stages import Grid, Volume
from vasotype.study.geometry import positions
from vasotype_training.simulate.sources import mni152

LIMITS_MM = {"clean": 0.2, "noise and bias": 0.6, "4 mm slices": 1.2, "5 mm slices": 1.2}
"""Mean displacement over the brain that is allowed, by what has become of the moved image."""
SLICES_MM = {"4 mm slices": 4.0, "5 mm slices": 5.0}
MOTIONS = int(os.environ.get("VASOTYPE_MOTIONS", "3"))
"""Random motions of each kind."""


@pytest.fixture(scope="module")
def brain():
    """T1c, FLAIR and mask of MNI152, painted; 1 mm."""
    return mni152().draw(np.random.default_rng(5))


def grid_about(centre, spacing, rotation, size_mm=200.0):
    """An oblique grid of 200 mm about a point."""
    shape = tuple(round(size_mm / s) for s in spacing)
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array(shape) - 1) / 2
    return Grid(shape, affine)


def acquire(data, affine, grid, motion, rng, *, noise=0.0, bias=0.0):
    """The head, moved, as a scan on ``grid`` sees it; slices average over their thickness."""
    to_source = invert(affine) @ invert(motion) @ grid.affine
    head = data.astype(np.float32)
    # A slice holds the mean of thin ones of about 1 mm side by side in it, however it is tilted.
    count = max(1, round(grid.spacing_mm[2]))
    seen = np.zeros(grid.shape, np.float32)
    for aside in (np.arange(count) + 0.5) / count - 0.5:
        start = to_source[:3, 3] + aside * to_source[:3, 2]
        seen += ndimage.affine_transform(head, to_source[:3, :3], start, grid.shape, order=1)
    seen /= count
    if bias:
        ramp = np.meshgrid(*[np.linspace(-1, 1, n) for n in grid.shape], indexing="ij")
        seen = seen * np.exp(
            bias * sum(w * r for w, r in zip(rng.normal(size=3), ramp, strict=True))
        )
    if noise:
        level = noise * np.percentile(data, 95)
        seen = np.hypot(seen + rng.normal(0, level, seen.shape), rng.normal(0, level, seen.shape))
    return Volume(seen.astype(np.float32), grid)


def draw_motion(rng, centre):
    """Up to 15 mm along and 12 degrees about each axis."""
    return rigid_motion(rng.uniform(-15, 15, 3), np.radians(rng.uniform(-12, 12, 3)), centre)


def error_mm(brain, kind, seed):
    """Mean displacement error over the brain of one registration, FLAIR to T1c."""
    rng = np.random.default_rng(seed)
    affine = np.asarray(brain.affine, dtype=np.float64)
    inside = positions(affine, np.argwhere(brain.mask).astype(float))
    motion = draw_motion(rng, inside.mean(axis=0))
    tilt = Rotation.from_euler("xyz", rng.uniform(-10, 10, 3), degrees=True).as_matrix()
    spacing = (0.9, 0.9, SLICES_MM[kind]) if kind in SLICES_MM else (1.0, 1.0, 1.0)
    spoiled = {"noise": 0.04, "bias": 0.25} if kind == "noise and bias" else {}
    fixed_grid = Grid(brain.mask.shape, affine)
    fixed = acquire(brain.images["t1c"], affine, fixed_grid, np.eye(4), rng, **spoiled)
    grid = grid_about(positions(motion, inside).mean(axis=0), spacing, tilt)
    moving = acquire(brain.images["flair"], affine, grid, motion, rng, **spoiled)
    found = register(fixed, brain.mask, moving).pose
    return float(
        np.linalg.norm(positions(found, inside) - positions(motion, inside), axis=1).mean()
    )


@pytest.mark.parametrize("kind", LIMITS_MM)
def test_a_known_motion_is_found(brain, kind):
    assert error_mm(brain, kind, seed=1) < LIMITS_MM[kind]


@pytest.mark.slow
@pytest.mark.parametrize("kind", LIMITS_MM)
def test_random_motions_are_found(brain, kind, capsys):
    errors = [error_mm(brain, kind, seed) for seed in range(100, 100 + MOTIONS)]
    with capsys.disabled():
        print(
            f"\nsimulated, {kind}: {len(errors)} motions, mean error over the brain "
            f"{np.mean(errors):.2f} mm, largest {max(errors):.2f} mm (allowed {LIMITS_MM[kind]})"
        )
    assert max(errors) < LIMITS_MM[kind]


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.floats(-50, 50)] * 3), st.tuples(*[st.floats(-0.9, 0.9)] * 3))
def test_a_rigid_motion_keeps_distances_and_turns_about_its_centre(shift, turn):
    centre = np.array([3.0, -8.0, 20.0])
    motion = rigid_motion(np.array(shift), np.array(turn), centre)
    np.testing.assert_allclose(motion[:3, :3] @ motion[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(motion[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(positions(motion, centre[None])[0], centre + shift, atol=1e-9)
    np.testing.assert_allclose(invert(motion) @ motion, np.eye(4), atol=1e-9)


@pytest.fixture(scope="module")
def probe(phantom, grid_of):
    fixed, moving = (phantom(grid_of(), channel) for channel in ("t1c", "flair"))
    return Probe.draw(fixed, fixed.data > 0, moving)


def test_information_is_highest_where_images_agree(probe):
    here = probe.information(np.eye(4))
    for axis in np.eye(3):
        assert probe.information(rigid_motion(4 * axis, np.zeros(3), probe.centre)) < here
        assert probe.information(rigid_motion(np.zeros(3), 0.1 * axis, probe.centre)) < here


def test_a_larger_misalignment_leaves_more_to_gain(probe):
    rises = [
        probe.possible_rise(rigid_motion(np.array([0, mm, 0]), np.zeros(3), probe.centre))
        for mm in (0.0, 1.5, 4.0)
    ]
    assert rises[0] < 0.01 < rises[1] < rises[2]


def test_displacement_is_measured_over_the_brain(probe):
    shift = rigid_motion(np.array([3.0, 4.0, 0.0]), np.zeros(3), probe.centre)
    assert probe.displacement_mm(np.eye(4), shift) == pytest.approx(5)
