import shutil

import numpy as np
import onnxruntime
import pytest
from vasotype_models.contract import read_contract
from vasotype_models.registry import INPUTS, OUTPUTS, list_models, resolve, verify


@pytest.fixture
def model(tmp_path):
    """A copy of the default model with a golden answer of its own."""
    folder = shutil.copytree(resolve("default"), tmp_path / "mine")
    rng = np.random.default_rng(0)
    image = rng.normal(100, 20, (1, 7, 32, 32, 32)).astype(np.float32)
    mask = np.ones((1, 1, 32, 32, 32), np.float32)
    present = np.array([[1, 1, 1, 1, 0, 0, 0]], np.float32)
    stats = np.array([[[100, 20]] * 4 + [[0, 1]] * 3], np.float32)
    inputs = dict(zip(INPUTS, (image, mask, present, stats), strict=True))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    outputs = dict(zip(OUTPUTS, session.run(list(OUTPUTS), inputs), strict=True))
    np.savez_compressed(folder / "golden.npz", **inputs, **outputs)
    return folder


def test_the_default_model_is_listed_with_its_contract():
    entries = {entry.name: entry for entry in list_models()}
    assert entries["default"].folder == resolve("default")
    assert entries["default"].contract == read_contract(resolve("default"))


def test_a_folder_of_one_s_own_is_a_model(model):
    assert resolve(model) == model
    assert resolve(str(model)) == model


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(LookupError, match=r"nosuch: neither a known model \(.*default"):
        resolve("nosuch")
    with pytest.raises(LookupError):
        resolve(tmp_path)


def test_a_model_that_keeps_its_contract_has_no_problems(model):
    assert verify(model) == []


def test_altered_weights_are_found(model):
    with (model / "model.onnx").open("ab") as file:
        file.write(b"x")
    assert "sha256" in verify(model)[0]


def test_an_answer_that_deviates_from_the_golden_one_is_found(model):
    with np.load(model / "golden.npz") as arrays:
        golden = dict(arrays)
    golden["tissue"][0, 1, 3, 3, 3] += 0.01
    np.savez_compressed(model / "golden.npz", **golden)
    assert verify(model) == ["tissue: deviates from golden by 0.01, over 0.001"]


@pytest.mark.parametrize("precision", [np.float16, np.float64])
def test_a_golden_input_may_be_stored_in_any_precision(model, precision):
    with np.load(model / "golden.npz") as arrays:
        golden = dict(arrays)
    # Whole numbers below 2048 are the same in every precision.
    golden["image"] = np.round(golden["image"])
    inputs = {name: golden[name] for name in INPUTS}
    session = onnxruntime.InferenceSession(model / "model.onnx")
    golden |= zip(OUTPUTS, session.run(list(OUTPUTS), inputs), strict=True)
    golden |= {name: values.astype(precision) for name, values in inputs.items()}
    np.savez_compressed(model / "golden.npz", **golden)
    assert verify(model) == []


@pytest.mark.parametrize("name", ["golden.npz", "model.onnx", "contract.json", "calibration.json"])
def test_a_missing_file_is_found(model, name):
    (model / name).unlink()
    assert name in verify(model)[0]
