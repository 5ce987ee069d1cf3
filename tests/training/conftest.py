"""A painted ball of white matter in a shell of grey matter, small enough to simulate in."""

import numpy as np
import pytest
from vasotype_models.contract import ET
from vasotype_training.simulate.anatomy import RawBrain, build_anatomy
from vasotype_training.simulate.painting import PaintedProbabilities

SIDE = 64


def distance_to_centre():
    grid = np.indices((SIDE, SIDE, SIDE)) - (SIDE - 1) / 2
    return np.sqrt((grid**2).sum(axis=0))


@pytest.fixture(scope="session")
def ball_source():
    """White matter to 21 mm, grey to 26 mm, CSF to 29 mm, and a CSF ventricle of 5 mm."""
    away = distance_to_centre()
    grid = np.indices((SIDE, SIDE, SIDE)) - (SIDE - 1) / 2
    ventricle = np.sqrt(((grid - np.array([6, 0, 0]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0)) < 5
    white = ((away < 21) & ~ventricle).astype(np.float32)
    grey = ((away >= 21) & (away < 26)).astype(np.float32)
    return PaintedProbabilities("ball", grey, white, away < 29, np.diag([1.0, 1.0, 1.0, 1.0]))


@pytest.fixture(scope="session")
def ball(ball_source):
    """One painting of the ball."""
    return ball_source.draw(np.random.default_rng(7))


@pytest.fixture(scope="session")
def beside_a_tumor(ball):
    """The ball with a real tumor of 6 mm radius in it."""
    grid = np.indices(ball.shape)
    middle = np.array([14, 32, 32]).reshape(3, 1, 1, 1)
    tumor = (((grid - middle) ** 2).sum(axis=0) < 36).astype(np.uint8) * ET
    images = {c: image.astype(np.float32) for c, image in ball.images.items()}
    tissue = tuple(t.astype(np.float32) for t in (ball.csf, ball.grey, ball.white))
    return build_anatomy(RawBrain("tumor", ball.affine, images, ball.mask, tissue, tumor))
