import numpy as np
import pytest
from vasotype.prepare.bias import correct_bias
from vasotype.stages import Grid

SHAPE = (96, 112, 96)


@pytest.fixture(scope="module")
def brain():
    """Two tissues in patches of 12 mm, a bright lesion of 20 mm, and the mask."""
    rng = np.random.default_rng(0)
    mask = np.linalg.norm(np.stack(unit()), axis=0) < 0.95
    patches = np.kron(rng.random((8, 10, 8)) > 0.5, np.ones((12, 12, 12)))[:96, :112, :96]
    image = np.where(patches > 0, 300.0, 200.0) + rng.normal(0, 8, SHAPE)
    index = np.indices(SHAPE).T - np.array([40, 60, 50])
    lesion = np.linalg.norm(index, axis=-1).T < 10
    image[lesion] += 300
    return np.where(mask, image, 0).astype(np.float32), mask, lesion


def unit():
    return np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")


def correct(image, mask):
    return correct_bias(image, mask, Grid(SHAPE, np.eye(4)))


def test_most_of_a_coil_s_shading_is_removed(brain):
    image, mask, _ = brain
    x, y, z = unit()
    shading = np.exp(0.25 * x + 0.2 * y**2 - 0.15 * z).astype(np.float32)
    left = np.log(correct(image * shading, mask)[mask] / image[mask])
    assert left.std() < 0.25 * np.log(shading[mask]).std()
    assert abs(left.mean() - np.log(shading[mask]).mean()) < 0.02  # the level is kept


def test_a_clean_image_is_hardly_changed(brain):
    image, mask, lesion = brain
    change = np.log(correct(image, mask)[mask] / image[mask])
    assert np.abs(change).max() < 0.05
    assert np.abs(change[lesion[mask]]).mean() < 0.03


def test_an_image_without_positive_values_comes_back_untouched(brain):
    image, mask, _ = brain
    assert np.array_equal(correct(-image, mask), -image)
