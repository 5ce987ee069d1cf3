"""Real cases: what is published is read, recognised and given back on its own grid."""

import nibabel as nib
import numpy as np
import pytest
from vasotype.prepare import prepare, to_native
from vasotype.study import find_studies, read_study

pytestmark = pytest.mark.real_data

CASES = (
    "BraTS19_CBICA_BHQ_1",
    "BraTS2021_00006",
    "BraTS2021_00008",
    "BraTS2021_00009",
    "Brats18_2013_11_1",
    "Brats18_CBICA_AQR_1",
    "Brats18_CBICA_ASY_1",
    "Brats18_TCIA10_639_1",
)


def codes(prepared):
    return {finding.code for finding in prepared.findings}


def test_the_validation_cohort_is_found(real_data):
    assert {folder.name for folder in find_studies(real_data / "validation")} >= set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_validation_cases_are_brains_and_come_back_on_their_grid(real_data, case):
    prepared = prepare(read_study(real_data / "validation" / case))
    assert prepared.present == (True,) * 4 + (False,) * 3
    assert codes(prepared) == {"map-missing"}
    assert 1000 < prepared.mask.sum() * prepared.grid.voxel_ml < 1900
    native = nib.load(prepared.native.path)
    assert np.array_equal(prepared.native.grid.affine, native.affine)
    back = to_native(prepared.image[1:2], prepared.grid, prepared.native.grid, 1)[0]
    brain = to_native(prepared.mask[None], prepared.grid, prepared.native.grid, 0)[0]
    assert np.array_equal(back[brain], np.asarray(native.dataobj, dtype=np.float32)[brain])


def test_the_metastasis_is_read_under_its_newer_name(real_data):
    prepared = prepare(read_study(real_data / "tumor" / "BraTS-MET-00110-000"))
    assert prepared.name == "BraTS-MET-00110-000"
    assert codes(prepared) == {"map-missing"}


def test_3_mm_slices_without_contrast_are_read_by_flair(real_data):
    prepared = prepare(read_study(real_data / "anatomy" / "openms_long_p01_s1"))
    assert prepared.native.path.name.startswith("flair")
    assert codes(prepared) == {"map-missing", "sequence-missing"}
    assert prepared.mask.sum() * prepared.grid.voxel_ml == pytest.approx(1303, rel=0.01)


def test_heads_with_their_skull_are_noticed_though_their_air_is_zero(real_data):
    prepared = prepare(read_study(real_data / "whole_head" / "openms_long_raw_p20_s2"))
    assert "not-skull-stripped" in codes(prepared)
