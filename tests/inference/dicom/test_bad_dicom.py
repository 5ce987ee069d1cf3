"""Studies that contradict themselves, simulated or damaged: refused, or read with a warning."""

import copy
import io
import zipfile

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, generate_uid
from vasotype.findings import StudyError
from vasotype.study import read_study

ARCHIVE = "t1c_3d_axial_vs_seg_001_half.zip"


def refusal(place):
    with pytest.raises(StudyError) as error:
        read_study(place)
    return error.value.code


def contradictory(kit, folder, slices, keyword, value, where):
    """A T1c series in which some slices say otherwise than the rest."""
    datasets = kit.classic(kit.Plan(slices=slices), ContrastBolusAgent="Gd")
    for ds in datasets:
        ds.SeriesDescription = "t1 post gd"
    for ds in datasets[where]:
        setattr(ds, keyword, value)
    return kit.save(datasets, folder)


@pytest.mark.parametrize(
    ("keyword", "value"), [("FrameOfReferenceUID", "9.9.9"), ("PixelSpacing", [3.0, 4.0])]
)
@pytest.mark.parametrize("where", [slice(0, 6), slice(0, 12, 2)])
def test_too_few_slices_agree_and_the_study_is_refused(tmp_path, kit, keyword, value, where):
    folder = contradictory(kit, tmp_path / "a", 12, keyword, value, where)
    assert refusal(folder) in ("too-few-slices", "uneven-slices")


@pytest.mark.parametrize(
    ("keyword", "value"), [("FrameOfReferenceUID", "9.9.9"), ("PixelSpacing", [3.0, 4.0])]
)
@pytest.mark.parametrize("where", [slice(0, 12), slice(0, 24, 2)])
def test_stacks_that_could_stand_alone_are_never_mixed_and_it_is_said(
    tmp_path, kit, keyword, value, where
):
    study = read_study(contradictory(kit, tmp_path / "a", 24, keyword, value, where))
    assert study.volumes["t1c"].data.shape[2] == 12
    assert "series-split" in {finding.code for finding in study.findings}


@pytest.fixture(scope="module")
def real_slices(real_data):
    """The slices of a real 3-D T1c, in order."""
    with zipfile.ZipFile(real_data / "dicom" / ARCHIVE) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        slices = [pydicom.dcmread(io.BytesIO(archive.read(name))) for name in names]
    return sorted(slices, key=lambda ds: ds.ImagePositionPatient[2])


def drop_one(slices):
    del slices[40]


def drop_the_middle(slices):
    del slices[30:80]


def double_one(slices):
    slices.append(copy.deepcopy(slices[40]))
    slices[-1].SOPInstanceUID = generate_uid()


def cut_one(slices):
    slices[40] = copy.deepcopy(slices[40])
    slices[40].PixelData = slices[40].PixelData[:1000]


def change(slices, which=slice(None), **values):
    """Say otherwise in some slices; the fixture's own stay as they are."""
    for number in range(*which.indices(len(slices))):
        slices[number] = copy.deepcopy(slices[number])
        for keyword, value in values.items():
            setattr(slices[number], keyword, value)


EVERY_SECOND, SECOND_HALF = slice(0, None, 2), slice(60, None)


def tilt_some(slices):
    change(slices, EVERY_SECOND, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])


def stretch(slices):
    change(slices, PixelSpacing=[2.5, 2.5])


def call_it_a_knee(slices):
    change(slices, BodyPartExamined="KNEE")


def call_it_ct(slices):
    change(slices, SOPClassUID=CTImageStorage)


def mix_frames_of_reference(slices):
    change(slices, EVERY_SECOND, FrameOfReferenceUID="9.9.9")


def move_the_second_half_to_another_frame(slices):
    change(slices, SECOND_HALF, FrameOfReferenceUID="9.9.9")


def contradict_the_pixel_size(slices):
    change(slices, SECOND_HALF, PixelSpacing=[0.7, 0.7])


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        (drop_one, {"uneven-slices"}),
        (drop_the_middle, {"uneven-slices"}),
        (double_one, {"duplicate-slices"}),
        (cut_one, {"unreadable-image"}),
        (stretch, {"implausible-spacing"}),
        (call_it_a_knee, {"no-t1c-or-flair"}),
        (call_it_ct, {"no-mr"}),
    ],
)
def test_a_real_series_that_was_damaged_is_refused(real_slices, tmp_path, kit, damage, codes):
    slices = list(real_slices)
    damage(slices)
    assert refusal(kit.save(slices, tmp_path / "a")) in codes


@pytest.mark.real_data
@pytest.mark.slow
def test_tilted_slices_of_a_real_series_are_left_out_and_it_is_said(real_slices, tmp_path, kit):
    slices = list(real_slices)
    tilt_some(slices)
    study = read_study(kit.save(slices, tmp_path / "a"))
    assert study.volumes["t1c"].data.shape[2] == len(slices) // 2
    assert "series-unusable" in {finding.code for finding in study.findings}


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        mix_frames_of_reference,
        move_the_second_half_to_another_frame,
        contradict_the_pixel_size,
    ],
)
def test_halves_of_a_real_series_that_contradict_each_other_are_never_mixed(
    real_slices, tmp_path, kit, damage
):
    slices = list(real_slices)
    damage(slices)
    study = read_study(kit.save(slices, tmp_path / "a"))
    assert study.volumes["t1c"].data.shape[2] == len(slices) // 2
    assert "series-split" in {finding.code for finding in study.findings}


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kept", "code"), [(0.5, "unreadable-image"), (0.01, "uneven-slices"), (0.0, "uneven-slices")]
)
def test_a_real_file_that_was_cut_refuses_the_series(real_slices, tmp_path, kit, kept, code):
    """In its pixels; in its header; to nothing. What has no header is a slice that is missing."""
    folder = kit.save(list(real_slices), tmp_path / "a", shuffled=False)
    victim = folder / "x0040"
    content = victim.read_bytes()
    victim.write_bytes(content[: int(kept * len(content))])
    assert refusal(folder) == code


@pytest.mark.real_data
@pytest.mark.slow
def test_a_real_series_of_nobody_is_read_the_same(real_slices, tmp_path, kit):
    slices = [copy.deepcopy(ds) for ds in real_slices]
    for ds in slices:
        for keyword in [one.keyword for one in ds.group_dataset(0x0010)]:
            delattr(ds, keyword)
    before = read_study(kit.save(list(real_slices), tmp_path / "a")).volumes["t1c"]
    after = read_study(kit.save(slices, tmp_path / "b")).volumes["t1c"]
    assert np.array_equal(after.data, before.data)


@pytest.mark.real_data
@pytest.mark.slow
def test_the_undamaged_series_is_read(real_slices, tmp_path, kit):
    volume = read_study(kit.save(list(real_slices), tmp_path / "a")).volumes["t1c"]
    assert volume.data.shape[2] == len(real_slices) == 120
    assert np.isfinite(volume.data).all()


@pytest.mark.real_data
def test_three_slices_at_full_resolution_are_no_volume(real_data):
    assert refusal(real_data / "dicom" / "vs_seg_001_fullres_3slices.zip") == "too-few-slices"
