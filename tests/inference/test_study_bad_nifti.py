"""A real whole head whose header was damaged: refused, or read with a warning."""

import nibabel as nib
import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.study.nifti import read_volume

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def head(real_data):
    """A real FLAIR of a whole head."""
    return nib.load(real_data / "whole_head" / "tcga_fg_6692" / "flair.nii.gz")


def damaged(head, path, sform, qform):
    image = nib.Nifti1Image(np.asanyarray(head.dataobj), sform)
    image.set_sform(sform, 1)
    image.set_qform(qform, 1)
    nib.save(image, path)
    return path


def test_a_qform_that_mirrors_the_sform_is_a_doubt_and_the_sform_is_believed(head, tmp_path):
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0]) @ head.affine
    path = damaged(head, tmp_path / "flair.nii", head.affine, mirrored)
    volume, findings = read_volume(path)
    assert [finding.code for finding in findings] == ["left-right-doubt"]
    np.testing.assert_allclose(volume.grid.affine, head.affine, atol=1e-4)


def test_voxels_three_times_too_large_make_no_head(head, tmp_path):
    tripled = head.affine @ np.diag([3.0, 3.0, 3.0, 1.0])
    path = damaged(head, tmp_path / "flair.nii", tripled, tripled)
    with pytest.raises(StudyError) as refusal:
        read_volume(path)
    assert refusal.value.code == "implausible-spacing"


def test_a_real_file_that_was_cut_is_refused(head, tmp_path):
    path = damaged(head, tmp_path / "flair.nii", head.affine, head.affine)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StudyError) as refusal:
        read_volume(path)
    assert refusal.value.code == "unreadable-image"
