"""Whole cohorts: figures with their provenance, interruptions, refusals, slices."""

from dataclasses import replace

import pytest
from evaluation import MODEL, cube, labelled
from vasotype.findings import StudyError
from vasotype_training.cohorts import LesionTruth
from vasotype_training.evaluate import Figures, Options, Settings, evaluate
from vasotype_training.evaluate import run as run_module
from vasotype_training.evaluate.gathered import _truth_digest


def value(figures, metric, variant="all", study=None):
    wanted = (metric, variant, study)
    (found,) = [f for f in figures.figures if (f.metric, f.variant, f.study) == wanted]
    return found.value


def test_evaluation_gives_figures_with_their_provenance(cohort, runtime, tmp_path):
    steps = []
    options = Options(
        settings=Settings(variants=("all", "t1c", "t1c:=t1")),
        progress=lambda done, total: steps.append((done, total)),
    )
    figures = evaluate([cohort], "default", tmp_path / "out", options)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert value(figures, "dice_tc") == 1.0
    assert value(figures, "both_empty_tc") == 1
    assert value(figures, "sensitivity, 10+ mm", "t1c") == 1.0
    assert value(figures, "false_positives_per_study_without_lesion") == 0.0
    assert value(figures, "enhancing_volume_left", "t1c:=t1") == 0.0
    assert figures.sha256 == MODEL.sha256
    assert Figures.read(tmp_path / "out/figures.json") == figures
    assert len((tmp_path / "out/studies.tsv").read_text().splitlines()) == 1 + 2 * 3


def test_simulated_figures_are_called_simulated_on_every_line(cohort, runtime, tmp_path):
    table = evaluate([cohort], "default", tmp_path / "out").markdown()
    rows = [line for line in table.splitlines() if line.startswith("| dev")]
    assert rows
    assert all("(simulated)" in row for row in rows)


def test_an_interrupted_evaluation_goes_on_where_it_stopped(cohort, runtime, tmp_path):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate([cohort], "default", tmp_path / "out", Options(progress=stop))
    resumed = evaluate([cohort], "default", tmp_path / "out")
    assert runtime.asked == 3
    assert resumed == evaluate([cohort], "default", tmp_path / "elsewhere")


def test_a_refused_study_is_named_and_the_others_are_scored(cohort, runtime, tmp_path):
    plain = runtime.analyse

    def refuse_the_tumor_free(study):
        if not (study.volumes["t1c"].data > 100).any():
            raise StudyError("not-mr", "no")
        return plain(study)

    runtime.analyse = refuse_the_tumor_free
    figures = evaluate([cohort], "default", tmp_path / "out")
    assert figures.cohorts[0].refused == ("case-2 (all): not-mr",)
    assert value(figures, "dice_tc") == 1.0
    assert "refused: case-2" in figures.markdown()


def test_a_slice_is_fixed_and_bears_its_size(cohort, runtime, tmp_path):
    first = evaluate([cohort], "default", tmp_path / "a", Options(limit=2))
    second = evaluate([cohort], "default", tmp_path / "b", Options(limit=2))
    assert first == second
    assert first.cohorts[0].name == "dev[2]"
    assert first.cohorts[0].studies == 2


def test_a_folder_without_labels_is_refused(runtime, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError) as error:
        evaluate([tmp_path / "empty"], "default", tmp_path / "out")
    assert error.value.code == "truth-missing"


def test_few_studies_are_also_told_one_by_one(cohort, runtime, tmp_path):
    options = Options(settings=Settings(variants=("all", "t1c", "t1c:=t1")))
    figures = evaluate([cohort], "default", tmp_path / "out", options)
    assert value(figures, "dice_tc", study="case-1") == 1.0
    assert value(figures, "fall_tc", "t1c", study="case-0") == 0.0
    assert value(figures, "enhancing_volume_left", "t1c:=t1", study="case-0") == 0.0
    assert value(figures, "false_positives") == 0


def test_a_large_cohort_also_gives_the_figures_of_its_slice(cohort, runtime, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "SLICE", 2)
    whole = evaluate([cohort], "default", tmp_path / "whole")
    alone = evaluate([cohort], "default", tmp_path / "slice", Options(limit=2))
    assert [c.name for c in whole.cohorts] == ["dev", "dev[2]"]
    assert whole.cohorts[1] == alone.cohorts[0]
    assert [f for f in whole.figures if f.cohort == "dev[2]"] == list(alone.figures)


def test_a_cohort_stays_itself_when_more_is_known_of_its_lesions():
    """Records are found again by this digest; whoever changes it has to record anew."""
    truth = LesionTruth(id=1, mode="angiogenic", mimicry=False, source="simulation")
    tissue = cube(((8, 8, 8), 8, 3))
    lesions = (truth, replace(truth, id=2, mode=None, mimicry=None))
    plain = _truth_digest(labelled(tissue, lesions=lesions))
    assert plain == "1d816abc755a898b4bf9058c1ad9465b4767355e5f4ef77d5b2fbe6dc35e1bd7"
    more = tuple(replace(lesion, rim_cnr=3.5) for lesion in lesions)
    assert _truth_digest(labelled(tissue, lesions=more)) == plain
    changed = [(truth,), (), None, (truth, replace(truth, id=2))]
    assert len({plain, *(_truth_digest(labelled(tissue, lesions=c)) for c in changed)}) == 5
