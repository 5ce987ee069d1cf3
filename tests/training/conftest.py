"""A painted ball of white matter in a shell of grey matter, small enough to simulate in."""

import numpy as np
import pytest
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
