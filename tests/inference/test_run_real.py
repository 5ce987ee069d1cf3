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
NEWER_NAMES = {"t1": "t1n", "t1ce": "t1c", "t2": "t2w", "flair": "t2f"}


def run(study, output):
    arguments = ["run", str(study), "-o", str(output), "--threads", "1", "--device", "cpu"]
    answer = CliRunner().invoke(app, arguments)
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
