"""A cohort ends with every study accounted for."""

import csv
import json
import os
import shutil
import signal
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import vasotype
from scipy import ndimage
from typer.testing import CliRunner
from vasotype.acquisition.protocol import default_protocol
from vasotype.batch import BatchOptions, Outcome, run_batch
from vasotype.batch.earlier import WORDS, made_otherwise
from vasotype.batch.task import Task, analyse
from vasotype.cli import app
from vasotype.clinical import Clinical
from vasotype.findings import StudyError
from vasotype.outputs import OutputOptions
from vasotype.perfusion import DceSettings
from vasotype.phenotype.rules import default_rules
from vasotype.result import Result
from vasotype.study.extras import NO_EXTRAS, Extras

SHAPE = (32, 40, 32)


def write_study(folder, seed=0):
    """A small textured ellipsoid in two sequences, 2 mm voxels."""
    random = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in SHAPE), indexing="ij")
    brain = sum(axis**2 for axis in axes) < 0.8
    folder.mkdir(parents=True)
    for ending in ("t1c", "t2f"):
        texture = ndimage.gaussian_filter(random.standard_normal(SHAPE), 1.0)
        data = np.float32((300 + 120 * texture) * brain)
        image = nib.Nifti1Image(data, np.diag([2.0, 2.0, 2.0, 1.0]))
        nib.save(image, folder / f"case{seed}-{ending}.nii.gz")


FAST = BatchOptions(jobs=1, device="cpu", outputs=OutputOptions(report=False))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with ``cohort`` and, after a batch, ``out``; and what the batch said.

    The cohort: two visits that share a folder name, and a study that can't be read.
    """
    home = tmp_path_factory.mktemp("batch")
    write_study(home / "cohort" / "sub-1" / "ses-1", seed=1)
    write_study(home / "cohort" / "sub-2" / "ses-1", seed=2)
    (home / "cohort" / "torn").mkdir()
    (home / "cohort" / "torn" / "torn-t1c.nii.gz").write_bytes(b"torn")
    said = []
    run_batch(home / "cohort", home / "out", FAST, lambda *outcome: said.append(outcome))
    return home, said


def read_tsv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_a_bad_study_is_listed_and_stops_no_other(finished):
    home, said = finished
    assert sorted((outcome.study, outcome.status, total) for outcome, total in said) == [
        ("sub-1__ses-1", "done", 3),
        ("sub-2__ses-1", "done", 3),
        ("torn", "failed", 3),
    ]
    [failure] = read_tsv(home / "out" / "failures.tsv")
    assert failure["study"] == "torn"
    assert "torn-t1c.nii.gz" in failure["message"]
    assert not (home / "out" / "torn").exists()


def test_the_table_holds_the_lesions_of_all_studies(finished):
    out = finished[0] / "out"
    expected = [
        (study, str(lesion.id))
        for study in ("sub-1__ses-1", "sub-2__ses-1")
        for lesion in Result.read(out / study).lesions
    ]
    assert [(row["study"], row["id"]) for row in read_tsv(out / "lesions.tsv")] == expected


def test_the_same_command_again_keeps_what_is_finished(finished, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(finished[0], home)
    created = Result.read(home / "out" / "sub-1__ses-1").created
    (home / "cohort" / "torn" / "torn-t1c.nii.gz").unlink()
    write_study(home / "cohort" / "torn" / "mended", seed=3)
    arguments = ("batch", home / "cohort", "-o", home / "out", "--no-report", "--json")
    answer = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert answer.exit_code == 0
    statuses = [study["status"] for study in json.loads(answer.stdout)["studies"]]
    assert statuses == ["kept", "kept", "done"]
    assert Result.read(home / "out" / "sub-1__ses-1").created == created
    assert read_tsv(home / "out" / "failures.tsv") == []


def test_a_result_made_otherwise_is_listed_and_left_alone(finished, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(finished[0], home)
    created = Result.read(home / "out" / "sub-1__ses-1").created
    protocol = json.loads(default_protocol().model_dump_json()) | {"name": "ours"}
    (home / "ours.json").write_text(json.dumps(protocol))
    arguments = ("batch", home / "cohort", "-o", home / "out", "--protocol", home / "ours.json")
    answer = CliRunner().invoke(app, [*map(str, arguments), "--no-report"])
    assert answer.exit_code == 3
    failures = {row["study"]: row for row in read_tsv(home / "out" / "failures.tsv")}
    assert {row["code"] for row in failures.values()} == {"output-exists", "unreadable-image"}
    assert "made with another protocol; see --overwrite" in failures["sub-1__ses-1"]["message"]
    assert Result.read(home / "out" / "sub-1__ses-1").created == created
    assert read_tsv(home / "out" / "lesions.tsv") == []


@pytest.fixture
def earlier(finished):
    """A finished result, its study, and the settings that it was made with."""
    home, _ = finished
    result = Result.read(home / "out" / "sub-1__ses-1")
    return result, home / "cohort" / "sub-1" / "ses-1", result.settings


def test_every_setting_the_version_and_their_absence_count(earlier):
    result, study, settings = earlier
    assert made_otherwise(result, study, settings) == []
    for name, words in WORDS.items():
        assert made_otherwise(result, study, settings.model_copy(update={name: "0"})) == [words]
    older = result.model_copy(update={"vasotype_version": "0.4.0", "settings": None})
    said = made_otherwise(older, study, settings)
    assert said == ["version 0.4.0", "settings that it doesn't tell"]


def test_files_that_changed_since_count_but_not_where_they_lie(earlier, tmp_path):
    result, study, settings = earlier
    moved = tmp_path / "elsewhere" / "sub-1" / "ses-1"
    shutil.copytree(study, moved)
    (moved / ".DS_Store").write_text("hidden")
    shutil.copytree(tmp_path / "elsewhere", tmp_path / "again")
    assert made_otherwise(result, moved, settings) == []
    image = moved / "case1-t1c.nii.gz"
    image.write_bytes(image.read_bytes() + b"more")
    assert made_otherwise(result, moved, settings) == ["other files"]
    more = tmp_path / "again" / "sub-1" / "ses-1"
    shutil.copy(more / "case1-t1c.nii.gz", more / "case1-t1n.nii.gz")
    assert made_otherwise(result, more, settings) == ["other files"]
    before = settings.model_copy(update={"files": None})
    assert made_otherwise(result.model_copy(update={"settings": before}), more, settings) == []


def test_only_the_studys_own_clinical_facts_count(earlier, tmp_path):
    result, _, settings = earlier
    study = tmp_path / "sub-1" / "ses-1"
    write_study(study, seed=1)
    table = tmp_path / "participants.tsv"
    for row, said in (
        ("sub-1\tlung\tn/a", ["other clinical facts"]),
        ("sub-1\tn/a\t2024-01-01", []),  # no date to count from: left out, then as now
    ):
        table.write_text(f"participant_id\tprimary\tsurgery_date\tsurgery\n{row}\tyes\n")
        assert made_otherwise(result, study, settings) == said
    table.write_text("participant_id\tprimary\nsub-1\tlung\nsub-2\tbreast\n")
    known = result.model_copy(update={"clinical": Clinical(primary="lung")})
    assert made_otherwise(known, study, settings) == []


def test_what_concerns_one_study_alone_is_another_option():
    analyser = vasotype.load(device="cpu", threads=1)
    usual = analyser.settings()
    assert analyser.settings(OutputOptions(overwrite=True), NO_EXTRAS, {}, None, ()) == usual
    assert analyser.settings(OutputOptions(), NO_EXTRAS, None, 2).options != usual.options
    assert analyser.settings(OutputOptions(radiomics=True)).options != usual.options
    thicker = Extras(dce_settings=DceSettings(haematocrit=0.5))
    assert analyser.settings(OutputOptions(), thicker).options != usual.options


@pytest.fixture
def workers_that_die(monkeypatch):
    """No process starts; every study ends as if its process had died."""
    monkeypatch.setattr(
        "vasotype.batch.cohort.on_this_machine",
        lambda function, tasks, processes: ((task, None) for task in tasks),
    )


def test_a_batch_with_failures_ends_with_code_3(workers_that_die, tmp_path):
    write_study(tmp_path / "cohort" / "a")
    answer = CliRunner().invoke(app, ["batch", str(tmp_path / "cohort"), "-o", str(tmp_path / "o")])
    assert answer.exit_code == 3
    [failure] = read_tsv(tmp_path / "o" / "failures.tsv")
    assert (failure["study"], failure["code"]) == ("a", "worker-died")


def test_a_batch_passes_its_options_on(tmp_path, monkeypatch):
    taken = []

    def note_and_die(function, tasks, processes):
        taken.extend(tasks)
        return ((task, None) for task in tasks)

    monkeypatch.setattr("vasotype.batch.cohort.on_this_machine", note_and_die)
    write_study(tmp_path / "cohort" / "a")
    arguments = ["batch", str(tmp_path / "cohort"), "-o", str(tmp_path / "o")]
    (tmp_path / "ours.json").write_text(default_protocol().model_dump_json())
    (tmp_path / "rules.json").write_text(default_rules().model_dump_json())
    protocol = ["--protocol", str(tmp_path / "ours.json"), "--rules", str(tmp_path / "rules.json")]
    scale = ["--dose", "0.05", "--relaxivity", "5.2", "--hematocrit", "0.4"]
    outputs = ["--seg", "labelmap", "--sr-phenotype", "--considerations"]
    CliRunner().invoke(app, [*arguments, *outputs, *protocol, *scale])
    assert [(task.protocol, task.rules) for task in taken] == [
        (tmp_path / "ours.json", tmp_path / "rules.json")
    ]
    wanted = OutputOptions(seg="labelmap", sr_phenotype=True, considerations=True)
    assert [task.options for task in taken] == [wanted]
    assert [task.extras for task in taken] == [Extras(dce_settings=DceSettings(5.2, 0.4, 0.05))]


def test_lesions_carry_their_study_and_only_todays_columns(workers_that_die, tmp_path, monkeypatch):
    """The table of a study that an older version wrote has another column, and lacks some."""
    monkeypatch.setattr("vasotype.batch.cohort.settled", lambda task: Outcome("a", "kept"))
    write_study(tmp_path / "cohort" / "a")
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "lesions.tsv").write_text("id\tformer\n1\tx\n2\ty\n")
    run_batch(tmp_path / "cohort", tmp_path / "out", FAST)
    rows = read_tsv(tmp_path / "out" / "lesions.tsv")
    assert [(row["study"], row["id"], row["tier"]) for row in rows] == [
        ("a", "1", "n/a"),
        ("a", "2", "n/a"),
    ]
    assert "former" not in rows[0]


def test_results_inside_the_cohort_are_no_studies(workers_that_die, tmp_path):
    write_study(tmp_path / "a")
    write_study(tmp_path / "results" / "looks-like-one")
    result = run_batch(tmp_path, tmp_path / "results", FAST)
    assert [outcome.study for outcome in result.outcomes] == ["a"]


@pytest.fixture
def task(tmp_path):
    write_study(tmp_path / "study")
    return Task(
        name="study",
        study=tmp_path / "study",
        output=tmp_path / "out",
        model="default",
        settings=vasotype.load(device="cpu", threads=1).settings(OutputOptions(report=False)),
        calibration=None,
        protocol=None,
        rules=None,
        device="cpu",
        threads=1,
        options=OutputOptions(report=False),
    )


def test_a_task_that_comes_twice_is_done_once_and_never_replaces_another_models_result(task):
    assert [analyse(task).status for _ in range(2)] == ["done", "kept"]
    other = replace(task, settings=task.settings.model_copy(update={"model": "0" * 64}))
    again = analyse(other)
    assert (again.status, again.code) == ("failed", "output-exists")
    assert "made with another model" in again.message


def test_a_bug_in_one_study_is_an_outcome(task, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("no voxel")

    monkeypatch.setattr("vasotype.batch.task._analyser", broken)
    outcome = analyse(task)
    assert outcome == Outcome(
        "study",
        "failed",
        "internal-error",
        "unexpected ZeroDivisionError: no voxel",
        outcome.seconds,
    )


@pytest.mark.slow
def test_a_cohort_is_finished_on_a_cluster_that_loses_a_worker(cluster, tmp_path):
    names = ("a", "b", "c", "d")
    for seed, name in enumerate(names):
        write_study(tmp_path / "cohort" / name, seed)
    victims = [next(iter(cluster.workers.values())).pid]

    def kill_once(outcome, total):
        while victims:
            os.kill(victims.pop(), signal.SIGKILL)

    options = replace(FAST, scheduler=cluster.scheduler_address)
    result = run_batch(tmp_path / "cohort", tmp_path / "out", options, kill_once)
    assert [outcome.study for outcome in result.outcomes] == list(names)
    assert result.failed == ()
    assert all(Result.read(tmp_path / "out" / name).study for name in names)


def test_a_folder_without_studies_is_refused(tmp_path):
    with pytest.raises(StudyError, match="no folder holds a study"):
        run_batch(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_studies_of_one_name_are_refused(tmp_path):
    write_study(tmp_path / "cohort" / "a" / "b")
    write_study(tmp_path / "cohort" / "a__b")
    with pytest.raises(StudyError, match="a__b"):
        run_batch(tmp_path / "cohort", tmp_path / "out")
