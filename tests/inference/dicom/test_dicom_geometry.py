"""A voxel that is read lies where the scanner saw it, however the series was taken or stored."""

import numpy as np
import pytest
from vasotype.study.dicom import read_series

ORIENTATIONS = ("axial", "sagittal", "coronal", "oblique")


def assert_everything_in_place(volume, place_value):
    """Each voxel's value is the phantom's at the voxel's own position."""
    index = np.indices(volume.grid.shape).reshape(3, -1)
    affine = volume.grid.affine
    x, y, z = affine[:3, :3] @ index + affine[:3, 3:]
    expected = place_value(x, y, z).reshape(volume.grid.shape)
    assert np.abs(volume.data - expected).max() <= 0.6  # rounding to whole values


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_classic_slices_are_put_in_place_whatever_their_names(tmp_path, kit, orientation):
    folder = kit.save(kit.classic(kit.Plan(orientation)), tmp_path)
    [series] = read_series(folder).series
    assert_everything_in_place(series.read(), kit.place_value)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_frames_of_an_enhanced_object_are_put_in_place(tmp_path, kit, orientation):
    folder = kit.save([kit.enhanced(kit.Plan(orientation))], tmp_path)
    [series] = read_series(folder).series
    assert_everything_in_place(series.read(), kit.place_value)
    assert series.facts.te_ms == 3.0
    assert series.facts.ti_ms == 950.0


def test_instance_numbers_and_slice_locations_are_not_believed(tmp_path, kit):
    slices = kit.classic()
    for number, ds in enumerate(slices):
        ds.InstanceNumber, ds.SliceLocation = 99 - number, 0.0
        ds.SpacingBetweenSlices = 7.0
    [series] = read_series(kit.save(slices, tmp_path)).series
    assert_everything_in_place(series.read(), kit.place_value)
    assert series.grid.spacing_mm[2] == pytest.approx(2.5)


def test_an_enhanced_series_in_time_comes_back_as_volumes_in_order(tmp_path, kit):
    [series] = read_series(kit.save([kit.enhanced(times=3)], tmp_path)).series
    assert series.layout.times == 3
    volumes = series.read_all()
    assert volumes.shape == (18, 14, 12, 3)
    for time in range(3):
        np.testing.assert_allclose(volumes[..., time] - time, volumes[..., 0])


def test_a_classic_series_in_time_is_told_apart_by_the_clock(tmp_path, kit):
    datasets = []
    uid = "1.2.9"
    for time in range(4):
        for ds in kit.classic(SeriesInstanceUID=uid):
            ds.SeriesInstanceUID = uid
            ds.AcquisitionTime = f"10{time:02d}00.5"
            ds.RescaleIntercept, ds.RescaleSlope = 10 * time, 1
            datasets.append(ds)
    [series] = read_series(kit.save(datasets, tmp_path)).series
    assert series.times_s() == (0.0, 60.0, 120.0, 180.0)
    volumes = series.read_all()
    np.testing.assert_allclose(volumes[..., 3] - volumes[..., 0], 30)


def problem_of(kit, datasets, folder):
    [series] = read_series(kit.save(datasets, folder)).series
    assert series.grid is None
    return series.problem


def test_a_missing_slice_is_refused_not_stretched(tmp_path, kit):
    slices = kit.classic()
    del slices[5]
    problem = problem_of(kit, slices, tmp_path)
    assert problem.code == "uneven-slices"
    assert "5.00 mm where 2.50 mm is usual; 1 missing there" in str(problem)


def test_a_slice_that_comes_twice_is_refused(tmp_path, kit):
    slices = kit.classic()
    copy = kit.classic()[5]
    copy.SeriesInstanceUID = slices[0].SeriesInstanceUID
    problem = problem_of(kit, [*slices, copy], tmp_path)
    assert problem.code == "duplicate-slices"
    assert "1 of 12 positions" in str(problem)


def test_a_slightly_shifted_slice_is_refused(tmp_path, kit):
    slices = kit.classic()
    x, y, z = slices[4].ImagePositionPatient
    slices[4].ImagePositionPatient = [x, y, z + 0.3]
    assert problem_of(kit, slices, tmp_path).code == "uneven-slices"


def test_a_slice_beside_the_line_of_the_others_is_refused(tmp_path, kit):
    slices = kit.classic()
    x, y, z = slices[4].ImagePositionPatient
    slices[4].ImagePositionPatient = [x + 3, y, z]
    assert problem_of(kit, slices, tmp_path).code == "uneven-slices"


def test_slices_stacked_askew_are_refused(tmp_path, kit):
    slices = kit.classic()
    for number, ds in enumerate(slices):
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x + 0.1 * number, y, z]
    problem = problem_of(kit, slices, tmp_path)
    assert problem.code == "sheared-affine"
    assert "2.3 degrees off" in str(problem)


def test_a_few_slices_make_no_volume(tmp_path, kit):
    assert problem_of(kit, kit.classic()[:9], tmp_path).code == "too-few-slices"


def test_orientations_mixed_in_one_series_are_told_apart_and_refused(tmp_path, kit):
    uid = "1.2.9"
    axial = kit.classic(kit.Plan("axial", slices=6))
    sagittal = kit.classic(kit.Plan("sagittal", slices=6))
    for ds in [*axial, *sagittal]:
        ds.SeriesInstanceUID = uid
    both = read_series(kit.save([*axial, *sagittal], tmp_path)).series
    assert [series.problem.code for series in both] == ["mixed-orientations"] * 2


def test_echoes_in_one_series_become_two_volumes(tmp_path, kit):
    first, second = kit.classic(EchoTime=10), kit.classic(EchoTime=90)
    for ds in [*first, *second]:
        ds.SeriesInstanceUID = "1.2.9"
    series = read_series(kit.save([*first, *second], tmp_path)).series
    assert sorted(one.facts.te_ms for one in series) == [10, 90]
    for one in series:
        assert_everything_in_place(one.read(), kit.place_value)


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "bad-affine"),
        ("ImageOrientationPatient", [0, 0, 0, 0, 0, 0], "bad-affine"),
        ("ImageOrientationPatient", None, "bad-affine"),
        ("PixelSpacing", [0, 0], "bad-affine"),
        ("PixelSpacing", None, "bad-affine"),
        ("PixelSpacing", [60, 60], "implausible-spacing"),
        ("Rows", 60000, "image-size"),
    ],
)
def test_headers_that_place_nothing_are_refused(tmp_path, kit, keyword, value, code):
    slices = kit.classic()
    for ds in slices:
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    assert problem_of(kit, slices, tmp_path).code == code


def test_a_step_of_a_slice_within_the_rounding_of_headers_passes(tmp_path, kit):
    slices = kit.classic()
    for ds in slices[::2]:
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x, y, z + 0.005]
    [series] = read_series(kit.save(slices, tmp_path)).series
    assert series.problem is None
