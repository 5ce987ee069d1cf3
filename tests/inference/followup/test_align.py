"""A head that lay otherwise at a later visit is laid over the baseline."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from vasotype.followup.align import align
from vasotype.followup.follow import compare_visits
from vasotype.followup.limits import read_limits
from vasotype.followup.observe import Context
from vasotype.stages import Grid

LEFT, RIGHT = (22, 42, 32), (50, 42, 32)


def turned(visit, degrees=6.0, shift_mm=(3.0, -2.0, 1.5)):
    """The same voxels in a scanner in which the head lay otherwise, and that motion [4, 4]."""
    angle = np.radians(degrees)
    motion = np.eye(4)
    motion[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    motion[:3, 3] = shift_mm
    grid = Grid(visit.head.grid.shape, motion @ visit.head.grid.affine)
    return replace(visit, head=replace(visit.head, grid=grid)), motion


def textured(mask):
    """Gyri of a kind: something to hold on to everywhere."""
    noise = np.random.default_rng(0).standard_normal(mask.shape)
    return (mask * (10 + gaussian_filter(noise, 2.5) / 0.03)).astype(np.float32)


def test_a_head_that_lay_otherwise_is_laid_back(visit_of, lesion_of):
    plain = visit_of([lesion_of(1)])
    baseline = replace(plain, head=replace(plain.head, image=textured(plain.head.mask)))
    moved, motion = turned(baseline)
    found = align(moved.head, baseline.head)
    corners = np.array([[x, y, z, 1] for x in (-30, 30) for y in (-30, 30) for z in (-20, 20)])
    error = np.linalg.norm(((found.matrix @ motion) @ corners.T - corners.T)[:3], axis=0)
    assert error.max() < 0.7
    assert found.overlap > 0.97


def test_lesions_keep_their_track_when_the_head_lay_otherwise(visit_of, lesion_of):
    baseline = visit_of([lesion_of(1, LEFT, 6.0), lesion_of(2, RIGHT, 5.0)])
    later, _ = turned(visit_of([lesion_of(1, RIGHT, 8.0), lesion_of(2, LEFT, 6.0)]))
    record = compare_visits(
        [baseline, later], Context((0, None), (None, None), read_limits())
    ).record
    assert [tuple(seen.lesions for seen in t.observations) for t in record.tracks] == [
        ((1,), (2,)),
        ((2,), (1,)),
    ]
    assert record.tracks[1].changes[0].features[0].direction == "up"
    assert record.timepoints[1].alignment.rotation_deg == pytest.approx(6, abs=0.7)
