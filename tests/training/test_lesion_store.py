import numpy as np
from vasotype_training.lesion_store import LesionStore


def test_measured_lesions_survive_their_file(tmp_path, made_lesions):
    lesions = made_lesions(np.random.default_rng(0), 4, without=("border_width",))
    store = LesionStore.of(tmp_path, "model", 7)
    store.patient(3, lambda: lesions)
    for kept, lesion in zip(store.patient(3, lambda: []), lesions, strict=True):
        assert kept.lesion == lesion.lesion
        assert kept.biomarkers == lesion.biomarkers
        assert kept.images == lesion.images
        assert (kept.patient, kept.mode, kept.truth) == (lesion.patient, lesion.mode, lesion.truth)
        for name, answer in lesion.answers.items():
            assert np.array_equal(kept.answers[name].mode_logits, answer.mode_logits)


def test_a_patient_is_measured_once_for_each_key(tmp_path, made_lesions):
    measured = []

    def measure():
        measured.append(1)
        return made_lesions(np.random.default_rng(0), 2)

    for key in ("one model", "one model", "another model"):
        LesionStore.of(tmp_path, key).patient(0, measure)
    assert len(measured) == 2


def test_a_patient_without_lesions_is_not_measured_again(tmp_path):
    store = LesionStore.of(tmp_path, "model")
    assert store.patient(0, list) == []
    assert store.patient(0, lambda: ["never called"]) == []
