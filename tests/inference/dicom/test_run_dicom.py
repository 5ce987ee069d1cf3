"""From DICOM files through the command to DICOM results that lie on the lesions."""

import shutil

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from dicom_validators import ALLOWED, errors, output_of
from typer.testing import CliRunner
from vasotype.cli import app

pytest.importorskip("vasotype_training")
pytestmark = pytest.mark.slow

OBJECTS = {
    "key-images-ko", "lesions-rtstruct", "lesions-seg", "measurements-sr", "report-pdf",
    "tissues-seg",
}  # fmt: skip
SEED = 3
"""Of a simulated patient with lesions that can't be overlooked."""
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def call(*arguments):
    answer = CliRunner().invoke(app, [str(word) for word in arguments])
    assert answer.exit_code == 0, answer.output


def objects(study, output):
    """Names and bytes of the DICOM objects that a run of the command writes."""
    call("run", study, "-o", output, "--device", "cpu", "--threads", 1)
    return {path.stem: path.read_bytes() for path in (output / "dicom").iterdir()}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A simulated study as DICOM, its truth, and the results of the command."""
    home = tmp_path_factory.mktemp("hospital")
    layout = "--layout", "dicom", "--no-maps", "--healthy-share", 0
    call("simulate", "-o", home / "made", "-n", 1, "--seed", SEED, *layout)
    [study] = (home / "made").glob("SIM-*")
    shutil.move(study / "truth", home / "truth")
    return home, study, objects(study, home / "out")


def test_the_same_series_in_another_folder_make_the_same_objects(hospital):
    home, study, first = hospital
    assert set(first) == OBJECTS
    assert objects(study.rename(home / "renamed"), home / "again") == first


def test_segments_lie_on_the_true_lesions_on_the_right_side_of_the_head(hospital):
    home, *_ = hospital
    truth = nib.load(home / "truth" / "segmentation.nii.gz")
    core = np.isin(np.asarray(truth.dataobj), (1, 3))
    volume = hd.seg.segread(home / "out" / "dicom" / "lesions-seg.dcm").get_volume(
        combine_segments=True
    )
    index = np.argwhere(volume.array > 0)
    ras = index @ (LPS @ volume.affine)[:3, :3].T + (LPS @ volume.affine)[:3, 3]

    def share(positions):
        """Share of positions, RAS mm, that lie in a true lesion."""
        to_truth = np.linalg.inv(truth.affine)
        at = np.rint(positions @ to_truth[:3, :3].T + to_truth[:3, 3]).astype(int)
        inside = ((at >= 0) & (at < core.shape)).all(axis=1)
        return core[tuple(at[inside].T)].sum() / len(at)

    there, mirrored = share(ras), share(ras * [-1, 1, 1])
    assert there > 0.3
    assert mirrored < 0.5 * there


def test_validators_find_no_error_in_results_of_the_command(hospital, tool):
    home, *_ = hospital
    for path in sorted((home / "out" / "dicom").iterdir()):
        assert errors(output_of(tool("dciodvfy"), path), ALLOWED) == [], path.name
