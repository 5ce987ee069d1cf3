"""Recorded figures: when one has fallen, and what can't be compared."""

import json

import pytest
from evaluation import make_figure, make_figures
from vasotype.findings import StudyError
from vasotype_models.registry import resolve
from vasotype_training.evaluate import (
    Options,
    Recorded,
    Settings,
    check,
    compare,
    evaluate,
    read_recorded,
    record,
)
from vasotype_training.evaluate import checking as check_module
from vasotype_training.evaluate import run as run_module
from vasotype_training.identity import rules_of


@pytest.mark.parametrize(
    ("better", "measured", "falls"),
    [
        ("higher", 0.69, False),
        ("higher", 0.67, True),
        ("higher", 0.99, False),
        ("lower", 0.71, False),
        ("lower", 0.73, True),
        ("lower", 0.10, False),
        ("near", 0.73, True),
        ("near", 0.67, True),
    ],
)
def test_a_figure_falls_when_it_is_worse_by_more_than_its_tolerance(better, measured, falls):
    recorded = make_figures(make_figure(0.70, better=better))
    found = compare(recorded, make_figures(make_figure(measured, better=better)))
    assert bool(found.fallen) is falls
    assert len(found.rows) == 1


def test_a_figure_that_is_no_longer_measured_has_fallen():
    found = compare(make_figures(make_figure(0.7, study="case-1")), make_figures())
    assert "| dev, case-1, all, dice_tc | 0.700 | not measured |" in found.markdown()
    assert found.fallen


def test_cohorts_that_were_not_evaluated_are_passed_over():
    recorded = make_figures(make_figure(0.7, cohort="test"))
    assert compare(recorded, make_figures()).rows == ()


def test_other_data_under_the_same_name_are_named_and_not_compared():
    recorded = make_figures(make_figure(0.7))
    found = compare(recorded, make_figures(make_figure(0.1), digest="e"))
    assert found.rows == ()
    assert found.unchecked == ("dev: it is not the data that was recorded",)


def test_figures_of_another_model_are_not_compared():
    with pytest.raises(StudyError, match="of model"):
        compare(make_figures(), make_figures(sha256="b" * 64))


@pytest.fixture
def model(tmp_path):
    """A model folder whose network has the digest of the made figures; the rest is released."""
    folder = tmp_path / "model"
    folder.mkdir()
    contract = json.loads((resolve("default") / "contract.json").read_text("utf-8"))
    (folder / "contract.json").write_text(json.dumps(contract | {"onnx_sha256": "a" * 64}))
    calibration = json.loads((resolve("default") / "calibration.json").read_text("utf-8"))
    (folder / "calibration.json").write_text(json.dumps(calibration | {"model_sha256": "a" * 64}))
    return folder


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def keep(folder, figures):
    folder.mkdir(exist_ok=True)
    (folder / "figures.json").write_text(figures.model_dump_json())
    return folder


def test_a_new_evaluation_replaces_the_recorded_one_of_its_cohort(model, tmp_path):
    first = make_figures(make_figure(0.5))
    other = make_figures(make_figure(0.6, cohort="test"), cohort="test")
    record([keep(tmp_path / "a", first), keep(tmp_path / "b", other)], model)
    better = make_figures(make_figure(0.7))
    record([keep(tmp_path / "c", better)], model)
    assert read_recorded(model) == Recorded(studies=(other, better))


def test_figures_of_an_earlier_network_go(model, tmp_path):
    stale = Recorded(studies=(make_figures(cohort="test", sha256="b" * 64),))
    (model / "figures.json").write_text(stale.model_dump_json())
    now = make_figures(make_figure(0.7))
    assert record([keep(tmp_path / "a", now)], model).studies == (now,)


def test_figures_of_another_model_are_not_recorded(model, tmp_path):
    with pytest.raises(StudyError, match="the model is"):
        record([keep(tmp_path / "a", make_figures(sha256="b" * 64))], model)
    assert not (model / "figures.json").exists()


@pytest.fixture
def recorded(cohort, runtime, model, tmp_path, monkeypatch):
    """The cohort evaluated and recorded, slices being of two studies."""
    monkeypatch.setattr(run_module, "SLICE", 2)
    monkeypatch.setattr(check_module, "SLICE", 2)
    options = Options(settings=Settings(variants=("all", "t1c")))
    evaluate([cohort], model, tmp_path / "out", options)
    record([tmp_path / "out"], model)
    return model


def test_a_check_repeats_the_slice_and_verifies_the_rest(recorded, cohort, runtime, tmp_path):
    asked = runtime.asked
    found = check([cohort], recorded, tmp_path / "out", Options())
    assert runtime.asked - asked == 4  # two studies, two variants
    assert {row.recorded.cohort for row in found.rows} == {"dev", "dev[2]"}
    assert found.fallen == []
    assert found.unchecked == ()
    assert "none fell" in (tmp_path / "out" / "check.md").read_text()


def test_a_check_without_kept_predictions_says_what_it_left_out(recorded, cohort, tmp_path):
    found = check([cohort], recorded, tmp_path / "elsewhere", Options())
    assert {row.recorded.cohort for row in found.rows} == {"dev[2]"}
    assert "1 studies beside the slice" in found.unchecked[0]


def test_a_check_notices_a_chain_that_got_worse(recorded, cohort, runtime, tmp_path):
    runtime.threshold = 1000  # nothing is bright enough any more
    found = check([cohort], recorded, tmp_path / "out", Options())
    assert {row.recorded.cohort for row in found.fallen} == {"dev[2]"}
    assert "dice_tc" in {row.recorded.metric for row in found.fallen}


def test_a_check_without_any_recorded_cohort_is_refused(recorded, cohort, tmp_path):
    other = cohort.rename(tmp_path / "other")
    with pytest.raises(StudyError, match="dev: not given"):
        check([other], recorded, tmp_path / "out", Options())


def test_cohorts_of_studies_and_of_lesions_may_share_a_name(model, tmp_path):
    studies, lesions = make_figures(make_figure(0.5)), make_figures(make_figure(0.6))
    folder = keep(tmp_path / "a", studies)
    (folder / "lesions.json").write_text(lesions.model_dump_json())
    assert record([folder], model) == Recorded(studies=(studies,), lesions=(lesions,))


def test_figures_under_other_rules_or_calibration_are_not_compared():
    recorded = make_figures(make_figure(0.7), rules="before")
    with pytest.raises(StudyError, match="other inference rules") as error:
        compare(recorded, make_figures(make_figure(0.7), rules="after"))
    assert error.value.code == "figures-incomparable"


def test_an_old_record_is_compared_and_said_to_know_no_rules():
    found = compare(make_figures(make_figure(0.7)), make_figures(make_figure(0.7), rules="now"))
    assert len(found.rows) == 1
    assert "whether inference rules or calibration" in found.unchecked[0]
    assert (found + found).unchecked == found.unchecked


def test_a_record_names_the_rules_of_its_model(recorded):
    (evaluation,) = read_recorded(recorded).studies
    assert evaluation.rules == rules_of(recorded)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("contract.json", {"inference": {"confidence": 0.123}}),
        ("calibration.json", {"mimicry_threshold": 0.123}),
    ],
)
def test_figures_of_before_a_change_of_rules_or_calibration_go(recorded, tmp_path, name, values):
    before = read_recorded(recorded).studies[0]
    change(recorded / name, **values)
    with pytest.raises(StudyError, match="than the model has now"):
        record([tmp_path / "out"], recorded)
    now = make_figures(make_figure(0.7), cohort="other", rules=rules_of(recorded))
    assert before.rules != now.rules
    assert record([keep(tmp_path / "new", now)], recorded).studies == (now,)
