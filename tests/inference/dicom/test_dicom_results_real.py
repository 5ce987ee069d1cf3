"""Results that refer to scanners' own objects: classic, and multi-frame of two vendors."""

import highdicom as hd
import numpy as np
import pytest
from vasotype.outputs import OutputOptions
from vasotype.outputs.dicom import write_dicom
from vasotype.study.dicom import read_series

SERIES = {
    "t1c_3d_axial_vs_seg_001_half.zip": 1,
    "enhanced_multiframe.zip": 2,
}
"""Archive -> how many of its series make a volume."""
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.mark.real_data
@pytest.mark.parametrize("archive", SERIES)
def test_real_objects_get_results_that_lie_in_their_place(real_data, kit, tmp_path, archive):
    series = read_series(real_data / "dicom" / archive).series
    volumes = [one for one in series if one.volume_problem is None]
    assert len(volumes) == SERIES[archive]
    for one in volumes:
        affine = LPS @ one.grid.affine
        middle = affine @ [*((np.array(one.grid.shape) - 1) / 2), 1.0]
        analysis = kit.analysis_of(one, centre=middle[:3])
        home = tmp_path / str(one.number)
        source = analysis.prepared.native.source
        assert write_dicom(analysis, source, home, OutputOptions(report=False)) == ()
        volume = hd.seg.segread(home / "lesions-seg.dcm").get_volume(combine_segments=True)
        assert centre(volume.array == 1, volume.affine) == pytest.approx(
            centre(analysis.lesions.native_instances == 1, affine), abs=0.05
        )
        assert (volume.array > 0).sum() == (analysis.lesions.native_instances > 0).sum()


def centre(mask, affine):
    return affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]
