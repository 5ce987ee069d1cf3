"""The whole chain by its commands, simulate to run; and what a wrong configuration says."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml
from torch import Tensor
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.result import Result
from vasotype_training.cohorts import read_labelled
from vasotype_training.config import read_config
from vasotype_training.simulate.acquisition import Severity
from vasotype_training.simulate.painting import PaintedProbabilities
from vasotype_training.simulate.plan import Population
from vasotype_training.simulate.study import StudyOptions, write_cohort
from vasotype_training.task import MultitaskTask, load_weights
from vasotype_training.train import train


@pytest.fixture(scope="module")
def small_brain() -> PaintedProbabilities:
    """An ellipsoid of a brain's proportions, small enough for seconds of training."""
    axes = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in (120, 150, 118)), indexing="ij")
    radius = np.sqrt(sum((a / r) ** 2 for a, r in zip(axes, (57, 72, 56), strict=True)))
    mask = radius < 1
    white = ((radius < 0.85) & (radius > 0.2)).astype(np.float32)
    grey = ((radius >= 0.85) & mask).astype(np.float32)
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = (-60, -75, -59)
    return PaintedProbabilities("ellipsoid", grey, white, mask, affine)


@pytest.fixture(scope="module")
def cohort(small_brain: PaintedProbabilities, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    options = StudyOptions(
        healthy_share=0.0,
        population=Population(log_normal_mm=(18.0, 0.2)),
        severity=Severity(thick_share=0.0, noise=0.05, ghost_share=0.0),
        most_lesions=3,
    )
    list(write_cohort(folder, 2, 9, [small_brain], (), options))
    return folder


def configuration(cohort: Path, tmp_path: Path, **changes: object) -> Path:
    tree = {
        "name": "tiny",
        "seed": 1,
        "widths": [8, 12, 16, 20],
        "data": {
            "anatomies": [str(cohort)],
            "crop": [48, 48, 48],
            "workers": 0,
            "labelled_share": 0.3,
        },
        "optimiser": {"steps": 6, "warm_up": 2},
        "validation": [str(cohort / "SIM-00009-0000")],
        "validate_every": 3,
        "checkpoint_every": 3,
        "output": str(tmp_path / "runs"),
        "trainer": {"accelerator": "cpu", "devices": 1, "precision": "32-true"},
    }
    path = tmp_path / "train.yaml"
    path.write_text(yaml.safe_dump(tree | changes))
    return path


def call(*arguments: object) -> str:
    """What a command prints; it must end well."""
    answer = CliRunner().invoke(app, [str(word) for word in arguments])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.mark.slow
def test_the_whole_chain_runs_by_its_commands(cohort: Path, tmp_path: Path) -> None:
    made, model, figures, out = (tmp_path / n for n in ("made", "model", "figures", "out"))
    options = "--no-maps", "--healthy-share", 0
    call("simulate", "-o", made, "-n", 1, "--seed", 4, "--anatomy", cohort, *options)
    [study] = made.glob("SIM-*")
    config = configuration(cohort, tmp_path, validation=[str(study)])
    assert str(tmp_path / "runs") in call("train", config, "--set", "optimiser.steps=5")
    [weights] = (tmp_path / "runs").rglob("weights.pt")
    call("export", weights, "-o", model, "--name", "tiny", "--config", config)
    assert json.loads(call("models", "verify", model, "--json"))["problems"] == []
    call("evaluate", made, "-o", figures, "--model", model, "--device", "cpu")
    assert "simulated" in (figures / "figures.md").read_text()
    call("run", study, "-o", out, "--model", model, "--device", "cpu", "--no-report")
    assert Result.read(out).model.name == "tiny"


@pytest.mark.slow
def test_a_share_of_the_initial_weights_stays_in_the_final_ones(
    cohort: Path, tmp_path: Path
) -> None:
    first = train(configuration(cohort, tmp_path, validation=[])) / "weights.pt"
    changes = {"name": "second", "initial": str(first), "validation": []}
    moved = train(configuration(cohort, tmp_path, **changes)) / "weights.pt"
    half = {**changes, "name": "half", "initial_share": 0.5}
    mean = train(configuration(cohort, tmp_path, **half)) / "weights.pt"
    start, end, between = (load_weights(path)[0] for path in (first, moved, mean))
    for name, weights in between.items():
        assert torch.allclose(weights, (start[name] + end[name]) / 2, atol=1e-3)
    assert any(not torch.allclose(start[n], end[n], atol=1e-3) for n in start)


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on_where_it_stopped(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(configuration(cohort, tmp_path, validation=[]))
    taken: list[int] = []
    step = MultitaskTask.training_step

    def counted(self: MultitaskTask, batch: dict[str, Tensor], index: int) -> Tensor:
        taken.append(self.global_step)
        return step(self, batch, index)

    monkeypatch.setattr(MultitaskTask, "training_step", counted)
    longer = {"steps": 8, "warm_up": 2}
    resume = str(run / "last.ckpt")
    train(configuration(cohort, tmp_path, validation=[], optimiser=longer, resume=resume))
    assert taken == [6, 7]
    assert load_weights(run / "weights.pt")[2]["step"] == 8


def test_a_simulated_study_reads_back_as_a_labelled_one(cohort: Path) -> None:
    case = read_labelled(cohort / "SIM-00009-0001")
    assert case.simulated
    assert case.lesions
    assert {lesion.mode for lesion in case.lesions} <= {"angiogenic", "intermediate", "co_option"}
    image = nib.load(next((cohort / case.name).glob("*-t1c.nii.gz")))
    assert image.shape == case.tissue.shape


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: a\noptimizer: {}\n")
    with pytest.raises(ValueError, match="optimizer"):
        read_config(path)


def test_an_unset_variable_in_a_path_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    path = tmp_path / "bad.yaml"
    path.write_text("name: a\ndata: {anatomies: ['${NOWHERE}/brains']}\n")
    with pytest.raises(ValueError, match="NOWHERE"):
        read_config(path)


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: a\noptimiser: {steps: 10}\n")
    config = read_config(path, ("optimiser.steps=20", "trainer.devices=8", "trainer.strategy=ddp"))
    assert config.optimiser.steps == 20
    assert config.trainer["strategy"] == "ddp"
