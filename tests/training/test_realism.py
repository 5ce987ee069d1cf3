"""What tells simulated from real: features that mean something, and a classifier that is fair."""

import numpy as np
import pytest
from scipy import ndimage
from vasotype_models.contract import ET
from vasotype_training.realism.classify import tell_apart
from vasotype_training.realism.crops import Example
from vasotype_training.realism.features import tissue_features, tumor_features

SHAPE = (40, 40, 40)
DISTANCE = np.linalg.norm(np.indices(SHAPE) - 19.5, axis=0) - 8
BALL = DISTANCE < 0


def image(width_mm=0.5, noise=0.05, seed=0):
    """A bright ball with a border of a given width in noise."""
    rng = np.random.default_rng(seed)
    ball = 2 / (1 + np.exp(DISTANCE / width_mm))
    return (ball + 1 + noise * rng.normal(size=SHAPE)).astype(np.float32)


def features(picture):
    tissue = np.where(BALL, ET, 0).astype(np.uint8)
    return tumor_features({"t1c": picture}, tissue, BALL)


def test_a_wide_border_is_less_sharp():
    name = "t1c: sharpness of the border"
    assert features(image(0.4))[name] > features(image(1.5))[name] + 0.3


def test_a_smooth_inside_has_less_fine_structure_than_its_surroundings():
    noisy = image(noise=0.3)
    smooth = np.where(BALL, ndimage.gaussian_filter(noisy, 1.5), noisy)
    name = "t1c: fine structure, inside over outside"
    assert features(noisy)[name] == pytest.approx(0, abs=0.15)
    assert features(smooth)[name] < -0.5


def test_relations_and_structure_do_not_depend_on_an_images_scale():
    around = (DISTANCE > 2) & (DISTANCE < 7)
    first, second = image(seed=1), image(seed=2)
    plain = tissue_features({"t1": first, "t2": second}, around)
    scaled = tissue_features({"t1": first, "t2": 3 * second}, around)
    for name in ("t1 with t2, around", "t2: fine over coarse structure"):
        assert plain[name] == pytest.approx(scaled[name], abs=1e-4)


def examples(kind, values, patients):
    return [
        Example(kind, patient, 10.0, {"a": value, "b": float(n % 3)})
        for n, (value, patient) in enumerate(zip(values, patients, strict=True))
    ]


PATIENTS = [f"p{n % 8}" for n in range(48)]


def test_what_differs_is_found_and_named():
    rng = np.random.default_rng(0)
    told = tell_apart(
        examples("real", rng.normal(0, 0.1, 48), PATIENTS),
        examples("simulated", rng.normal(2, 0.1, 48), PATIENTS),
    )
    assert told.together.value == 1.0
    assert told.alone["a"] == 1.0
    assert told.alone["b"] == pytest.approx(0.5, abs=0.05)
    assert (told.counts, told.patients) == ((48, 48), 8)


def test_the_same_kind_twice_is_not_told_apart():
    rng = np.random.default_rng(1)
    values = rng.normal(size=96)
    told = tell_apart(
        examples("real", values[:48], PATIENTS), examples("simulated", values[48:], PATIENTS)
    )
    assert told.together.low < 0.5 < told.together.high


def test_knowing_the_patient_is_of_no_use():
    """A feature that differs between patients alone tells nothing about unseen ones."""
    own = {patient: n for n, patient in enumerate(sorted(set(PATIENTS)))}
    values = [float(own[patient]) for patient in PATIENTS]
    told = tell_apart(examples("a", values, PATIENTS), examples("b", values, PATIENTS))
    assert told.together.value == pytest.approx(0.5, abs=0.1)


def test_one_kind_alone_can_not_be_told_apart():
    with pytest.raises(ValueError, match="both kinds"):
        tell_apart([], examples("b", [1.0], ["p"]))
