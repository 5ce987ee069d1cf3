"""The same simulated study as NIfTI, as a BIDS session and as a hospital's DICOM."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from vasotype.study import read_study
from vasotype.study.dicom import read_series
from vasotype.study.identify import identify_series
from vasotype_training.simulate.layout_bids import subject
from vasotype_training.simulate.layouts import LAYOUTS

NAME = "SIM-00003-0001"
AFFINE = np.array([[-1.5, 0, 0, 40], [0, 0, 1.2, -30], [0, 1.1, 0, -20], [0, 0, 0, 1.0]])
SHAPE = (12, 14, 11)
VOLUMES = 32
ENDINGS = ("t1n", "t1c", "t2w", "t2f")


def write_plain(folder):
    """A study's plain images: smooth values without symmetry, one map, one dynamic series."""
    (folder / "truth").mkdir(parents=True)
    (folder / "truth" / "segmentation.nii.gz").write_bytes(b"truth")
    x, y, z = np.indices(SHAPE)
    for number, ending in enumerate(ENDINGS):
        values = 500 + 100 * number + 7 * x + 3 * y + z
        save(folder / f"{NAME}-{ending}.nii.gz", values.astype(np.uint16))
    save(folder / f"{NAME}-rcbv.nii.gz", (0.1 + 0.01 * x).astype(np.float32))
    times = 1 - 0.4 * np.exp(-0.5 * ((np.arange(VOLUMES) - 12) / 3) ** 2)
    dsc = (500 + 7 * x + 3 * y + z)[..., None] * times
    save(folder / f"{NAME}-dsc.nii.gz", dsc.astype(np.int16))
    about = {"EchoTime": 0.03, "RepetitionTimeExcitation": 1.5, "FlipAngle": 60}
    about["FrameTimesStart"] = [1.5 * t for t in range(VOLUMES)]
    (folder / f"{NAME}-dsc.json").write_text(json.dumps(about))
    return folder


def save(path, data):
    nib.save(nib.Nifti1Image(data, AFFINE), path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write_plain(tmp_path_factory.mktemp("plain") / NAME)


def arranged(plain, home, layout, name=NAME, left_out=("*-dsc*",)):
    folder = home / LAYOUTS[layout].place(name)
    shutil.copytree(plain, folder, ignore=shutil.ignore_patterns(*left_out))
    LAYOUTS[layout].describe(home)
    LAYOUTS[layout].arrange(folder, name)
    return folder


@pytest.fixture(scope="module")
def hospital(plain, tmp_path_factory):
    return arranged(plain, tmp_path_factory.mktemp("hospital"), "dicom", left_out=())


def placed(volume):
    """Value by RAS position."""
    index = np.indices(volume.grid.shape).reshape(3, -1)
    ras = volume.grid.affine[:3, :3] @ index + volume.grid.affine[:3, 3:]
    return dict(zip(map(tuple, np.round(ras.T, 2) + 0.0), volume.data.ravel(), strict=True))


@pytest.mark.parametrize("layout", ["bids", "dicom"])
def test_every_voxel_keeps_its_value_and_place(plain, tmp_path, layout):
    before = read_study(plain).volumes
    after = read_study(arranged(plain, tmp_path, layout)).volumes
    for channel in ("t1", "t1c", "t2", "flair"):
        assert placed(after[channel]) == placed(before[channel]), channel


def test_dicom_series_are_identified_by_their_headers(hospital):
    kinds = [str(one.kind) for one in identify_series(read_series(hospital).series)]
    assert kinds == ["t1", "t2", "flair", "dsc", "t1c", "map"]


def test_dicom_keeps_map_values_and_series_times(hospital):
    series = {one.facts.description: one for one in read_series(hospital).series}
    rcbv = series["rCBV map"].read(structural=False)
    assert rcbv.data.max() == pytest.approx(0.21, abs=1e-4)
    assert series["ep2d_perf"].times_s() == pytest.approx([1.5 * t for t in range(VOLUMES)])
    assert series["ep2d_perf"].facts.te_ms == 30


def test_dicom_leaves_the_truth_and_no_image_in_the_folder(hospital):
    assert sorted(path.name for path in hospital.iterdir()) == ["dicom", "truth"]


def test_dicom_is_the_same_each_time_and_differs_between_studies(plain, hospital, tmp_path):
    again = arranged(plain, tmp_path / "again", "dicom")
    one = "dicom/08_t1c/IM00007.dcm"
    assert (again / one).read_bytes() == (hospital / one).read_bytes()
    other = arranged(plain, tmp_path / "other", "dicom", "SIM-00003-0002")
    uids = [{series.uid for series in read_series(place).series} for place in (hospital, other)]
    assert not uids[0] & uids[1]


def test_bids_names_files_by_its_rules(plain, tmp_path):
    session = arranged(plain, tmp_path, "bids")
    assert session == tmp_path / "sub-SIM000030001" / "ses-01"
    stem = f"{subject(NAME)}_ses-01"
    assert {path.name for path in (session / "anat").glob("*.nii.gz")} == {
        f"{stem}_{kind}.nii.gz" for kind in ("T1w", "ce-gadolinium_T1w", "T2w", "FLAIR")
    }
    flair = json.loads((session / "anat" / f"{stem}_FLAIR.json").read_text())
    assert flair["InversionTime"] == 1.8
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert description["BIDSVersion"]


def test_a_bids_cohort_says_what_its_pet_was_made_with(plain, tmp_path):
    session = arranged(plain, tmp_path, "bids")
    assert read_study(session).clinical.pet_tracer == "fet"
