"""Commands around training: train, simulate, evaluate, export, recalibrate, record-figures."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import vasotype
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import CATALOGUE
from vasotype_models.registry import resolve


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def without_lightning(monkeypatch):
    """As in the plain installation, where training's packages are absent."""
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.delitem(sys.modules, "vasotype_training.train", raising=False)


def test_a_missing_training_package_names_the_extra(without_lightning, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("name: mine\n")
    answer = call("train", config)
    assert answer.exit_code == 2
    assert "vasotype[train]" in answer.stderr


def test_an_unknown_key_of_a_training_configuration_is_named(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("name: mine\nstepz: 3\n")
    answer = call("train", config)
    assert answer.exit_code == 2
    assert "stepz" in answer.stderr


def test_a_simulated_cohort_is_drawn_from_its_seed(monkeypatch):
    drawn = []

    def write_cohort(folder, count, seed, *rest):
        drawn.append((folder, count, seed))
        yield from ("SIM-1", "SIM-2")

    monkeypatch.setattr("vasotype_training.simulate.write_cohort", write_cohort)
    monkeypatch.setattr("vasotype_training.simulate.find_sources", lambda paths: [])
    answer = call("simulate", "-o", "cohort", "--count", 2, "--seed", 7)
    assert answer.exit_code == 0
    assert drawn == [(Path("cohort"), 2, 7)]
    assert answer.stderr.splitlines() == ["SIM-1", "SIM-2"]


@pytest.fixture
def recipe(monkeypatch, tmp_path):
    """A recipe of three studies, without fingerprints, and a simulator that only leaves those."""

    def write_cohort(folder, count, seed, *rest):
        for number in range(count):
            place = folder / f"SIM-{number}"
            place.mkdir(parents=True, exist_ok=True)
            record = {"name": place.name, "fingerprint": {"lesions": 3.0}}
            (place / "simulation.json").write_text(json.dumps(record))
            yield place.name

    monkeypatch.setattr("vasotype_training.simulate.write_cohort", write_cohort)
    monkeypatch.setattr("vasotype_training.simulate.find_sources", lambda paths: [])
    path = tmp_path / "small.yaml"
    path.write_text("seed: 4\ncount: 3\n")
    return path


def test_a_recipe_without_fingerprints_is_refused_before_anything_is_simulated(recipe, tmp_path):
    answer = call("simulate", "-o", tmp_path / "cohort", "--recipe", recipe)
    assert answer.exit_code == 2
    assert "small.frozen.json" in answer.stderr
    assert not (tmp_path / "cohort").exists()
    assert not (tmp_path / "small.frozen.json").exists()


def test_a_cohort_is_frozen_on_demand_and_then_held_against_it_in_whole_or_part(recipe, tmp_path):
    def simulate(place, *more):
        return call("simulate", "-o", tmp_path / place, "--recipe", recipe, *more)

    assert simulate("first", "--freeze").exit_code == 0
    assert set(json.loads((tmp_path / "small.frozen.json").read_text())) == {
        "SIM-0", "SIM-1", "SIM-2",
    }  # fmt: skip
    assert simulate("second").exit_code == 0
    assert simulate("part", "--count", 2).exit_code == 0
    assert simulate("again", "--freeze").exit_code == 2
    recipe.write_text("seed: 4\ncount: 2\n")
    shorter = simulate("shorter")
    assert shorter.exit_code == 3
    assert "SIM-2: missing" in shorter.stderr


@pytest.mark.parametrize("more", [("--freeze",), ("--freeze", "--count", 2, "--recipe", "a.yaml")])
def test_only_a_whole_recipe_is_frozen(more):
    answer = call("simulate", "-o", "cohort", *more)
    assert answer.exit_code == 2
    assert "--freeze" in answer.stderr


def test_what_a_recipe_says_is_not_said_beside_it(recipe, tmp_path):
    more = ("--seed", 0, "--no-maps", "--healthy-share", 0.5, "--layout", "bids")
    answer = call("simulate", "-o", tmp_path / "cohort", "--recipe", recipe, *more)
    assert answer.exit_code == 2
    assert "--recipe and --seed, --maps/--no-maps, --healthy-share exclude" in answer.stderr
    assert not (tmp_path / "cohort").exists()


@pytest.fixture
def evaluation(monkeypatch):
    """An evaluation of nothing, which remembers its options and gives one figure."""
    from vasotype_training.evaluate import Figure, Figures

    figure = Figure(
        cohort="c", variant="all", metric="m", n=5, value=0.7, better="higher", tolerance=0.01
    )
    figures = Figures(
        model="default",
        version="1.0.0",
        sha256="0" * 64,
        vasotype_version=vasotype.__version__,
        command="vasotype evaluate",
        cohorts=[{"name": "c", "digest": "1" * 64, "studies": 5, "simulated": True}],
        figures=[figure],
    )
    seen = []

    def evaluate(cohorts, model, output, options):
        seen.append(options)
        return figures

    monkeypatch.setattr("vasotype_training.evaluate.evaluate", evaluate)
    return figures, seen


def test_a_label_scheme_is_read_from_the_command_line(evaluation):
    _, seen = evaluation
    assert call("evaluate", "c", "-o", "out", "--labels", "NETC=1,SNFH=2,ET=4").exit_code == 0
    assert seen[0].settings.labels == {"NETC": (1,), "SNFH": (2,), "ET": (4,)}


def test_a_label_scheme_without_numbers_is_refused(evaluation):
    answer = call("evaluate", "c", "-o", "out", "--labels", "brats")
    assert answer.exit_code == 2
    assert "'brats' is not TISSUE=NUMBER" in answer.stderr


@pytest.mark.parametrize(("measured", "code"), [(0.7, 0), (0.5, 3)])
def test_a_figure_below_the_recorded_one_ends_with_code_3(evaluation, monkeypatch, measured, code):
    from vasotype_training.evaluate.recorded import Comparison, Row

    figures, _ = evaluation
    comparison = Comparison((Row(figures.figures[0], measured),), ("other: not given",))
    monkeypatch.setattr("vasotype_training.evaluate.check", lambda *_: comparison)
    answer = call("evaluate", "c", "-o", "out", "--check")
    assert answer.exit_code == code
    assert ("| c, all, m | 0.700 | 0.500 |" in answer.stdout) == (code == 3)
    assert "- other: not given" in answer.stdout


def test_a_check_takes_its_settings_from_the_record():
    answer = call("evaluate", "c", "-o", "out", "--check", "--sequences", "t1c", "--limit", "3")
    assert answer.exit_code == 2
    assert "--sequences, --limit" in answer.stderr


@pytest.mark.parametrize(
    "given",
    [
        ("--labels", "NETC=1,SNFH=2,ET=3"),
        ("--sequences", "t1c"),
        ("--core-unscored", "case"),
        ("--tumor-free", "study"),
        ("--fresh",),
        ("--device", "cuda"),
    ],
)
def test_what_a_brain_network_can_not_heed_is_refused(given):
    answer = call("evaluate", "heads", "-o", "out", "--model", "brain", *given)
    assert answer.exit_code == 2
    assert given[0] in answer.stderr
    assert CATALOGUE["figures-settings"].remedy in answer.stderr


def test_other_lesions_need_a_study_without_tumor(evaluation):
    _, seen = evaluation
    answer = call("evaluate", "c", "-o", "out", "--other-lesions", "plaques.nii.gz")
    assert answer.exit_code == 2
    assert "--tumor-free" in answer.stderr
    assert seen == []


def test_an_export_takes_one_calibration():
    answer = call("export", "weights.pt", "-o", "out", "--name", "mine", "--config", "mine.yaml",
                  "--calibration", "mine.json", "--calibrate", 5)  # fmt: skip
    assert answer.exit_code == 2
    assert "--calibration and --calibrate" in answer.stderr


@pytest.fixture
def refitted(monkeypatch):
    """A site's calibration that is there at once; counts how often it was asked for."""
    from vasotype_models.contract import read_calibration
    from vasotype_training.recalibrate import Recalibration

    asked = []

    def recalibrate(*arguments):
        asked.append(arguments)
        return Recalibration(read_calibration(resolve("default")), ("patient7: left out",))

    monkeypatch.setattr("vasotype_training.recalibrate.recalibrate", recalibrate)
    return asked


def test_a_calibration_file_appears_whole_with_what_was_left_out(refitted, tmp_path):
    answer = call("recalibrate", "c", "-o", tmp_path / "ours.json")
    assert answer.exit_code == 0
    assert "patient7: left out" in answer.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["ours.json"]


def test_a_calibration_that_could_not_be_written_is_refused_before_the_work(refitted, tmp_path):
    answer = call("recalibrate", "c", "-o", tmp_path / "nowhere/ours.json")
    assert answer.exit_code == 2
    assert CATALOGUE["output-unwritable"].remedy in answer.stderr
    assert refitted == []


def test_figures_are_recorded_beside_the_model_with_their_bars(evaluation, tmp_path):
    figures, _ = evaluation
    model, made = tmp_path / "mine", tmp_path / "made"
    made.mkdir()
    model.mkdir()
    contract = json.loads((resolve("default") / "contract.json").read_text("utf-8"))
    shutil.copy(resolve("default") / "calibration.json", model)
    (model / "contract.json").write_text(json.dumps(contract | {"onnx_sha256": "0" * 64}))
    (made / "figures.json").write_text(figures.model_dump_json())
    assert call("record-figures", made, "--model", model).exit_code == 0
    assert (model / "figures.json").is_file()
    assert "0 of 0 bars are reached" in (model / "FIGURES.md").read_text("utf-8")
    (model / "contract.json").write_text(json.dumps(contract | {"onnx_sha256": "1" * 64}))
    answer = call("record-figures", made, "--model", model)
    assert answer.exit_code == 2
    assert CATALOGUE["figures-incomparable"].remedy in answer.stderr
