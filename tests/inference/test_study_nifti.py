import bz2
import gzip

import nibabel as nib
import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.study.nifti import read_volume

GRADIENT = np.arange(12 * 14 * 16, dtype=np.float32).reshape(12, 14, 16)


def save(path, data=GRADIENT, affine=None):
    nib.save(nib.Nifti1Image(data, np.eye(4) if affine is None else affine), path)
    return path


def refusal(path, **options):
    with pytest.raises(StudyError) as error:
        read_volume(path, **options)
    assert path.name in str(error.value)
    assert str(path.parent) not in str(error.value)
    return error.value.code


def test_all_compressions_give_the_same_volume(tmp_path):
    plain = save(tmp_path / "a.nii")
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "c.nii.bz2").write_bytes(bz2.compress(plain.read_bytes()))
    for name in ("a.nii", "b.nii.gz", "c.nii.bz2"):
        volume, findings = read_volume(tmp_path / name)
        assert np.array_equal(volume.data, GRADIENT)
        assert volume.data.dtype == np.float32
        assert findings == []


def test_scaled_integers_come_in_the_units_of_the_file(tmp_path):
    image = nib.Nifti1Image(GRADIENT.astype(np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, 10)
    nib.save(image, tmp_path / "t1.nii")
    written = nib.load(tmp_path / "t1.nii").get_fdata()
    np.testing.assert_allclose(read_volume(tmp_path / "t1.nii")[0].data, written, rtol=1e-6)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert refusal(tmp_path / "t1.nii.gz") == "file-missing"


@pytest.mark.parametrize("name", ["t1.nii", "t1.nii.gz", "t1.nii.bz2"])
def test_text_under_an_image_name_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_text("no image " * 100)
    assert refusal(path) == "unreadable-image"


@pytest.mark.parametrize("name", ["t1.nii", "t1.nii.gz", "t1.nii.bz2"])
def test_a_file_cut_short_is_refused(tmp_path, name):
    noise = np.random.default_rng(1).normal(size=(20, 20, 20)).astype(np.float32)
    path = save(tmp_path / name, noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal(path) == "unreadable-image"


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "t1.mgz"
    path.touch()
    assert refusal(path) == "unreadable-image"


def test_colour_is_refused(tmp_path):
    rgb = np.zeros((12, 12, 12), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert refusal(save(tmp_path / "t1.nii", rgb)) == "unreadable-image"


def test_a_series_is_refused_and_a_lone_fourth_axis_is_dropped(tmp_path):
    series = np.stack([GRADIENT] * 3, -1)
    assert refusal(save(tmp_path / "d.nii", series)) == "not-three-dimensional"
    assert refusal(save(tmp_path / "f.nii", GRADIENT[0])) == "not-three-dimensional"
    volume, _ = read_volume(save(tmp_path / "s.nii", GRADIENT[..., None]))
    assert volume.data.shape == GRADIENT.shape


def test_too_few_slices_are_refused_along_any_axis(tmp_path):
    path = save(tmp_path / "t1.nii", GRADIENT[:, :9])
    with pytest.raises(StudyError, match="axis 1 has 9 slices; a volume needs at least 10"):
        read_volume(path)


@pytest.mark.parametrize("spacing", [0.05, 11.0, 45.0])
def test_voxels_that_no_scanner_makes_are_refused(tmp_path, spacing):
    path = save(tmp_path / "t1.nii", affine=np.diag([spacing, 1, 1, 1]))
    assert refusal(path) == "implausible-spacing"


def test_a_head_of_60_cm_is_refused(tmp_path):
    path = save(tmp_path / "t1.nii", np.resize(GRADIENT, (120, 12, 12)), np.diag([5.0, 5, 5, 1]))
    assert refusal(path) == "implausible-spacing"


@pytest.mark.parametrize("entry", [0.0, np.nan])
def test_an_affine_without_inverse_is_refused(tmp_path, entry):
    affine = np.eye(4)
    affine[1, 1] = entry
    path = tmp_path / "t1.nii"
    image = nib.Nifti1Image(GRADIENT, np.eye(4))
    image.header["srow_y"] = affine[1]
    image.header["sform_code"] = 1
    nib.Nifti1Image(GRADIENT, None, image.header).to_filename(path)
    assert refusal(path) == "bad-affine"


def test_shear_is_refused_beyond_and_mended_within_tolerance(tmp_path):
    skew = np.eye(4)
    skew[0, 1] = 0.1
    assert refusal(save(tmp_path / "far.nii", affine=skew)) == "sheared-affine"
    skew[0, 1] = 0.005
    volume, findings = read_volume(save(tmp_path / "near.nii", affine=skew))
    assert [f.code for f in findings] == ["affine-straightened"]
    axes = volume.grid.affine[:3, :3] / volume.grid.spacing_mm
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)


def test_rounded_affines_come_back_untouched(tmp_path):
    affine = np.eye(4)
    affine[0, 1] = 2e-5
    volume, findings = read_volume(save(tmp_path / "t1.nii", affine=affine))
    assert findings == []
    np.testing.assert_allclose(volume.grid.affine, affine, atol=1e-9)


def test_orientation_doubts_are_found(tmp_path):
    nib.save(nib.Nifti1Image(GRADIENT, None), tmp_path / "none.nii")
    assert [f.code for f in read_volume(tmp_path / "none.nii")[1]] == ["no-orientation"]
    image = nib.Nifti1Image(GRADIENT, np.eye(4))
    image.set_sform(np.eye(4), 1)
    image.set_qform(np.diag([-1.0, 1, 1, 1]), 1)
    nib.save(image, tmp_path / "mirror.nii")
    _, findings = read_volume(tmp_path / "mirror.nii")
    assert [f.code for f in findings] == ["left-right-doubt"]
    assert "sform says RAS, qform says LAS" in findings[0].message


def test_a_few_bad_voxels_are_zeroed_and_many_are_refused(tmp_path):
    few = GRADIENT.copy()
    few[5, 5, 5:8] = np.nan, np.inf, -np.inf
    volume, findings = read_volume(save(tmp_path / "few.nii", few))
    assert volume.data[5, 5, 5:8].tolist() == [0, 0, 0]
    assert [f.code for f in findings] == ["non-finite-zeroed"]
    assert "3 voxels" in findings[0].message
    many = GRADIENT.copy()
    many[4:8, 4:8, 4:8] = np.nan
    assert refusal(save(tmp_path / "many.nii", many)) == "non-finite-voxels"


def test_a_background_of_nan_is_read_as_zero(tmp_path):
    data = GRADIENT.copy()
    data[:4] = np.nan
    volume, findings = read_volume(save(tmp_path / "t1.nii", data))
    assert not volume.data[:4].any()
    assert np.array_equal(volume.data[4:], GRADIENT[4:])
    assert [f.code for f in findings] == ["non-finite-zeroed"]


def test_empty_images_label_maps_and_ct_are_refused(tmp_path):
    assert refusal(save(tmp_path / "a.nii", np.full_like(GRADIENT, 7))) == "empty-image"
    labels = np.where(GRADIENT > 100, 4, 0).astype(np.uint8)
    assert refusal(save(tmp_path / "b.nii", labels)) == "label-map"
    assert refusal(save(tmp_path / "c.nii", GRADIENT - 1000)) == "not-mr"


def test_a_quantitative_map_may_hold_few_values(tmp_path):
    steps = np.where(GRADIENT > 100, 4, 0).astype(np.uint8)
    volume, _ = read_volume(save(tmp_path / "rcbv.nii", steps), structural=False)
    assert volume.data.max() == 4
