"""What a user gets for input that can't be analysed: one line, a remedy, and nothing written."""

import shutil

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import CATALOGUE


@pytest.fixture(scope="module")
def good(tmp_path_factory, small_study):
    return small_study(tmp_path_factory.mktemp("good") / "p7", case="p7")


@pytest.fixture
def study(good, tmp_path):
    """A copy of a good study, to be spoiled."""
    return shutil.copytree(good, tmp_path / "in" / "p7")


def run(tmp_path, *arguments):
    arguments = ("run", *arguments, "-o", tmp_path / "out" / "p7", "--no-report", "--threads", 1)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rewrite(path, *, data=None, affine=None):
    """Replace an image's voxels or affine in place."""
    image = nib.load(path)
    data = np.asarray(image.dataobj) if data is None else data(np.asarray(image.dataobj))
    nib.save(nib.Nifti1Image(data, image.affine if affine is None else affine(image.affine)), path)


def remove(flair):
    flair.unlink()
    flair.with_name("p7-t1c.nii.gz").unlink()


def skew(affine):
    return affine @ np.array([[1, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def holed(data):
    data = data.astype(np.float32)
    data[20:50, 20:50, 20:50] = np.nan
    return data


SPOILED = {
    "file-missing": lambda flair: shutil.rmtree(flair.parent),
    "no-t1c-or-flair": remove,
    "unreadable-image": lambda flair: flair.write_text("a letter, not an image"),
    "not-three-dimensional": lambda flair: rewrite(flair, data=lambda d: np.stack([d, d], -1)),
    "non-finite-voxels": lambda flair: rewrite(flair, data=holed),
    "empty-image": lambda flair: rewrite(flair, data=np.zeros_like),
    "label-map": lambda flair: rewrite(flair, data=lambda d: (d > 0).astype(np.uint8)),
    "sheared-affine": lambda flair: rewrite(flair, affine=skew),
    "ambiguous-sequence": lambda flair: shutil.copy(flair, flair.with_name("p7-flair.nii.gz")),
}
"""What is wrong with a study, by the code of its refusal, and how its FLAIR is made so."""


@pytest.mark.parametrize("code", SPOILED)
def test_a_spoiled_study_is_refused_with_file_and_remedy(code, study, tmp_path):
    SPOILED[code](study / "p7-t2f.nii.gz")
    answer = run(tmp_path, study)
    assert answer.exit_code == 2
    error, remedy = answer.stderr.splitlines()[-2:]
    assert remedy == f"remedy: {CATALOGUE[code].remedy}"
    if code not in ("file-missing", "no-t1c-or-flair"):
        assert "p7-t2f.nii.gz" in error
    assert answer.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_file_named_by_a_flag_must_be_there(study, tmp_path):
    answer = run(tmp_path, study, "--rcbv", study / "rcbv.nii.gz")
    assert answer.exit_code == 2
    assert "error: rcbv.nii.gz: no such file" in answer.stderr


def test_a_name_that_says_no_sequence_is_told(study, tmp_path):
    for old, new in {"t1c": "a", "t2f": "b"}.items():
        (study / f"p7-{old}.nii.gz").rename(study / f"p7-{new}.nii.gz")
    answer = run(tmp_path, study)
    assert answer.exit_code == 2
    assert "not recognised: p7-a.nii.gz, p7-b.nii.gz" in answer.stderr


def test_results_of_another_study_stay(study, tmp_path):
    assert run(tmp_path, study).exit_code == 0
    result = tmp_path / "out" / "p7" / "result.json"
    before = result.read_bytes()
    assert CATALOGUE["output-exists"].remedy in run(tmp_path, study).stderr
    for file in study.iterdir():
        file.rename(file.with_name(file.name.replace("p7", "p8")))
    answer = run(tmp_path, study, "--overwrite")
    assert answer.exit_code == 2
    assert CATALOGUE["output-other-study"].remedy in answer.stderr
    assert result.read_bytes() == before
