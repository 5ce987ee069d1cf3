"""Implausible brain masks become findings; a plain brain does not."""

import numpy as np
import pytest
from vasotype.prepare.extraction import Extraction
from vasotype.prepare.extraction_checks import check_extraction
from vasotype.stages import Grid, Volume

SHAPE = (80, 100, 80)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
GRID = Grid(SHAPE, AFFINE)
X, Y, Z = np.indices(SHAPE).astype(np.float32) - np.array([40, 50, 40]).reshape(3, 1, 1, 1)


def brain(tilt=0.0):
    """An ellipsoid of 1250 mL, turned by ``tilt`` degrees about the front-back axis."""
    c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    x, z = c * X + s * Z, c * Z - s * X
    return (x / 32) ** 2 + (Y / 42) ** 2 + (z / 28) ** 2 < 1


def codes(mask, certainty=0.98, grid=GRID):
    nothing = np.zeros(mask.shape, np.float32)
    found = Extraction(mask, nothing, nothing, nothing, certainty)
    return [f.code for f in check_extraction(found, Volume(nothing, grid, label="T1"))]


@pytest.mark.parametrize("tilt", [0, 7, 15, 20])
def test_a_plain_brain_has_no_finding_however_the_head_lies(tilt):
    assert codes(brain(tilt)) == []


def test_half_a_brain_has_an_implausible_volume():
    assert "implausible-brain-volume" in codes(brain() & (X < 0))


def test_a_brain_without_its_forehead_has_not_the_shape_of_a_brain():
    assert "brain-mask-shape" in codes(brain() & ~((Y > 0) & (Z > 0)))


@pytest.mark.parametrize("tilt", [0, 12])
def test_a_notch_over_a_lesion_at_the_surface_is_noticed(tilt):
    notch = (X - 28) ** 2 + Y**2 + Z**2 < 12**2
    assert "brain-mask-incomplete" in codes(brain(tilt) & ~notch)


def test_a_small_difference_of_the_halves_is_not():
    notch = (X - 31) ** 2 + Y**2 + Z**2 < 5**2
    assert codes(brain() & ~notch) == []


def test_a_lost_temporal_lobe_is_noticed():
    lobe = (X > 8) & (abs(Y) < 22) & (Z < -8)
    assert "brain-mask-incomplete" in codes(brain() & ~lobe)


def test_an_outline_that_was_hard_to_tell_is_noticed():
    assert codes(brain(), certainty=0.7) == ["brain-mask-uncertain"]


def test_a_field_of_view_that_ends_in_the_brain_is_noticed():
    shorter = brain()[..., :60]
    assert "brain-cut-off" in codes(shorter, grid=Grid(shorter.shape, AFFINE))


def test_a_brain_stem_may_leave_the_image():
    stem = (X**2 + (Y + 8) ** 2 < 6**2) & (Z < 0)
    assert "brain-cut-off" not in codes(brain() | stem)


def test_an_empty_mask_is_a_finding():
    assert codes(np.zeros(SHAPE, bool)) == ["brain-mask-shape"]
