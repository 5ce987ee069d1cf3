import re
from pathlib import Path

import numpy as np
import pytest
import vasotype.prepare
import vasotype.study
from vasotype.findings import CATALOGUE, StudyError
from vasotype.study import read_study


def codes(study):
    return [finding.code for finding in study.findings]


def refusal(*args, **options):
    with pytest.raises(StudyError) as error:
        read_study(*args, **options)
    assert error.value.code in CATALOGUE
    return error.value


def test_a_brats_folder_is_read_whole(tmp_path, write_study):
    folder = write_study(tmp_path / "x", pattern="BraTS2021_00001_{channel}.nii.gz")
    study = read_study(folder)
    assert study.name == "BraTS2021_00001"
    assert set(study.volumes) == {"t1", "t1c", "t2", "flair"}
    assert study.reference == "t1c"
    assert codes(study) == ["map-missing"]
    assert study.volumes["t1c"].path.name == "BraTS2021_00001_t1c.nii.gz"


def test_a_folder_of_bare_names_lends_its_own(tmp_path, write_study):
    assert read_study(write_study(tmp_path / "visit2")).name == "visit2"
    assert read_study(tmp_path / "visit2", name="other").name == "other"


def test_any_set_with_t1c_or_flair_will_do_and_says_what_is_missing(tmp_path, write_study):
    study = read_study(write_study(tmp_path / "x", channels=["flair"]))
    assert study.reference == "flair"
    assert codes(study).count("sequence-missing") == 3


def test_without_t1c_and_flair_the_study_is_refused(tmp_path, write_study):
    folder = write_study(tmp_path / "SECRET", channels=["t1", "t2"])
    (folder / "weird.nii.gz").touch()
    error = refusal(folder)
    assert error.code == "no-t1c-or-flair"
    assert str(error) == "neither T1c nor FLAIR; found t1, t2; not recognised: weird.nii.gz"


def test_files_can_be_named_one_by_one(tmp_path, write_study):
    write_study(tmp_path, channels=["t1c", "t2"], pattern="P7_{channel}.nii.gz")
    study = read_study({"t1c": tmp_path / "P7_t1c.nii.gz", "t2": tmp_path / "P7_t2.nii.gz"})
    assert set(study.volumes) == {"t1c", "t2"}
    assert study.name == "P7"


def test_a_flag_wins_over_the_folder(tmp_path, write_study):
    folder = write_study(tmp_path / "x", channels=["t1c", "flair"])
    other = write_study(tmp_path / "y", channels=["flair"], pattern="best.nii.gz")
    study = read_study(folder, overrides={"flair": other / "best.nii.gz"})
    assert study.volumes["flair"].path == other / "best.nii.gz"


def test_a_flag_against_the_name_is_doubted(tmp_path, write_study):
    write_study(tmp_path, channels=["flair"], pattern="a_t2.nii.gz")
    study = read_study({"flair": tmp_path / "a_t2.nii.gz"})
    assert "channel-name-doubt" in codes(study)


def test_an_unknown_channel_is_refused(tmp_path):
    assert refusal({"dwi": tmp_path / "a.nii.gz"}).code == "unknown-channel"


def test_files_of_two_cases_and_unused_images_are_noted(tmp_path, write_study):
    folder = write_study(tmp_path, channels=["t1c"], pattern="A_1_{channel}.nii.gz")
    write_study(folder, channels=["flair"], pattern="A_2_{channel}.nii.gz")
    (folder / "localiser.nii.gz").touch()
    assert {"mixed-names", "image-not-used"} <= set(codes(read_study(folder)))


def test_one_image_under_two_names_is_noted(tmp_path, write_study):
    folder = write_study(tmp_path, channels=["t1c", "flair"])
    (folder / "t1.nii.gz").write_bytes((folder / "t1c.nii.gz").read_bytes())
    study = read_study(folder)
    assert "t1.nii.gz and t1c.nii.gz hold the same image" in [f.message for f in study.findings]


def test_every_code_of_reading_is_in_the_catalogue():
    used = set()
    for package in (vasotype.study, vasotype.prepare):
        for file in Path(package.__file__).parent.glob("*.py"):
            used |= set(re.findall(r'(?:Finding|StudyError)\(\s*"([a-z0-9-]+)"', file.read_text()))
    assert len(used) > 20
    assert used <= set(CATALOGUE)


def test_reading_keeps_values_and_positions(tmp_path, write_study, phantom, grid_of):
    grid = grid_of(codes="PIL")
    study = read_study(write_study(tmp_path, channels=["t1c"], grid=grid))
    volume = study.volumes["t1c"]
    assert np.array_equal(volume.data, phantom(grid, "t1c").data)
    np.testing.assert_allclose(volume.grid.affine, grid.affine, atol=1e-5)
