"""T1 after contrast is told by two signs in the headers, or by the image."""

from datetime import datetime

import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.stages import Grid, Volume
from vasotype.study.dicom import Facts, Layout, Series
from vasotype.study.identify import identify_series
from vasotype.study.identify.dynamics import bolus_dip
from vasotype.study.identify.enhancement import ENHANCED, NOT_ENHANCED, bright_share

T1 = {"scanning": ("GR", "IR"), "tr_ms": 1900, "te_ms": 3, "ti_ms": 950}
T2 = {"scanning": ("SE",), "tr_ms": 4700, "te_ms": 95}
FLAIR = {"scanning": ("SE", "IR"), "tr_ms": 9000, "te_ms": 90, "ti_ms": 2500}


def at(minute, facts, *, number=None, **more):
    facts = {"modality": "MR", "acquired": datetime(2020, 1, 1, 10, minute), **facts, **more}
    layout = Layout(150, step_mm=1.0)
    return Series(number or minute, str(minute), Facts(**facts), layout, ((),), None, None)


def head(vessels, *, spacing=(2.0, 2.0, 3.0), shape=(84, 96, 52)):
    """A head on T1: bright scalp, grey brain, with or without bright vessels deep inside."""
    affine = np.diag([*spacing, 1.0])
    x, y, z = (
        (np.indices(shape)[axis] - (shape[axis] - 1) / 2) * spacing[axis] for axis in range(3)
    )
    radius = np.sqrt((x / 72) ** 2 + (y / 88) ** 2 + (z / 72) ** 2)
    data = np.where(radius < 1, 600.0, 0.0)
    data[radius < 0.9] = 30.0
    brain = radius < 0.84
    data[brain] = (250 + 15 * np.sin(x / 6) + 15 * np.cos(y / 7))[brain]
    if vessels:
        data[brain & (x**2 + (z - 10) ** 2 < 12) & (y < 10)] = 600.0
    noise = np.random.default_rng(0).normal(0, 5, shape)
    return Volume((data + noise).astype(np.float32), Grid(shape, affine))


PLAIN, ENHANCING = head(vessels=False), head(vessels=True)


def identified(*series, images=None):
    def read(one):
        if images is None:
            raise StudyError("unreadable-image", "no pixels")
        return images[one.number]

    return identify_series(series, read)


def kinds(*series, images=None):
    return [str(one.kind) for one in identified(*series, images=images)]


def test_two_signs_in_the_headers_are_enough():
    before, after = at(1, T1), at(9, T1, agent="Gadovist", description="t1 post")
    assert kinds(before, after) == ["t1", "t1c"]


def test_an_agent_on_flair_leaves_it_flair_and_is_noted():
    found = identified(at(1, T1), at(5, FLAIR, agent="9ML MULTIHANCE"))
    assert [str(one.kind) for one in found] == ["t1", "flair"]
    assert found[1].contrast_given


@pytest.mark.parametrize("agent", ["", "no", "None", "-", "without", "ohne"])
def test_an_agent_that_is_none_is_no_sign(agent):
    assert kinds(at(1, T1, agent=agent), images={1: PLAIN}) == ["t1"]


@pytest.mark.parametrize("name", ["posterior t1", "T1 pre", "t1 nativ", "t1 mpr"])
def test_words_that_only_look_like_contrast_are_no_sign(name):
    before, after = at(1, T1), at(9, T1, description=name)
    images = {1: PLAIN, 9: PLAIN}
    assert kinds(before, after, images=images) == ["t1", "t1"]


def test_without_any_sign_the_image_decides():
    assert kinds(at(1, T1), images={1: ENHANCING}) == ["t1c"]
    assert kinds(at(1, T1), images={1: PLAIN}) == ["t1"]


def test_a_site_that_stamps_its_agent_on_everything_is_not_believed():
    stamped = {"agent": "Gd"}
    series = at(1, T1, **stamped), at(3, T2, **stamped), at(9, T1, **stamped)
    found = identified(*series, images={1: PLAIN, 9: ENHANCING})
    assert [str(one.kind) for one in found] == ["t1", "t2", "t1c"]


def test_a_name_that_denies_contrast_against_the_image_is_told():
    [one] = identified(at(1, T1, description="t1 pre"), images={1: ENHANCING})
    assert str(one.kind) == "t1c"
    assert [finding.code for finding in one.findings] == ["contrast-conflict"]


def test_a_lone_sign_that_no_image_confirms_is_doubted():
    [one] = identified(at(1, T1, agent="Gd"))
    assert str(one.kind) == "t1"
    assert [finding.code for finding in one.findings] == ["contrast-uncertain"]


def test_time_without_a_clock_orders_nothing():
    before, after = at(1, T1, acquired=None), at(9, T1, agent="Gd", acquired=None)
    assert kinds(before, after) == ["t1", "t1"]


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 3.0), (1.5, 1.5, 5.5)])
def test_bright_vessels_are_seen_in_thin_and_thick_slices(spacing):
    shape = tuple(int(length / step) for length, step in zip((168, 192, 156), spacing, strict=True))
    assert bright_share(head(True, spacing=spacing, shape=shape)) > ENHANCED
    assert bright_share(head(False, spacing=spacing, shape=shape)) < NOT_ENHANCED


def test_enhancement_is_the_same_in_any_unit_and_orientation():
    flipped = Volume(
        np.ascontiguousarray(ENHANCING.data.transpose(2, 0, 1)[::-1]) * 7,
        Grid(
            (52, 84, 96),
            ENHANCING.grid.affine
            @ np.array([[0, 1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 51], [0, 0, 0, 1.0]]),
        ),
    )
    assert bright_share(flipped) == pytest.approx(bright_share(ENHANCING), rel=0.05)


def test_too_little_of_a_head_says_nothing():
    small = Volume(ENHANCING.data[:, :, :12].copy(), Grid((84, 96, 12), ENHANCING.grid.affine))
    assert bright_share(small) is None


def perfusion(depth):
    time = np.arange(50)
    curve = 1 - depth * np.exp(-(((time - 20) / 3.0) ** 2)) - 0.2 * depth * (time > 22)
    noise = np.random.default_rng(0).normal(0, 0.002, 50)
    head_ = np.zeros((16, 16, 8, 1), np.float32)
    head_[3:13, 3:13, 1:7] = 500
    return (head_ * (curve + noise)).astype(np.float32)


def test_a_bolus_dips_once_and_comes_back():
    assert bolus_dip(perfusion(0.25)) == pytest.approx(0.25, abs=0.06)
    assert bolus_dip(perfusion(0.0)) is None
    drifting = np.linspace(1, 0.8, 50, dtype=np.float32) * perfusion(0.0)
    assert bolus_dip(drifting) is None
