"""Real headers and images of public archives are told right."""

import zipfile

import nibabel as nib
import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.study import read_study
from vasotype.study.dicom import read_series
from vasotype.study.identify import identify_series

pytestmark = pytest.mark.real_data


def told(place):
    found = identify_series(read_series(place).series)
    return [(str(one.kind), one.series.facts.description) for one in found]


def test_a_glioma_study_whose_flair_bears_the_agent_and_all_says_derived(real_data):
    place = real_data / "dicom" / "upenn_gbm_00621_headers"
    assert [kind for kind, _ in told(place)] == ["t1", "t2", "flair", "t1c"]
    flair = identify_series(read_series(place).series)[2]
    assert flair.contrast_given
    with pytest.raises(StudyError) as error:  # single slices of a few pixels
        read_study(place)
    assert error.value.code == "too-few-slices"


def test_contrast_that_no_tag_tells_is_seen_in_the_image(real_data):
    study = read_study(real_data / "dicom" / "t1c_3d_axial_vs_seg_001_half.zip")
    assert set(study.volumes) == {"t1c"}
    assert study.volumes["t1c"].data.shape == (242, 256, 120)


def test_vendors_are_told_by_their_physics(real_data):
    found = told(real_data / "dicom" / "vendors_and_transfer_syntaxes.zip")
    kinds = ["t1", "t1", "flair", "flair", "flair", "flair", "other", "t1", "flair"]
    assert [kind for kind, _ in found] == kinds


def test_labelling_and_functional_series_are_no_perfusion(real_data):
    found = told(real_data / "dicom" / "enhanced_multiframe.zip")
    assert [kind for kind, _ in found] == ["other", "other"]


def test_a_liver_is_no_brain(real_data):
    found = told(real_data / "dicom" / "pydicom_mr_samples.zip")
    assert ("other", "Liver/SpleeDUAL/ADRENA") in found


def test_a_raw_thick_slice_study_comes_back_in_place_with_contrast_seen(real_data, tmp_path, kit):
    """Two obliquities, three matrices; T1 and T1c differ in nothing but their images."""
    t1 = {"ScanningSequence": "SE", "RepetitionTime": 550, "EchoTime": 10, "InversionTime": None}
    headers = {
        "t1": t1 | {"AcquisitionTime": "100000"},
        "t1c": t1 | {"AcquisitionTime": "103000"},
        "t2": kit.sequences["t2"] | {"InversionTime": None},
        "flair": kit.sequences["flair"],
    }
    images = {}
    for channel, header in headers.items():
        images[channel] = nib.load(real_data / "whole_head" / "tcga_fg_6692" / f"{channel}.nii.gz")
        data = np.asarray(images[channel].dataobj)
        kit.save(kit.of_volume(data, images[channel].affine, **header), tmp_path)
    study = read_study(tmp_path)
    for channel, image in images.items():
        volume = study.volumes[channel]
        given = nib.as_closest_canonical(image)
        found = nib.as_closest_canonical(nib.Nifti1Image(volume.data, volume.grid.affine))
        np.testing.assert_allclose(found.affine, given.affine, atol=1e-4)
        assert np.array_equal(np.asarray(found.dataobj), np.asarray(given.dataobj))


@pytest.mark.parametrize("part", ["", "slicecount", "sliceorientation"])
def test_malformed_series_are_refused(real_data, tmp_path, part):
    with zipfile.ZipFile(real_data / "dicom" / "malformed_series.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith(part)]
        archive.extractall(tmp_path, names)
    for series in read_series(tmp_path).series:
        assert series.problem is not None
    with pytest.raises(StudyError, match="series 1") as error:
        read_study(tmp_path)
    assert error.value.code in ("too-few-slices", "mixed-orientations")
