"""A folder or archive of mixed series becomes a study; what was chosen and left out is told."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import StudyError
from vasotype.study import find_studies, read_study

POST = {"SeriesDescription": "t1 post", "ContrastBolusAgent": "Gd", "AcquisitionTime": "110000"}


@pytest.fixture
def visit(tmp_path, kit):
    """Four sequences of one visit on grids of their own, in one folder under shuffled names."""
    folder = tmp_path / "visit"
    kit.save(kit.classic(kit.Plan("sagittal")), folder)
    kit.save(kit.classic(kit.Plan("axial"), **POST), folder)
    kit.save(kit.classic(kit.Plan("oblique"), InversionTime=None, **kit.sequences["t2"]), folder)
    kit.save(kit.classic(kit.Plan("coronal"), **kit.sequences["flair"]), folder)
    return folder


def codes(study):
    return [finding.code for finding in study.findings]


def refusal(*args, **options):
    with pytest.raises(StudyError) as error:
        read_study(*args, **options)
    return error.value


def test_a_folder_of_mixed_series_is_read_as_a_study(visit, kit):
    study = read_study(visit)
    assert list(study.volumes) == ["t1", "t1c", "t2", "flair"]
    assert study.name == "visit"
    for volume in study.volumes.values():
        assert re.fullmatch(r"series [1-4]", volume.name)
        x, y, z = volume.grid.affine[:3, 3]
        assert volume.data[0, 0, 0] == pytest.approx(kit.place_value(x, y, z), abs=0.6)


def test_an_archive_is_read_the_same(visit, tmp_path):
    with zipfile.ZipFile(tmp_path / "visit.zip", "w") as archive:
        for file in visit.iterdir():
            archive.write(file, file.name)
    study, other = read_study(visit), read_study(tmp_path / "visit.zip")
    assert other.name == "visit"
    for channel, volume in study.volumes.items():
        assert np.array_equal(volume.data, other.volumes[channel].data)


def test_thin_three_dimensional_series_are_preferred_and_the_choice_is_told(visit, kit):
    thick = kit.Plan("axial", step=5.0)
    kit.save(kit.classic(thick, **POST | {"MRAcquisitionType": "2D"}), visit)
    study = read_study(visit)
    assert study.volumes["t1c"].grid.spacing_mm[2] == pytest.approx(2.5)
    [chosen] = [finding for finding in study.findings if finding.code == "series-chosen"]
    assert "2.5 mm slices" in chosen.message


def test_the_user_can_name_another_series(visit, kit):
    kit.save(kit.classic(kit.Plan("axial", step=5.0), **POST | {"MRAcquisitionType": "2D"}), visit)
    answer = json.loads(CliRunner().invoke(app, ["identify", str(visit), "--json"]).stdout)
    [thick] = [row for row in answer["series"] if (row["spacing_mm"] or [0])[-1] == 5]
    for word in (str(thick["number"]), thick["uid"]):
        study = read_study(visit, overrides={"t1c": Path(word)})
        assert study.volumes["t1c"].grid.spacing_mm[2] == pytest.approx(5.0)
    assert refusal(visit, overrides={"t1c": Path("99")}).code == "series-unknown"


def test_a_sequence_can_come_from_another_folder(visit, kit, tmp_path):
    other = kit.save(kit.classic(kit.Plan(step=4.0)), tmp_path / "other")
    study = read_study(visit, overrides={"t1c": other})
    assert study.volumes["t1c"].grid.spacing_mm[2] == pytest.approx(4.0)


def test_a_damaged_t1c_refuses_and_a_damaged_t2_is_left_out(visit, kit, tmp_path):
    for file in visit.iterdir():
        file.unlink()
    t2 = kit.classic(InversionTime=None, **kit.sequences["t2"])
    kit.save(kit.classic(), visit)
    kit.save(kit.classic(**POST), visit)
    kit.save(t2[:4] + t2[5:], visit)
    study = read_study(visit)
    assert "t2" not in study.volumes
    assert "series-unusable" in codes(study)
    post = kit.classic(**POST)
    kit.save(kit.classic(), tmp_path / "x")
    kit.save(post[:4] + post[5:], tmp_path / "x")
    assert refusal(tmp_path / "x").code == "uneven-slices"


def test_flair_after_contrast_stays_flair_and_is_noted(kit, tmp_path):
    kit.save(kit.classic(), tmp_path)
    header = kit.sequences["flair"] | {"ContrastBolusAgent": "Gd", "AcquisitionTime": "103000"}
    kit.save(kit.classic(**header), tmp_path)
    study = read_study(tmp_path)
    assert set(study.volumes) == {"t1", "flair"}
    assert "acquired-after-contrast" in codes(study)


def test_images_of_two_patients_or_days_are_never_mixed(visit, kit):
    kit.save(kit.classic(PatientID="0815"), visit)
    assert refusal(visit).code == "several-patients"
    for file in visit.iterdir():
        file.unlink()
    kit.save(kit.classic(), visit)
    kit.save(kit.classic(StudyDate="20210101"), visit)
    assert refusal(visit).code == "several-visits"


def test_ct_is_refused_by_its_kind(kit, tmp_path):
    ct = kit.classic()
    for ds in ct:
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    error = refusal(kit.save(ct, tmp_path))
    assert error.code == "no-mr"
    assert "12 x CT Image Storage" in str(error)


def test_a_knee_is_refused(kit, tmp_path):
    kit.save(kit.classic(BodyPartExamined="KNEE", **POST), tmp_path)
    assert refusal(tmp_path).code == "no-t1c-or-flair"


def test_a_study_without_optional_tags_is_read(kit, tmp_path):
    absent = dict.fromkeys(
        (
            "PatientName",
            "PatientID",
            "StudyDate",
            "AcquisitionTime",
            "StudyInstanceUID",
            "FrameOfReferenceUID",
            "SeriesNumber",
            "MRAcquisitionType",
            "ImageType",
        )
    )
    kit.save(kit.classic(**kit.sequences["flair"] | absent), tmp_path)
    assert set(read_study(tmp_path).volumes) == {"flair"}


def test_nifti_beside_dicom_is_read_where_it_names_a_study(visit, write_study):
    write_study(visit, channels=["t1c"])
    assert list(read_study(visit).volumes) == ["t1c"]


def test_a_cohort_of_dicom_folders_and_archives_is_found(visit, tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for file in visit.iterdir():
            archive.write(file, file.name)
    (tmp_path / "empty").mkdir()
    assert find_studies(tmp_path) == [tmp_path / "b.zip", visit]


def test_identify_prints_what_each_series_is_and_why(visit, kit):
    result = CliRunner().invoke(app, ["identify", str(visit), "--json"])
    answer = json.loads(result.stdout)
    assert sorted(row["used_as"] for row in answer["series"]) == ["flair", "t1", "t1c", "t2"]
    assert all(row["reasons"] for row in answer["series"])
    shown = CliRunner().invoke(app, ["identify", str(visit)])
    assert shown.exit_code == 0
    assert kit.secret not in shown.output + result.output


def test_identify_lists_nifti_by_name(tmp_path, write_study):
    folder = write_study(tmp_path / "x", channels=["t1c", "flair"])
    (folder / "odd.nii.gz").touch()
    answer = json.loads(CliRunner().invoke(app, ["identify", str(folder), "--json"]).stdout)
    assert {row["description"]: row["used_as"] for row in answer["series"]} == {
        "t1c.nii.gz": "t1c",
        "flair.nii.gz": "flair",
        "odd.nii.gz": None,
    }


def test_identify_shows_what_a_flag_changes(visit, kit, tmp_path, write_study):
    kit.save(kit.classic(kit.Plan("axial", step=5.0), **POST | {"MRAcquisitionType": "2D"}), visit)
    [rcbv] = write_study(tmp_path / "maps", channels=["t1"], pattern="map.nii.gz").iterdir()

    def identify(*flags):
        answer = CliRunner().invoke(app, ["identify", str(visit), *flags, "--json"])
        return answer.exit_code, json.loads(answer.stdout)

    _, plain = identify()
    [thick] = [row["number"] for row in plain["series"] if (row["spacing_mm"] or [0])[-1] == 5]
    [thin] = [row["number"] for row in plain["series"] if row["used_as"] == "t1c"]
    assert thin != thick
    _, changed = identify("--t1c", str(thick), "--rcbv", str(rcbv))
    used = {row.get("number", row["description"]): row["used_as"] for row in changed["series"]}
    assert (used[thick], used[thin], used["map.nii.gz"]) == ("t1c", None, "rcbv")
    for wrong, code in (("99", "series-unknown"), ("nowhere.nii.gz", "file-missing")):
        exit_code, answer = identify("--t1c", wrong)
        assert (exit_code, answer["error"]["code"]) == (2, code)


def test_identify_takes_flags_for_nifti(tmp_path, write_study):
    folder = write_study(tmp_path / "x", channels=["t1c", "flair"])
    (folder / "t1c.nii.gz").rename(folder / "odd.nii.gz")
    flags = ["--t1c", str(folder / "odd.nii.gz"), "--json"]
    answer = json.loads(CliRunner().invoke(app, ["identify", str(folder), *flags]).stdout)
    assert [(row["description"], row["used_as"]) for row in answer["series"]] == [
        ("odd.nii.gz", "t1c"),
        ("flair.nii.gz", "flair"),
    ]


def test_messages_never_name_the_patient(visit, kit):
    study = read_study(visit)
    for finding in study.findings:
        assert kit.secret not in finding.message
        assert "4711" not in finding.message
