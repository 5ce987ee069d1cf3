"""Variants of a study, predictions that are kept, and the detector that needs none."""

import numpy as np
import pytest
from evaluation import LPS, FakeRuntime, prediction, study
from vasotype.findings import StudyError
from vasotype.stages import Grid, Study, Volume
from vasotype_training.evaluate import predictions
from vasotype_training.evaluate.predictions import Reuse, Shelf, digest, vary
from vasotype_training.evaluate.threshold import by_threshold


def test_variants_take_sequences_away_or_replace_contrast():
    whole = study()
    assert vary(whole, "all") is whole
    assert set(vary(whole, "t1c+flair").volumes) == {"t1c", "flair"}
    assert vary(whole, "t1c:=t1").volumes["t1c"] is whole.volumes["t1"]
    assert vary(study(("t1c", "flair")), "t1c:=t1") is None
    assert vary(study(("flair",)), "t1c+flair") is None


def test_a_kept_prediction_is_used_until_the_study_changes(tmp_path):
    runtime, shelf = FakeRuntime(), Shelf(tmp_path)
    first = shelf.predict(study(), runtime)
    again = shelf.predict(study(), runtime)
    assert runtime.asked == 1
    np.testing.assert_array_equal(first.tissue, again.tissue)
    np.testing.assert_array_equal(first.grid.affine, again.grid.affine)
    assert first.result == again.result
    shelf.predict(study(("t1c", "flair")), runtime)
    Shelf(tmp_path, Reuse.NEVER).predict(study(), runtime)
    assert runtime.asked == 3


def test_a_prediction_is_made_anew_when_the_runtime_s_code_changes(tmp_path, monkeypatch):
    runtime, shelf = FakeRuntime(), Shelf(tmp_path)
    shelf.predict(study(), runtime)
    monkeypatch.setattr(predictions, "runtime_digest", lambda: "other sources")
    shelf.predict(study(), runtime)
    assert runtime.asked == 2


def test_the_same_images_under_other_channel_names_are_another_study():
    whole = study(("t1", "t1c"))
    t1, t1c = whole.volumes["t1"], whole.volumes["t1c"]
    swapped = Study("s", {"t1": t1c, "t1c": t1})
    renamed = Study("s", {"t1": t1, "flair": t1c})
    assert len({digest(whole), digest(swapped), digest(renamed)}) == 3


def test_the_threshold_detector_finds_what_brightens_and_no_dark_or_bright_rest():
    shape = (72, 72, 72)
    rng = np.random.default_rng(0)
    brain = np.linalg.norm(np.indices(shape) - 35.5, axis=0, keepdims=False) < 30
    t1 = np.where(brain, rng.normal(100, 8, shape), 0).astype(np.float32)
    t1c = np.where(brain, t1 + rng.normal(0, 3, shape), 0).astype(np.float32)
    t1c[30:36, 30:36, 30:36] += 60
    volumes = {c: Volume(v, Grid(shape, LPS)) for c, v in (("t1", t1), ("t1c", t1c))}
    nothing = prediction(np.zeros(shape, np.uint8))
    found = by_threshold(Study("s", volumes), nothing)
    assert (found.tissue[30:36, 30:36, 30:36] == 3).mean() > 0.9
    assert (found.tissue == 3).sum() < 400


def test_where_only_kept_predictions_serve_a_missing_one_is_an_error(tmp_path):
    runtime, only = FakeRuntime(), Shelf(tmp_path, Reuse.KEPT_ONLY)
    with pytest.raises(StudyError) as error:
        only.predict(study(), runtime)
    assert error.value.code == "prediction-missing"
    Shelf(tmp_path).predict(study(), runtime)
    only.predict(study(), runtime)
    assert runtime.asked == 1
