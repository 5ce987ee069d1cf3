"""The wheel holds all that a plain installation needs, and nothing of training's weight."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST_WHEEL_MB = 45


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built as a user's pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT]
    subprocess.run(command, check=True)
    [built] = folder.glob("vasotype-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Folder of the programs of a fresh environment that holds the wheel without extras."""
    folder = tmp_path_factory.mktemp("plain")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", wheel], check=True)
    return programs


def output_of(*command, cwd=None):
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_the_wheel_is_light_and_holds_a_whole_model(wheel):
    assert wheel.stat().st_size < LARGEST_WHEEL_MB * 1e6
    names = set(zipfile.ZipFile(wheel).namelist())
    for file in ("model.onnx", "contract.json", "calibration.json"):
        assert f"vasotype_models/default/{file}" in names
    assert "vasotype/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


@pytest.mark.slow
def test_a_plain_installation_has_no_torch_and_finds_its_model(installed):
    packages = json.loads(output_of(installed / "python", "-m", "pip", "list", "--format=json"))
    names = {package["name"].lower() for package in packages}
    assert names.isdisjoint({"torch", "monai", "lightning", "torchio", "onnx", "dask"})
    models = json.loads(output_of(installed / "vasotype", "models", "list", "--json"))["models"]
    assert {model["name"] for model in models} == {"brain", "default"}


@pytest.mark.slow
def test_a_plain_installation_analyses_the_demonstration_study(installed, tmp_path):
    """Away from the checkout, so that nothing but the installed files can help."""
    where = "import vasotype.demo as demo; print(demo.folder())"
    study = output_of(installed / "python", "-c", where, cwd=tmp_path).strip()
    output_of(installed / "vasotype", "run", study, "-o", "result", cwd=tmp_path)
    assert (tmp_path / "result" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_training_verbs_of_a_plain_installation_name_the_extra(installed, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("name: mine\n")
    answer = subprocess.run(
        [installed / "vasotype", "train", config], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "vasotype[train]" in answer.stderr
