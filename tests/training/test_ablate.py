"""Ablations: every run once, the same probes for all, one table."""

import json

import numpy as np
import pytest
import torch
import yaml
from vasotype_models.contract import ET
from vasotype_training import ablate as module
from vasotype_training.ablate import AblationConfig, ablate, fill_page, table
from vasotype_training.probes import Probe, score_probes

CONFIG = {
    "seeds": [1, 2],
    "probe": {"anatomies": []},
    "base": {"optimiser": {"steps": 3}},
    "runs": [
        {"name": "reference", "asks": "nothing"},
        {"name": "short", "asks": "fewer steps", "set": ["optimiser.steps=2"]},
    ],
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "ablations.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


@pytest.fixture
def trained(monkeypatch):
    """Stands for training: a run's score is its number of steps."""
    runs = []

    def run(settings, kept, probes, cases):
        runs.append(settings)
        folder = settings.output / settings.name
        folder.mkdir(parents=True)
        score = settings.optimiser.steps + settings.seed / 10
        (folder / "scores.json").write_text(json.dumps({"score": score}))

    monkeypatch.setattr(module, "_run", run)
    monkeypatch.setattr(module, "draw_probes", lambda _: [])
    return runs


def test_every_run_differs_in_its_own_setting_alone(config, trained, tmp_path):
    ablate(config, tmp_path / "out")
    assert [(r.name, r.seed, r.optimiser.steps) for r in trained] == [
        ("reference-s1", 1, 3), ("short-s1", 1, 2), ("reference-s2", 2, 3), ("short-s2", 2, 2),
    ]  # fmt: skip


def test_an_interrupted_ablation_goes_on_with_the_run_it_was_at(config, trained, tmp_path):
    first = ablate(config, tmp_path / "out")
    (tmp_path / "out" / "short-s2" / "scores.json").unlink()
    (tmp_path / "out" / "short-s2").rmdir()
    trained.clear()
    assert ablate(config, tmp_path / "out") == first
    assert [run.name for run in trained] == ["short-s2"]


def test_the_table_shows_means_seeds_and_the_change_against_the_first_run(
    config, trained, tmp_path
):
    rows = ablate(config, tmp_path / "out").splitlines()
    assert "| nothing | 3.15 (3.10, 3.20) |" in rows
    assert "| fewer steps | 2.15, -1.00 (2.10, 2.20) |" in rows


def test_a_table_names_what_has_not_run(tmp_path):
    text = table(AblationConfig.model_validate(CONFIG), tmp_path)
    assert "Not run yet: reference (0 of 2 seeds), short (0 of 2 seeds)." in text


def test_an_unknown_setting_stops_before_anything_is_trained(config, trained, tmp_path):
    config.write_text(yaml.safe_dump(CONFIG | {"base": {"optimiser": {"stepps": 3}}}))
    with pytest.raises(ValueError, match="stepps"):
        ablate(config, tmp_path / "out")
    assert trained == []


def test_the_table_of_a_page_is_replaced_and_the_rest_stays(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- ablations -->\nold\n<!-- /ablations -->\nAfter.\n")
    fill_page(page, "| new |\n")
    fill_page(page, "| newer |\n")
    text = page.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")
    assert "| newer |" in text
    assert "old" not in text
    page.write_text("no marks")
    with pytest.raises(ValueError, match="missing"):
        fill_page(page, "x")


class Perfect(torch.nn.Module):
    """Calls ET whatever shines in the second channel."""

    def forward(self, image, mask, present, stats):
        tissue = torch.zeros(1, 4, *image.shape[2:])
        tissue[:, 0] = 0.5
        tissue[:, ET] = (image[:, 1] > 0).float()
        return tissue, None


def test_probes_tell_lesions_found_and_false_positives():
    tissue = np.zeros((24, 24, 24), np.uint8)
    tissue[4:10, 4:10, 4:10] = ET
    tissue[16:18, 16:18, 16:18] = ET
    image = torch.zeros(1, 7, 24, 24, 24)
    image[0, 1, 4:10, 4:10, 4:10] = 1
    image[0, 1, 4:8, 16:20, 16:20] = 1
    inputs = (image.half(), torch.ones(1, 1, 24, 24, 24), torch.ones(1, 7), torch.ones(1, 7, 2))
    assert score_probes(Perfect(), [Probe(inputs, tissue)]) == {
        "found, below 5 mm": 0.0,
        "5-10 mm": 1.0,
        "core Dice of found": 1.0,
        "false positives a crop": 1.0,
    }
