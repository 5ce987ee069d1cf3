import numpy as np
import pytest
from vasotype_training.reliability import icc_2_1, reliability

# Shrout and Fleiss 1979, table 2: six targets, four judges.
JUDGED = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_the_correlation_of_the_published_example_is_found():
    assert icc_2_1(JUDGED) == pytest.approx(0.29, abs=0.005)


def test_a_constant_offset_between_scans_lowers_the_agreement():
    first = np.random.default_rng(0).normal(size=200)
    assert icc_2_1(np.stack([first, first], axis=1)) == pytest.approx(1)
    assert icc_2_1(np.stack([first, first + 1], axis=1)) < 0.75


def test_repeatability_covers_95_per_cent_of_differences():
    rng = np.random.default_rng(1)
    truth = rng.uniform(5, 10, 4000)
    twice = truth[:, None] + rng.normal(0, 0.5, (4000, 2))
    found = reliability(twice, np.arange(4000) // 10)
    inside = np.abs(twice[:, 0] - twice[:, 1]) <= found.repeatability
    assert inside.mean() == pytest.approx(0.95, abs=0.01)
    assert found.low < found.icc < found.high
    assert found.relative == pytest.approx(found.repeatability / truth.mean(), rel=0.1)


def test_a_handful_of_lesions_says_nothing():
    assert reliability(JUDGED[:, :2], range(6)) is None
