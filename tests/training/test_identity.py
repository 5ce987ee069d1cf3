"""What numbers depend on: code, rules, files. Each change of one shows, and nothing else does."""

import importlib

import numpy as np
import pytest
from vasotype_models.contract import TissueScaling, read_calibration, read_contract
from vasotype_models.registry import list_models, resolve
from vasotype_training.identity import (
    files_digest,
    rules_digest,
    rules_of,
    runtime_digest,
    source_digest,
)
from vasotype_training.lesion_evaluation import measure
from vasotype_training.lesion_evaluation.measure import Bench
from vasotype_training.lesion_evaluation.populations import PLANS
from vasotype_training.simulate.shape import Outline


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package of one module and one table."""
    folder = tmp_path / "made_for_this_test"
    (folder / "deep").mkdir(parents=True)
    for name in ("__init__.py", "deep/__init__.py", "deep/code.py"):
        (folder / name).write_text("A = 1\n")
    (folder / "rules.json").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return folder


def read_anew(*modules):
    source_digest.cache_clear()
    return source_digest(*modules)


@pytest.mark.parametrize("name", ["deep/code.py", "rules.json"])
def test_an_edit_anywhere_in_a_package_changes_its_digest(package, name):
    before = read_anew(package.name)
    (package / "notes.txt").write_text("not code")
    (package / "deep/code.pyc").write_bytes(b"nor this")
    assert read_anew(package.name) == before
    (package / name).write_text("B = 2\n")
    assert read_anew(package.name) != before


def test_a_module_alone_is_its_file(package):
    before = read_anew(f"{package.name}.deep.code")
    (package / "rules.json").write_text("[]")
    assert read_anew(f"{package.name}.deep.code") == before


def test_sources_are_read_once_a_process(package):
    before = read_anew(package.name)
    (package / "deep/code.py").write_text("B = 2\n")
    assert source_digest(package.name) == before


def test_the_runtime_s_digest_holds_what_is_simulated_with_where_it_is_asked_to():
    assert runtime_digest() != runtime_digest("vasotype_training.simulate")


def test_inference_rules_and_calibration_both_count_and_the_network_s_name_does_not():
    folder = resolve("default")
    contract, calibration = read_contract(folder), read_calibration(folder)
    warier = contract.model_copy(
        update={"inference": contract.inference.model_copy(update={"confidence": 0.99})}
    )
    colder = calibration.model_copy(update={"mimicry_threshold": 0.99})
    same = rules_digest(contract, calibration)
    assert len({same, rules_digest(warier, calibration), rules_digest(contract, colder)}) == 3
    assert rules_digest(contract, calibration.of_model("a" * 64)) == same
    retold = calibration.model_copy(update={"source": "told otherwise"})
    assert rules_digest(contract, retold) == same


def test_the_calibration_of_voxels_counts_for_voxels_alone():
    folder = resolve("default")
    contract, calibration = read_contract(folder), read_calibration(folder)
    plain, scaled = (
        calibration.model_copy(update={"tissue": tissue})
        for tissue in (None, TissueScaling(slope=0.7, bias=(0.0, 0.0, 0.0, -1.0)))
    )
    assert rules_digest(contract, plain) != rules_digest(contract, scaled)
    lesions = {rules_digest(contract, c, voxels=False) for c in (plain, scaled)}
    assert lesions == {rules_digest(contract, plain)}


@pytest.mark.parametrize("name", [entry.name for entry in list_models()])
def test_every_released_model_has_rules(name):
    assert len(rules_of(resolve(name))) == 64


def test_anatomies_of_one_name_are_told_apart(tmp_path):
    for home, content in (("a", "1"), ("b", "22")):
        (tmp_path / home / "brain").mkdir(parents=True)
        (tmp_path / home / "brain/t1.nii.gz").write_text(content)
    first, second = tmp_path / "a/brain", tmp_path / "b/brain"
    assert files_digest([first]) != files_digest([second])
    assert files_digest([first, second]) != files_digest([second, first])
    assert files_digest([first / "t1.nii.gz"]) != files_digest([second / "t1.nii.gz"])


def test_measured_lesions_are_kept_for_their_outlines_anatomies_and_code(
    tmp_path, monkeypatch, engine
):
    def store(outline, place):
        return Bench(engine, [place], [outline], tmp_path, seed=0)._store(PLANS[0]).folder

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "two/t1.nii.gz").write_text("1")
    round_, flat = (Outline(np.full((3, 3, 3), v, np.float16), 2.0) for v in (0, 1))
    usual = store(round_, tmp_path / "one")
    assert store(round_, tmp_path / "one") == usual
    others = {store(flat, tmp_path / "one"), store(round_, tmp_path / "two")}
    monkeypatch.setattr(measure, "runtime_digest", lambda *_: "other sources")
    assert len({usual, *others, store(round_, tmp_path / "one")}) == 4


@pytest.fixture
def engine():
    from evaluation import FakeRuntime

    return FakeRuntime().engine
