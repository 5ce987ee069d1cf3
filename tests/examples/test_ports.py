"""Ports without our package: what they compute is what the runtime computes."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from vasotype.prepare.intensity import intensity_stats
from vasotype_models.registry import resolve

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = ["default", "brain"]


@pytest.fixture(scope="module")
def port():
    """The Python port, as a module."""
    spec = importlib.util.spec_from_file_location("golden", EXAMPLES / "python" / "golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def node():
    found = shutil.which("node") or shutil.which("nodejs")
    if found is None and os.environ.get("VASOTYPE_REQUIRE_TOOLS"):
        pytest.fail("node is required here, but not installed")
    return found or pytest.skip("node is not installed")


@pytest.mark.parametrize("model", MODELS)
def test_python_reproduces_the_golden_output(model):
    command = [sys.executable, "-I", EXAMPLES / "python" / "golden.py", resolve(model)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_python_tells_a_graph_that_deviates(port, tmp_path):
    folder = shutil.copytree(resolve("default"), tmp_path / "model")
    with np.load(folder / "golden.npz") as golden:
        arrays = dict(golden)
    arrays["tissue"] = arrays["tissue"] + np.float32(0.01)
    np.savez(folder / "golden.npz", **arrays)
    assert port.deviations(folder)["tissue"] > port.TOLERANCE


def test_python_makes_the_inputs_that_the_runtime_makes(port):
    contract = json.loads((resolve("default") / "contract.json").read_text("utf-8"))
    random = np.random.default_rng(0)
    mask = np.zeros((16, 16, 16), bool)
    mask[2:-2, 2:-2, 2:-2] = True
    t1c = random.normal(500, 80, mask.shape).astype(np.float32)
    t1c[..., :6] = 0  # the image ends inside the brain
    rcbv = random.uniform(0.5, 2, mask.shape).astype(np.float32)
    inputs = port.graph_inputs(contract, {"t1c": t1c, "rcbv": rcbv}, mask)
    image = inputs["image"][0]
    assert np.array_equal(image[1], t1c)
    assert inputs["present"].tolist() == [[0, 1, 0, 0, 1, 0, 0]]
    expected = intensity_stats(image, {"t1c": mask & (t1c != 0)})
    np.testing.assert_allclose(inputs["stats"][0], expected, rtol=1e-6)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_javascript_reads_numpy_archives(node, tmp_path, save):
    wanted = {
        "single": np.linspace(-3, 3, 24, dtype=np.float32).reshape(2, 3, 4),
        "half": np.array([0, -1.5, 6e-8, 65504, np.inf], np.float16),
        "list": np.float32([7]),
    }
    save(tmp_path / "a.npz", **wanted)
    script = (
        f"import {{ readNpz }} from {json.dumps((EXAMPLES / 'javascript/npz.mjs').as_uri())};"
        f"const a = readNpz({json.dumps(str(tmp_path / 'a.npz'))});"
        "for (const k in a) a[k].data = Array.from(a[k].data, String);"
        "console.log(JSON.stringify(a));"
    )
    command = [node, "--input-type=module", "--eval", script]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer.keys() == wanted.keys()
    for name, array in wanted.items():
        assert tuple(answer[name]["shape"]) == array.shape
        read = [float(text.replace("Infinity", "inf")) for text in answer[name]["data"]]
        assert np.array_equal(np.reshape(read, array.shape), array.astype(float))


@pytest.mark.parametrize("model", MODELS)
def test_javascript_reproduces_the_golden_output(node, model):
    home = EXAMPLES / "javascript"
    if not (home / "node_modules" / "onnxruntime-node").exists():
        absent = pytest.fail if os.environ.get("VASOTYPE_REQUIRE_TOOLS") else pytest.skip
        absent("needs `npm install --ignore-scripts` in examples/javascript (290 MB)")
    answer = subprocess.run(
        [node, home / "golden.mjs", resolve(model)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_cpp_labels_as_the_runtime_does(port, tmp_path):
    root = os.environ.get("ORT_ROOT")
    if not root:
        pytest.skip("ORT_ROOT names no folder with ONNX Runtime's headers")
    shutil.copytree(EXAMPLES / "cpp", tmp_path, dirs_exist_ok=True)
    subprocess.run(["make", "-C", tmp_path, f"ORT_ROOT={root}"], check=True)
    folder = resolve("default")
    contract = json.loads((folder / "contract.json").read_text("utf-8"))
    with np.load(folder / "golden.npz") as golden:
        mask = golden["mask"][0, 0]
        volumes = {"t1c": golden["image"][0, 1], "flair": golden["image"][0, 3]}
    session = port.onnxruntime.InferenceSession(folder / "model.onnx")
    [tissue] = session.run(["tissue"], port.graph_inputs(contract, volumes, mask > 0))
    for name, array in {**volumes, "mask": mask}.items():
        array.astype(np.float32).tofile(tmp_path / f"{name}.raw")
    files = [tmp_path / f"{name}.raw" for name in ("t1c", "flair", "mask", "labels")]
    command = [tmp_path / "segment", folder / "model.onnx", *mask.shape, *files]
    subprocess.run(list(map(str, command)), check=True)
    labels = np.fromfile(files[-1], np.uint8).reshape(mask.shape)
    assert np.mean(labels == tissue[0].argmax(axis=0)) > 0.999
