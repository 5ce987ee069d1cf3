"""What `vasotype models` says of installed, damaged and unknown models."""

import json

import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import CATALOGUE
from vasotype_models.registry import list_models, resolve


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_default_model_is_listed_with_its_digest():
    listed = json.loads(call("models", "list", "--json").stdout)["models"]
    [default] = [model for model in listed if model["name"] == "default"]
    shown = json.loads(call("models", "show", "default").stdout)
    assert default["sha256"] == shown["onnx_sha256"]


@pytest.mark.parametrize("name", [entry.name for entry in list_models()])
def test_every_installed_model_is_shown(name):
    assert json.loads(call("models", "show", name).stdout)["name"]


@pytest.mark.parametrize("text", ["{", '{"kind": "brain"}', '{"kind": "multitask"}'])
def test_a_contract_that_is_none_is_a_damaged_model_and_no_bug(tmp_path, text):
    (tmp_path / "contract.json").write_text(text)
    answer = call("models", "show", tmp_path)
    assert answer.exit_code == 2
    assert "contract.json" in answer.stderr
    assert CATALOGUE["model-damaged"].remedy in answer.stderr


def test_an_altered_model_is_told(tmp_path):
    for file in resolve("default").iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "model.onnx").open("ab") as graph:
        graph.write(b"!")
    answer = call("models", "verify", tmp_path)
    assert answer.exit_code == 2
    assert "sha256" in answer.stderr


def test_an_unknown_model_is_named():
    answer = call("models", "show", "no-such-model")
    assert answer.exit_code == 2
    assert "no-such-model" in answer.stderr
