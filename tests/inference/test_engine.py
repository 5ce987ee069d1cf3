import shutil
from dataclasses import replace

import numpy as np
import pytest
from vasotype.engine import Engine, providers
from vasotype.engine.providers import CPU, CUDA, choose_provider, device_findings, usable_cores
from vasotype.findings import CATALOGUE, StudyError
from vasotype.stages import Maps
from vasotype_models.contract import CHANNELS, STRUCTURAL, read_calibration, read_contract
from vasotype_models.registry import resolve, verify

EVERYTHING = (*STRUCTURAL, "rcbv", "ktrans")


class PointwiseSession:
    """A graph whose answer at a voxel depends on that voxel alone; remembers what it was fed."""

    def __init__(self):
        self.fed = []

    def get_providers(self):
        return [CPU]

    def run(self, outputs, inputs):
        self.fed.append(inputs)
        total = inputs["image"].sum(axis=1, keepdims=True) * inputs["mask"]
        enhancing = 1.0 / (1.0 + np.exp(-(total - 400.0) / 100.0))
        nothing = np.zeros_like(enhancing)
        answers = {
            "tissue": np.concatenate([1 - enhancing, nothing, nothing, enhancing], axis=1),
            "habitat": np.repeat(total, 5, axis=1),
        }
        return [answers[name].astype(np.float32) for name in outputs]


@pytest.fixture
def pointwise():
    folder = resolve("default")
    contract = read_contract(folder)
    small = contract.inference.model_copy(update={"tile": (32, 32, 32)})
    session = PointwiseSession()
    contract = contract.model_copy(update={"inference": small})
    return Engine(session, contract, read_calibration(folder)), session


def test_tiles_give_the_answer_of_the_whole(scene, pointwise):
    prepared, _ = scene([{"at": (24, 24, 24), "core": 9}])
    engine, session = pointwise
    maps = engine.predict(prepared)
    assert len(session.fed) > 1
    whole = {"image": prepared.image[None], "mask": prepared.mask[None, None].astype(np.float32)}
    tissue, habitat = PointwiseSession().run(["tissue", "habitat"], whole)
    inside = prepared.mask
    assert np.allclose(maps.tissue[:, inside], tissue[0][:, inside], atol=1e-6)
    assert np.allclose(maps.habitat[:, inside], habitat[0][:, inside], rtol=1e-5)


class HandedSession(PointwiseSession):
    """A graph that sees more of what lies to the right in its tile."""

    def run(self, outputs, inputs):
        ramp = np.linspace(0, 1, inputs["image"].shape[2], dtype=np.float32)
        image = inputs["image"] * ramp[:, None, None]
        return super().run(outputs, {**inputs, "image": image})


@pytest.mark.parametrize("mirror", [True, False])
def test_two_looks_make_tissue_the_same_for_a_mirrored_brain(scene, pointwise, mirror):
    prepared, _ = scene([{"at": (15, 24, 24), "core": 9}])
    engine, _ = pointwise
    rules = engine.contract.inference.model_copy(update={"mirror": mirror, "tile": (96, 96, 96)})
    contract = engine.contract.model_copy(update={"inference": rules})
    engine = Engine(HandedSession(), contract, engine.calibration)
    turned = replace(prepared, image=prepared.image[:, ::-1], mask=prepared.mask[::-1])
    one, other = engine.segment(prepared), engine.segment(turned)
    same = np.allclose(one.tissue, other.tissue[:, ::-1], atol=1e-6)
    assert same == mirror


def test_outside_the_brain_all_is_background(scene, pointwise):
    prepared, _ = scene([])
    maps = pointwise[0].predict(prepared)
    outside = maps.tissue[:, ~prepared.mask]
    assert (outside == np.array([[1], [0], [0], [0]])).all()
    assert not maps.habitat[:, ~prepared.mask].any()


def test_each_tile_is_fed_the_statistics_of_the_whole_brain(scene, pointwise):
    prepared, _ = scene([])
    engine, session = pointwise
    engine.predict(prepared)
    assert all(np.array_equal(fed["stats"][0], prepared.stats) for fed in session.fed)


def test_tissue_never_depends_on_perfusion(scene, pointwise):
    lesion = {"at": (24, 24, 24), "core": 9}
    engine, session = pointwise
    structural = engine.predict(scene([lesion])[0])
    session.fed.clear()
    everything = engine.predict(scene([lesion], channels=EVERYTHING)[0])
    assert np.array_equal(structural.tissue, everything.tissue)
    assert not np.array_equal(structural.habitat, everything.habitat)
    fed = {tuple(inputs["present"][0]) for inputs in session.fed}
    assert fed == {(1, 1, 1, 1, 0, 0, 0), (1, 1, 1, 1, 1, 1, 0)}


def test_channels_that_are_absent_are_fed_as_zeros(scene, pointwise):
    prepared, _ = scene([], channels=("t1c",))
    prepared.image[CHANNELS.index("t2")] = np.nan  # whatever lies there must not leak
    engine, session = pointwise
    maps = engine.predict(prepared)
    assert np.isfinite(maps.tissue).all()
    assert not session.fed[0]["image"][0, CHANNELS.index("t2")].any()


def test_a_released_graph_gives_probabilities(scene):
    prepared, _ = scene([{"at": (32, 32, 32), "core": 6}], shape=(64, 64, 64))
    maps = Engine.load(resolve("default"), "cpu", threads=1).predict(prepared)
    assert isinstance(maps, Maps)
    assert maps.provider == CPU
    assert np.allclose(maps.tissue.sum(axis=0), 1.0, atol=1e-5)
    assert maps.habitat.shape == (5, 64, 64, 64)


def test_an_altered_graph_is_refused(tmp_path):
    folder = shutil.copytree(resolve("default"), tmp_path / "altered")
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(StudyError, match="sha256") as refusal:
        Engine.load(folder)
    assert refusal.value.code == "model-damaged"


def test_a_model_with_other_channels_is_refused(tmp_path):
    folder = shutil.copytree(resolve("default"), tmp_path / "other")
    contract = read_contract(folder)
    fewer = contract.model_copy(update={"channels": contract.channels[:4]})
    (folder / "contract.json").write_text(fewer.model_dump_json())
    with pytest.raises(StudyError, match="channels must be"):
        Engine.load(folder)


def test_cuda_without_its_provider_is_refused_with_the_way_to_get_it():
    with pytest.raises(StudyError) as refusal:
        choose_provider("cuda", [CPU])
    assert refusal.value.code == "cuda-unavailable"
    swap = "pip uninstall onnxruntime; pip install onnxruntime-gpu"
    assert swap in CATALOGUE["cuda-unavailable"].remedy


def test_auto_takes_cuda_where_it_is_and_the_cpu_elsewhere():
    assert choose_provider("auto", [CUDA, CPU]) == CUDA
    assert choose_provider("auto", [CPU]) == CPU
    assert choose_provider("cpu", [CUDA, CPU]) == CPU


@pytest.mark.parametrize(("gpu", "expected"), [(True, ["cuda-not-used"]), (False, [])])
def test_a_gpu_that_lies_idle_is_a_finding(monkeypatch, gpu, expected):
    monkeypatch.setattr(providers, "gpu_seems_present", lambda: gpu)
    assert [finding.code for finding in device_findings("auto", CPU)] == expected
    assert device_findings("cpu", CPU) == ()


@pytest.mark.parametrize(("quota", "cores"), [("200000 100000", 2), ("50000 100000", 1)])
def test_threads_stay_within_the_container_s_quota(monkeypatch, tmp_path, quota, cores):
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    monkeypatch.setattr(providers, "CGROUP_QUOTA", file)
    monkeypatch.setattr(providers.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert usable_cores() == cores
    file.write_text("max 100000")
    assert usable_cores() == 8


def calibration_file(folder, **values):
    released = read_calibration(resolve("default"))
    path = folder / "ours.json"
    path.write_text(released.model_copy(update=values).model_dump_json())
    return path


def test_a_calibration_of_this_model_takes_the_place_of_its_own(pointwise, tmp_path):
    engine, _ = pointwise
    values = {"model_sha256": engine.identity.sha256, "source": "our site"}
    engine.use_calibration(calibration_file(tmp_path, **values))
    assert engine.calibration.source == "our site"
    assert engine.findings == ()


def test_a_calibration_of_another_model_is_refused(pointwise, tmp_path):
    engine, _ = pointwise
    own = engine.calibration
    with pytest.raises(StudyError, match=r"ours\.json: is of model bbbbbbbbbbbb") as error:
        engine.use_calibration(calibration_file(tmp_path, model_sha256="b" * 64))
    assert error.value.code == "calibration-other-model"
    assert engine.calibration is own


def test_a_calibration_that_names_no_model_serves_with_a_warning(pointwise, tmp_path):
    engine, _ = pointwise
    engine.use_calibration(calibration_file(tmp_path, model_sha256=None, source="our site"))
    assert engine.calibration.source == "our site"
    (finding,) = engine.findings
    assert (finding.code, finding.severity) == ("calibration-model-unknown", "warning")


def test_a_model_with_the_calibration_of_another_is_damaged(tmp_path):
    folder = shutil.copytree(resolve("default"), tmp_path / "mine")
    calibration_file(folder, model_sha256="b" * 64).rename(folder / "calibration.json")
    with pytest.raises(StudyError, match=r"calibration\.json: is of another network") as error:
        Engine.load(folder, "cpu")
    assert error.value.code == "model-damaged"
    assert "calibration.json is of another network" in verify(folder)[0]
