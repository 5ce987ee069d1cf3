import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from vasotype.engine import Engine
from vasotype.findings import Finding, StudyError
from vasotype.outputs import OutputOptions, refuse_occupied, write_outputs
from vasotype.pipeline import Analysis, Vasotype
from vasotype.result import Result
from vasotype.stages import Grid, Study, Volume
from vasotype_models.contract import ET, SNFH, read_calibration, read_contract
from vasotype_models.registry import resolve

LESIONS = (
    {"at": (24, 22, 20), "core": 7, "necrosis": 4, "edema": 11},
    {"at": (40, 38, 38), "core": 1.5},
)
PLAIN = OutputOptions(report=False)
OBLIQUE = np.array(
    [[-0.99, -0.1, 0.0, 25.0], [0.1, -0.99, 0.0, 15.0], [0, 0, 2.0, 5.0], [0, 0, 0, 1]]
)


class Knowing(Engine):
    """An engine that was told the answer."""

    def __init__(self, maps):
        folder = resolve("default")
        super().__init__(_NoSession(), read_contract(folder), read_calibration(folder))
        self.maps = maps

    def segment(self, prepared):
        return self.maps

    def refine(self, prepared, maps):
        return maps


class _NoSession:
    def get_providers(self):
        return ["CPUExecutionProvider"]


@pytest.fixture
def analysis(scene, monkeypatch):
    """Analysis of a made study with two lesions, on a native grid of thicker, turned slices."""
    return analysed(scene, monkeypatch, LESIONS)


def analysed(scene, monkeypatch, lesions, name="made"):
    prepared, maps = scene(list(lesions), native=Grid((56, 56, 25), OBLIQUE))
    monkeypatch.setattr("vasotype.pipeline.prepare", lambda study, **_: prepared)
    volumes = {channel: Volume(prepared.native.data, prepared.native.grid) for channel in ("t1c",)}
    return Vasotype(Knowing(maps)).analyse(Study(name, volumes))


def load(path):
    return np.asarray(nib.load(path).dataobj)


def test_all_files_appear_and_nothing_else(analysis, tmp_path):
    write_outputs(analysis, tmp_path / "new" / "out", PLAIN)
    assert {path.name for path in (tmp_path / "new" / "out").iterdir()} == {
        "segmentation.nii.gz",
        "lesions.nii.gz",
        "habitats.nii.gz",
        "lesions.tsv",
        "result.json",
    }
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


def test_maps_lie_on_the_native_grid_by_sform_and_qform(analysis, tmp_path):
    write_outputs(analysis, tmp_path / "out", OutputOptions(report=False, probabilities=True))
    for path in (tmp_path / "out").glob("*.nii.gz"):
        image = nib.load(path)
        assert image.shape[:3] == (56, 56, 25)
        assert np.allclose(image.affine, OBLIQUE, atol=1e-5)
        assert np.allclose(image.get_sform(), image.get_qform(), atol=1e-4)
        assert image.header["sform_code"] == image.header["qform_code"] == 1
        assert image.header.get_xyzt_units()[0] == "mm"


def test_label_maps_have_the_types_that_readers_expect(analysis, tmp_path):
    write_outputs(analysis, tmp_path, PLAIN)
    assert load(tmp_path / "segmentation.nii.gz").dtype == np.uint8
    assert load(tmp_path / "lesions.nii.gz").dtype == np.uint16
    assert load(tmp_path / "habitats.nii.gz").dtype == np.float32


def test_record_and_maps_tell_the_same_volumes(analysis, tmp_path):
    write_outputs(analysis, tmp_path, PLAIN)
    result = Result.read(tmp_path)
    segmentation = load(tmp_path / "segmentation.nii.gz")
    instances = load(tmp_path / "lesions.nii.gz")
    voxel_ml = abs(np.linalg.det(OBLIQUE[:3, :3])) / 1000
    total = result.total_volume_ml
    assert total.enhancing == pytest.approx((segmentation == ET).sum() * voxel_ml)
    assert total.edema == pytest.approx((segmentation == SNFH).sum() * voxel_ml)
    assert total.edema == pytest.approx(sum(lesion.volume_ml.edema for lesion in result.lesions))
    assert len(result.lesions) == instances.max() == 2
    for lesion in result.lesions:
        core = lesion.volume_ml.enhancing + lesion.volume_ml.non_enhancing_core
        assert core == pytest.approx((instances == lesion.id).sum() * voxel_ml)


def test_habitats_are_shares_inside_lesions_and_zero_elsewhere(analysis, tmp_path):
    write_outputs(analysis, tmp_path, PLAIN)
    habitats = load(tmp_path / "habitats.nii.gz")
    inside = load(tmp_path / "lesions.nii.gz") > 0
    assert habitats.shape[3] == len(Result.read(tmp_path).habitat_channels)
    assert not habitats[~inside].any()
    assert np.allclose(habitats[inside][:, :3].sum(axis=1), 1.0, atol=1e-5)
    assert np.allclose(habitats[inside][:, 3:], 0.5)


def test_probabilities_sum_to_one_beyond_the_model_s_grid_too(analysis, tmp_path):
    write_outputs(analysis, tmp_path, OutputOptions(report=False, probabilities=True))
    probabilities = load(tmp_path / "probabilities.nii.gz")
    assert probabilities.shape == (56, 56, 25, 4)
    assert np.allclose(probabilities.sum(axis=3), 1.0, atol=1e-5)


def test_ibsi_features_are_written_only_where_they_are_asked_for(analysis, tmp_path):
    write_outputs(analysis, tmp_path / "plain", PLAIN)
    assert not (tmp_path / "plain" / "radiomics.tsv").exists()
    write_outputs(analysis, tmp_path / "out", OutputOptions(report=False, radiomics=True))
    lines = (tmp_path / "out" / "radiomics.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["lesion", "region", "sequence", "feature", "ibsi", "value"]
    lesions = {line.split("\t")[0] for line in lines[1:]}
    assert lesions <= {str(lesion.id) for lesion in analysis.result.lesions}
    assert lesions


def test_the_table_has_a_row_a_lesion_and_says_what_it_lacks(analysis, tmp_path):
    write_outputs(analysis, tmp_path, PLAIN)
    with (tmp_path / "lesions.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    result = Result.read(tmp_path)
    assert [row["id"] for row in rows] == ["1", "2"]
    for row, lesion in zip(rows, result.lesions, strict=True):
        assert float(row["longest_diameter_mm"]) == pytest.approx(
            lesion.longest_diameter_mm, abs=1e-4
        )
        assert float(row["edema_ml"]) == pytest.approx(lesion.volume_ml.edema, abs=1e-4)
    # Of a small lesion the model says nothing.
    assert rows[1]["label"] == "n/a"
    assert rows[1]["abstained"] == "true"
    assert "below" in rows[1]["reason"]


def test_a_study_without_lesions_gives_a_header_and_empty_maps(scene, monkeypatch, tmp_path):
    write_outputs(analysed(scene, monkeypatch, ()), tmp_path, PLAIN)
    assert len((tmp_path / "lesions.tsv").read_text().splitlines()) == 1
    assert not load(tmp_path / "habitats.nii.gz").any()
    assert "no-lesion" in {finding.code for finding in Result.read(tmp_path).findings}


def test_a_finding_is_told_once(analysis):
    codes = [finding.code for finding in analysis.result.findings]
    assert len(codes) == len(set(codes))


def refused(analysis, folder, **options):
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    with pytest.raises(StudyError) as refusal:
        write_outputs(analysis, folder, OutputOptions(report=False, **options))
    assert before == sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    return refusal.value.code


def test_earlier_results_are_replaced_only_when_told(analysis, tmp_path):
    out = tmp_path / "out"
    write_outputs(analysis, out, OutputOptions(report=False, probabilities=True))
    assert refused(analysis, out) == "output-exists"
    write_outputs(analysis, out, OutputOptions(overwrite=True, report=False))
    assert not (out / "probabilities.nii.gz").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_results_of_another_study_are_never_replaced(analysis, scene, monkeypatch, tmp_path):
    write_outputs(analysis, tmp_path, PLAIN)
    other = analysed(scene, monkeypatch, LESIONS, name="another")
    assert refused(other, tmp_path) == "output-other-study"
    assert refused(other, tmp_path, overwrite=True) == "output-other-study"


def test_files_of_others_are_never_deleted(analysis, tmp_path):
    write_outputs(analysis, tmp_path, PLAIN)
    (tmp_path / "notes.txt").write_text("mine")
    assert refused(analysis, tmp_path, overwrite=True) == "output-foreign"


def test_a_file_in_place_of_the_folder_is_refused(analysis, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StudyError, match="is a file"):
        write_outputs(analysis, tmp_path / "out", PLAIN)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_failure_while_writing_leaves_all_as_it_was(analysis, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_outputs(analysis, out, PLAIN)
    before = (out / "result.json").read_bytes()

    def fail(*_):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr("vasotype.outputs.write_table", fail)
    with pytest.raises(RuntimeError):
        write_outputs(analysis, out, OutputOptions(overwrite=True, report=False))
    assert (out / "result.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_interruption_while_results_are_moved_leaves_the_earlier_ones(
    analysis, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    write_outputs(analysis, out, PLAIN)
    before = (out / "result.json").read_bytes()
    rename = Path.rename

    def interrupted(path, target):
        if path.name.endswith(".new"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_outputs(analysis, out, OutputOptions(overwrite=True, report=False))
    assert (out / "result.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_made_is_refused(analysis, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError) as refusal:
        write_outputs(analysis, tmp_path / "file" / "out", PLAIN)
    assert refusal.value.code == "output-unwritable"


def test_a_folder_without_permission_is_refused_before_the_analysis(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    with pytest.raises(StudyError) as refusal:
        refuse_occupied(tmp_path / "new" / "out", "made", overwrite=False)
    assert refusal.value.code == "output-unwritable"
    assert str(tmp_path) in str(refusal.value)


def test_a_failing_disk_is_no_bug(analysis, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(StudyError, match="No space left") as refusal:
        write_outputs(analysis, tmp_path / "out", PLAIN)
    assert refusal.value.code == "output-unwritable"


def test_the_engine_s_findings_reach_the_record(scene, monkeypatch):
    prepared, maps = scene([])
    engine = Knowing(maps)
    engine.findings = (Finding("cuda-not-used", "a GPU lies idle"),)
    monkeypatch.setattr("vasotype.pipeline.prepare", lambda study, **_: prepared)
    analysis = Vasotype(engine).analyse(Study("made", {"t1c": prepared.native}))
    assert isinstance(analysis, Analysis)
    assert "cuda-not-used" in {finding.code for finding in analysis.result.findings}
