"""A perfect reader's probabilities agree with the modes that lesions are drawn in."""

from dataclasses import replace

import numpy as np
import pytest
from vasotype_models.contract import MODES
from vasotype_training.simulate.biology import draw_biology, draw_primary
from vasotype_training.simulate.perfect_reader import PerfectReader, perfect_reader
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.shape import Shape

PER_MODE = 150


@pytest.fixture(scope="module")
def reader() -> PerfectReader:
    return perfect_reader()


def a_lesion(biology, diameter=14.0, edema_ml=2.0):
    shape = Shape(diameter / 2, (1.0, 1.0, 1.0), (), 0.0, (0.0, 0.0, 0.0, 1.0))
    return Lesion("metastasis", (0, 0, 0), shape, None, edema_ml, 1.0, 2.0, 0.2, biology, None, 1)


@pytest.fixture(scope="module")
def lesions():
    rng = np.random.default_rng(11)
    drawn = [(m, draw_biology(rng, rng.normal(), draw_primary(rng), m)) for m in MODES * PER_MODE]
    return [(MODES.index(mode), a_lesion(biology)) for mode, biology in drawn]


def answers(reader, lesions, channels):
    mode = np.array([m for m, _ in lesions])
    return mode, np.array([reader.probabilities(lesion, channels) for _, lesion in lesions])


@pytest.mark.parametrize("maps", [(), ("rcbv",), ("ktrans",), ("rcbv", "ktrans")])
def test_probabilities_are_as_frequent_as_they_say(reader, lesions, maps):
    mode, said = answers(reader, lesions, ("t1", "t1c", *maps))
    assert np.allclose(said.sum(axis=1), 1, atol=1e-5)
    for index in range(len(MODES)):
        assert said[:, index].mean() == pytest.approx((mode == index).mean(), abs=0.05)
        sure = said[:, index] > np.quantile(said[:, index], 0.7)
        assert (mode[sure] == index).mean() == pytest.approx(said[sure, index].mean(), abs=0.12)


def test_maps_make_the_reader_surer(reader, lesions):
    def loss(channels):
        mode, said = answers(reader, lesions, channels)
        return -np.log(said[np.arange(len(mode)), mode]).mean()

    assert loss(("t1c", "rcbv", "ktrans")) < loss(("t1c",)) - 0.02 < np.log(3) - 0.1


def test_edema_that_is_not_there_tells_nothing(reader, lesions):
    biology = lesions[0][1].biology
    with_edema, without = (
        [
            reader.probabilities(
                a_lesion(replace(biology, edema_ratio=ratio), edema_ml=ml), ("t1c",)
            )
            for ratio in (0.5, 8.0)
        ]
        for ml in (3.0, 0.0)
    )
    assert not np.allclose(*with_edema, atol=0.05)
    assert np.allclose(*without)


def test_a_border_that_can_not_be_rendered_tells_nothing(reader, lesions):
    biology = lesions[0][1].biology
    wide, wider = (
        reader.probabilities(a_lesion(replace(biology, width_mm=width), diameter=6.0), ("t1c",))
        for width in (2.0, 5.0)
    )
    assert np.allclose(wide, wider)
