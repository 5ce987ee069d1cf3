"""Dynamic series of a study: found by name, read when they can be, named by hand when not."""

import json

import nibabel as nib
import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.perfusion import DceSettings
from vasotype.study import read_study
from vasotype.study.extras import Extras

TIMES = [float(t) for t in range(0, 40, 2)]


def write(path, data, sidecar=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, np.diag([2.0, 2.0, 4.0, 1.0])), path)
    if sidecar is not None:
        beside = path.with_name(path.name.replace(".nii.gz", ".json"))
        beside.write_text(json.dumps(sidecar), "utf-8")
    return path


def write_series(path, **sidecar):
    about = {"EchoTime": 0.03, "FlipAngle": 20, "RepetitionTimeExcitation": 0.005}
    data = np.ones((10, 10, 10, len(TIMES)), np.float32)
    return write(path, data, about | {"FrameTimesStart": TIMES} | sidecar)


def write_angle(path, angle):
    about = {"FlipAngle": angle, "RepetitionTimeExcitation": 0.005}
    return write(path, np.ones((10, 10, 10), np.float32), about)


@pytest.fixture
def folder(tmp_path, small_study):
    return small_study(tmp_path / "case", channels=("t1c", "t2f"))


def codes(study):
    return {finding.code for finding in study.findings}


def test_series_are_found_by_name_with_what_belongs_to_them(folder):
    write_series(folder / "case-dsc.nii.gz")
    write_series(folder / "case_dce.nii.gz")
    for number, angle in enumerate((3, 12), start=1):
        write_angle(folder / f"case_flip-{number}_VFA.nii.gz", angle)
    (folder / "case_aif.tsv").write_text("time_s\tplasma_mM\n0\t0\n10\t1\n", "utf-8")
    study = read_study(folder)
    series = study.perfusion
    assert series.dsc.echo_time_s == 0.03
    assert series.dce.times_s[-1] == 38
    assert list(series.flip_angles.flip_angles_deg) == [3, 12]
    assert series.dce_input.kind == "plasma"
    assert series.dsc_input is None
    missing = next(f.message for f in study.findings if f.code == "map-missing")
    assert missing == "maps that are missing: tbr"
    assert "image-not-used" not in codes(study)


def test_what_scales_a_dce_series_goes_with_it(folder):
    dce = write_series(folder / "case_dce.nii.gz", MagneticFieldStrength=1.5)
    b1 = write(folder / "field.nii.gz", np.full((10, 10, 10), 0.9, np.float32))
    settings = DceSettings(dose_mmol_per_kg=0.05)
    series = read_study(folder, extras=Extras(dce=dce, b1=b1, dce_settings=settings)).perfusion
    assert series.dce.field_t == 1.5
    assert series.dce_settings == settings
    assert np.allclose(series.b1, 0.9)


def test_series_of_bids_lie_in_a_folder_of_their_own(tmp_path, small_study):
    session = tmp_path / "sub-01"
    small_study(session / "anat", case="sub-01", channels=("t1c", "t2f"))
    write_series(session / "perf" / "sub-01_acq-dsc_perf.nii.gz")
    assert read_study(session).perfusion.dsc is not None


def test_a_series_that_was_only_found_is_left_out_where_it_cannot_be_read(folder):
    write_series(folder / "case-dsc.nii.gz", EchoTime=30)
    study = read_study(folder)
    assert study.perfusion is None
    assert "series-left-out" in codes(study)


def test_a_series_that_was_named_must_be_readable(folder, tmp_path):
    path = write_series(tmp_path / "other.nii.gz", EchoTime=30)
    with pytest.raises(StudyError) as refusal:
        read_study(folder, extras=Extras(dsc=path))
    assert refusal.value.code == "series-parameter"


def test_what_is_no_number_in_a_sidecar_is_not_quoted(folder, tmp_path):
    path = write_series(tmp_path / "other.nii.gz", EchoTime="Queenie")
    with pytest.raises(StudyError, match="EchoTime is no number"):
        read_study(folder, extras=Extras(dsc=path))


def test_what_is_named_wins_over_what_is_found(folder, tmp_path):
    write_series(folder / "case-dsc.nii.gz")
    named = write_series(tmp_path / "mine.nii.gz")
    assert read_study(folder, extras=Extras(dsc=named)).perfusion.dsc.name == "mine.nii.gz"


def test_two_series_of_one_kind_are_not_guessed_between(folder):
    for run in (1, 2):
        write_series(folder / f"run-{run}_dsc.nii.gz")
    study = read_study(folder)
    assert study.perfusion is None
    assert "series-left-out" in codes(study)


def test_a_mask_of_vessels_belongs_to_the_series_whose_grid_it_has(folder, tmp_path):
    write_series(folder / "case-dsc.nii.gz")
    write_series(folder / "case-dce.nii.gz")
    mask = write(tmp_path / "vessel.nii.gz", np.ones((10, 10, 10), np.uint8))
    assert read_study(folder, extras=Extras(aif=(mask,))).perfusion.dsc_input.all()


def test_a_study_without_series_has_none(folder):
    assert read_study(folder).perfusion is None


def test_clinical_facts_come_from_participants_or_from_the_file_named(tmp_path, small_study):
    small_study(tmp_path / "sub-01", case="sub-01", channels=("t1c", "t2f"))
    table = "participant_id\tprimary\nsub-01\tlung\nsub-02\tbreast\n"
    (tmp_path / "participants.tsv").write_text(table, "utf-8")
    found = read_study(tmp_path / "sub-01")
    assert found.clinical.primary == "lung"
    assert "clinical-found" in codes(found)
    (tmp_path / "mine.json").write_text('{"primary": "renal"}', "utf-8")
    named = read_study(tmp_path / "sub-01", extras=Extras(clinical=tmp_path / "mine.json"))
    assert named.clinical.primary == "renal"
