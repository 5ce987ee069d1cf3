"""Frozen cohorts: a recipe says what they are, fingerprints whether they still are."""

import json

import pytest
from pydantic import ValidationError
from vasotype.findings import StudyError
from vasotype_training.config import expand
from vasotype_training.simulate.recipe import (
    TOLERANCE,
    changed,
    check_frozen,
    freeze,
    read_recipe,
)

PRINT = {"t1n_mean": 800.0, "edema": 5000.0, "lesions": 3.0}


def write_cohort(folder, prints):
    for name, numbers in prints.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        record = json.dumps({"name": name, "fingerprint": numbers})
        (folder / name / "simulation.json").write_text(record, encoding="utf-8")
    return folder


def test_a_recipe_fixes_seed_count_anatomies_and_options(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINS", str(tmp_path))
    path = tmp_path / "small.yaml"
    path.write_text(
        "seed: 4\ncount: 2\nanatomies: ['${BRAINS}/brain-*.nii.gz']\n"
        "options: {maps: false, population: {limits_mm: [3, 20]}}\n"
    )
    recipe = read_recipe(path)
    assert (recipe.seed, recipe.count) == (4, 2)
    assert [expand(p) for p in recipe.anatomies] == [tmp_path / "brain-*.nii.gz"]
    assert not recipe.options.maps
    assert recipe.options.population.limits_mm == (3, 20)


def test_a_misspelt_line_of_a_recipe_is_named(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("seed: 4\ncount: 2\noutline: x\n")
    with pytest.raises(ValidationError, match="outline"):
        read_recipe(path)


def test_rounding_is_no_change_but_a_moved_or_missing_number_is():
    assert changed(PRINT, PRINT | {"t1n_mean": 800.0 * (1 + TOLERANCE / 2)}) == []
    assert changed(PRINT, PRINT | {"t1n_mean": 800.0 * (1 + 2 * TOLERANCE)}) == ["t1n_mean"]
    assert changed(PRINT, PRINT | {"lesions": 4.0}) == ["lesions"]
    assert changed(PRINT, {"t1n_mean": 800.0, "edema": 5000.0}) == ["lesions"]


def test_a_recipe_without_fingerprints_proves_nothing(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", {"SIM-0": PRINT})
    with pytest.raises(StudyError, match=r"small\.frozen\.json") as error:
        check_frozen(tmp_path / "small.yaml", cohort)
    assert error.value.code == "cohort-not-frozen"
    assert not (tmp_path / "small.frozen.json").exists()


def test_a_missing_study_is_told_unless_only_a_part_was_wanted(tmp_path):
    recipe = tmp_path / "small.yaml"
    freeze(recipe, write_cohort(tmp_path / "whole", {f"SIM-{n}": PRINT for n in range(3)}))
    part = write_cohort(tmp_path / "part", {"SIM-0": PRINT})
    assert check_frozen(recipe, part) == ["SIM-1: missing", "SIM-2: missing"]
    assert check_frozen(recipe, part, limit=1) == []
    assert check_frozen(recipe, part, limit=2) == ["SIM-1: missing"]
    assert len(check_frozen(recipe, tmp_path / "nothing")) == 3


def test_a_cohort_is_frozen_once_and_a_changed_study_reported_later(tmp_path):
    recipe = tmp_path / "small.yaml"
    cohort = write_cohort(tmp_path / "cohort", {"SIM-0": PRINT, "SIM-1": PRINT})
    freeze(recipe, cohort)
    with pytest.raises(StudyError, match="frozen already"):
        freeze(recipe, cohort)
    frozen = (tmp_path / "small.frozen.json").read_text(encoding="utf-8")
    assert json.loads(frozen) == {"SIM-0": PRINT, "SIM-1": PRINT}
    assert check_frozen(recipe, cohort) == []

    write_cohort(cohort, {"SIM-1": PRINT | {"t1n_mean": 700.0}})
    assert check_frozen(recipe, cohort) == ["SIM-1: t1n_mean"]
    assert (tmp_path / "small.frozen.json").read_text(encoding="utf-8") == frozen
