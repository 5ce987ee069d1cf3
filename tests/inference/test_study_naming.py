import pytest
from vasotype.study.naming import common_case, is_label_file, parse_name


@pytest.mark.parametrize(
    ("name", "case", "channel"),
    [
        ("Brats18_CBICA_AQR_1_t1.nii.gz", "Brats18_CBICA_AQR_1", "t1"),
        ("Brats18_CBICA_AQR_1_t1ce.nii.gz", "Brats18_CBICA_AQR_1", "t1c"),
        ("BraTS2021_00006_t2.nii", "BraTS2021_00006", "t2"),
        ("BraTS2021_00006_flair.nii.bz2", "BraTS2021_00006", "flair"),
        ("BraTS-MET-00110-000-t1n.nii.gz", "BraTS-MET-00110-000", "t1"),
        ("BraTS-MET-00110-000-t1c.nii.gz", "BraTS-MET-00110-000", "t1c"),
        ("BraTS-MET-00110-000-t2w.nii.gz", "BraTS-MET-00110-000", "t2"),
        ("BraTS-MET-00110-000-t2f.nii.gz", "BraTS-MET-00110-000", "flair"),
        ("a_t1gd.nii", "a", "t1c"),
        ("a_T1_Gd.nii", "a", "t1c"),
        ("a_t1pg.nii", "a", "t1c"),
        ("a_ct1.nii", "a", "t1c"),
        ("a_fla.nii", "a", "flair"),
        ("a_T2_FLAIR.nii", "a", "flair"),
        ("sub-01_ses-2_ce-gadolinium_T1w.nii.gz", "sub-01_ses-2", "t1c"),
        ("sub-01_ce-gad_run-1_T1w.nii.gz", "sub-01", "t1c"),
        ("sub-01_acq-3d_T1w.nii.gz", "sub-01", "t1"),
        ("sub-01_FLAIR.nii.gz", "sub-01", "flair"),
        ("case-rcbv.nii.gz", "case", "rcbv"),
        ("case-ktrans.nii.gz", "case", "ktrans"),
        ("case-tbr.nii.gz", "case", "tbr"),
        ("T1C.NII.GZ", "", "t1c"),
    ],
)
def test_names_of_the_field_are_known(name, case, channel):
    assert parse_name(name) == (case, channel)


@pytest.mark.parametrize(
    "name",
    [
        "case_seg.nii.gz",
        "case_pseudoseg.nii.bz2",
        "case-t1c_seg.nii.gz",
        "pred_t1c.nii.gz",
        "t1_brain_mask.nii.gz",
        "case.json",
        "t1c.dcm",
        "._case_t1.nii.gz",
        "patient1.nii.gz",
        "heart1.nii.gz",
        "exact2.nii.gz",
    ],
)
def test_labels_and_strangers_are_no_sequence(name):
    assert parse_name(name) is None


def test_masks_and_segmentations_are_told_from_images():
    assert is_label_file("BraTS2021_00006_seg.nii.gz")
    assert not is_label_file("BraTS2021_00006_t1.nii.gz")


def test_case_is_what_all_names_share():
    assert common_case(["BraTS_1", "BraTS_1"]) == "BraTS_1"
    assert common_case(["sub-01_ses-1", "sub-01_ses-2"]) == "sub-01"
    assert common_case(["a", "b"]) == ""
    assert common_case([]) == ""
