import numpy as np
import pytest
from vasotype_models.contract import MODES
from vasotype_training.calibrate import calibrate
from vasotype_training.lesion_evaluation.readings import READERS, read_lesions
from vasotype_training.lesion_evaluation.scores import by_patient, novelty_figure


@pytest.fixture(scope="module")
def calibration(made_lesions):
    return calibrate(made_lesions(np.random.default_rng(0), 240), "made by hand")


@pytest.fixture(scope="module")
def rules():
    from vasotype.phenotype.rules import default_rules

    return default_rules()


def test_every_reader_answers_every_lesion(calibration, rules, made_lesions):
    readings = read_lesions(made_lesions(np.random.default_rng(1), 30), "both", calibration, rules)
    for reader in READERS:
        assert readings.probabilities[reader].sum(axis=1) == pytest.approx(np.ones(30))
    assert set(readings.set_size) <= {1, 2, 3}


def test_rules_without_maps_do_not_look_at_maps(calibration, rules, made_lesions):
    lesions = made_lesions(np.random.default_rng(2), 60)
    blind = made_lesions(np.random.default_rng(2), 60, without=("rcbv_mean", "ktrans_tumor_mean"))
    with_maps, without = (
        read_lesions(found, "structural", calibration, rules).probabilities["rules"]
        for found in (lesions, blind)
    )
    assert np.array_equal(with_maps, without)


def test_a_lesion_that_counts_as_unlike_is_answered_with_the_full_set(
    calibration, rules, made_lesions
):
    strict = calibration.model_copy(
        update={"density": calibration.density.model_copy(update={"threshold": -1e6})}
    )
    readings = read_lesions(made_lesions(np.random.default_rng(3), 10), "dsc", strict, rules)
    assert readings.abstained.all()
    assert (readings.set_size == len(MODES)).all()


def test_shifted_images_raise_the_novelty_score(calibration, rules, made_lesions):
    usual = made_lesions(np.random.default_rng(4), 60)
    shifted = [
        type(x)(**{**vars(x), "images": {k: 3 * v for k, v in x.images.items()}}) for x in usual
    ]
    figure = novelty_figure(
        read_lesions(usual, "both", calibration, rules),
        read_lesions(shifted, "both", calibration, rules),
    )
    assert figure.value > 0.9


def test_rows_of_a_patient_are_resampled_together():
    groups = by_patient(np.array([5, 2, 5, 9, 2]), np.array([0, 1, 2, 4]))
    assert sorted(sorted(group.tolist()) for group in groups) == [[0, 2], [1, 4]]
