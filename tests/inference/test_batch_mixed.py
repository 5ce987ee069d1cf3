"""A cohort as a hospital keeps it, every study in another shape: none is passed over in silence."""

import csv

import nibabel as nib
import numpy as np
import pytest
from dicom_series import T1, classic_series, save, series_of_volume
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.result import Result

POST = T1 | {"SeriesDescription": "t1 post", "ContrastBolusAgent": "Gd"}
SHAPE = (32, 40, 32)


def brain(seed):
    axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in SHAPE), indexing="ij")
    noise = np.random.default_rng(seed).normal(0, 60, SHAPE)
    return np.where(sum(axis**2 for axis in axes) < 0.8, 400 + noise, 0).astype(np.int16)


def write_nifti(folder, *names):
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        image = nib.Nifti1Image(brain(seed), np.diag([2.0, 2.0, 2.0, 1.0]))
        nib.save(image, folder / f"{name}.nii.gz")


def visit(folder, date):
    slices = series_of_volume(
        brain(7),
        np.diag([2.0, 2.0, 2.0, 1.0]),
        **POST,
        StudyDate=date,
        StudyInstanceUID=f"1.{date}",
    )
    save(slices, folder / "series1")


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A mixed cohort and what the batch made of it: exit code, and failures by study."""
    home = tmp_path_factory.mktemp("mixed")
    cohort = home / "cohort"
    write_nifti(cohort / "usual", "case-t1c", "case-t2f")
    write_nifti(cohort / "unusual", "flair_axial_thin", "unlike anything")
    visit(cohort / "patient" / "2020", "20200101")
    visit(cohort / "patient" / "2021", "20210101")
    visit(cohort / "mixed days", "20200101")
    save(classic_series(**POST, StudyDate="20210101"), cohort / "mixed days" / "series1")
    (cohort / "torn.zip").write_bytes(b"PK torn")
    write_nifti(cohort / "no sequence", "atlas")
    result = CliRunner().invoke(
        app, ["batch", str(cohort), "-o", str(home / "out"), "--no-report", "--jobs", "1"]
    )
    with (home / "out" / "failures.tsv").open(newline="") as file:
        failed = {row["study"]: row["code"] for row in csv.DictReader(file, delimiter="\t")}
    return home / "out", result, failed


def test_every_readable_study_of_a_mixed_cohort_has_its_result(answered):
    out, _, _ = answered
    for name in ("usual", "unusual", "patient__2020", "patient__2021"):
        assert Result.read(out / name).study


def test_every_other_one_is_listed_with_its_reason(answered):
    _, result, failed = answered
    assert result.exit_code == 3
    assert failed == {
        "mixed days": "several-visits",
        "no sequence": "no-t1c-or-flair",
        "torn.zip": "unreadable-archive",
    }
