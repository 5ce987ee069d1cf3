"""The command a user gives, on a real study, as it came and stored in another way."""

import json

import jsonschema
import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.result import Result, result_schema

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

CASE = "BraTS2021_00009"
OTHERS = (
    "BraTS2021_00006",
    "Brats18_CBICA_ASY_1",  # several foci
    "Brats18_TCIA10_639_1",  # hardly enhances
    "Brats18_2013_11_1",
)
"""Further cases, a run each: all of them would take minutes, and `vasotype evaluate` has them."""
RAW_HEADS = ("tcga_fg_6692", "openms_long_raw_p01_s1", "nichart/subj23")
NEWER_NAMES = {"t1": "t1n", "t1ce": "t1c", "t2": "t2w", "flair": "t2f"}


def run(study, output, *options):
    arguments = ["run", str(study), "-o", str(output), "--threads", "1", "--device", "cpu"]
    answer = CliRunner().invoke(app, [*arguments, *options])
    assert answer.exit_code == 0, answer.stderr
    return output


def reoriented(path, codes):
    image = nib.load(path)
    wanted = nib.orientations.axcodes2ornt(codes)
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), wanted)
    return image.as_reoriented(turn)


@pytest.fixture(scope="module")
def original(real_data, tmp_path_factory):
    return run(real_data / "validation" / CASE, tmp_path_factory.mktemp("original") / "out")


def test_results_lie_on_the_grid_of_the_real_t1c_and_keep_their_schema(original, real_data):
    t1c = nib.load(real_data / "validation" / CASE / f"{CASE}_t1ce.nii.bz2")
    for name, kind in {"segmentation": np.uint8, "lesions": np.uint16, "habitats": "f4"}.items():
        image = nib.load(original / f"{name}.nii.gz")
        assert image.get_data_dtype() == kind
        assert image.shape[:3] == t1c.shape
        assert np.allclose(image.get_sform(), t1c.affine)
        assert np.allclose(image.get_qform(), t1c.affine)
    record = json.loads((original / "result.json").read_text())
    jsonschema.validate(record, json.loads(result_schema()))
    assert "<img" in (original / "report.html").read_text()


def test_axis_order_names_and_compression_change_no_number(original, real_data, tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    for old, new in NEWER_NAMES.items():
        image = reoriented(real_data / "validation" / CASE / f"{CASE}_{old}.nii.bz2", "PSR")
        nib.save(image, study / f"BraTS-MET-00009-000-{new}.nii")
    turned = run(study, tmp_path / "out")
    before, after = Result.read(original), Result.read(turned)
    assert after.total_volume_ml == before.total_volume_ml
    assert len(after.lesions) == len(before.lesions)
    back = reoriented(turned / "segmentation.nii.gz", "LPS")
    labels = np.asarray(nib.load(original / "segmentation.nii.gz").dataobj)
    assert np.array_equal(np.asarray(back.dataobj), labels)


def lies_on(image, reference):
    return image.shape == reference.shape and np.allclose(image.affine, reference.affine, atol=1e-4)


@pytest.mark.parametrize("case", OTHERS)
def test_every_kind_of_prepared_case_gives_a_result(real_data, tmp_path, case):
    output = run(real_data / "validation" / case, tmp_path / "out", "--no-report")
    [t1c] = (real_data / "validation" / case).glob("*_t1ce.nii*")
    assert lies_on(nib.load(output / "segmentation.nii.gz"), nib.load(t1c))
    assert Result.read(output).lesions
    assert not (output / "report.html").exists()


@pytest.mark.parametrize("head", RAW_HEADS)
def test_a_raw_whole_head_goes_from_files_to_report(real_data, tmp_path, head):
    folder = real_data / "whole_head" / head
    output = run(folder, tmp_path / "out")
    assert "<img" in (output / "report.html").read_text()
    result = Result.read(output)
    [native] = folder.glob(f"{result.reference}.nii*")
    assert lies_on(nib.load(output / "segmentation.nii.gz"), nib.load(native))
    if head == "nichart/subj23":  # T1 and FLAIR lie 34 mm apart by their headers
        codes = {finding.code for finding in result.findings}
        assert codes & {"sequence-moved", "registration-failed"}
