import pytest
from vasotype.findings import CATALOGUE, StudyError
from vasotype.study import find_named_studies, find_studies
from vasotype.study.discover import list_study


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_labels_json_and_hidden_files_are_passed_over(tmp_path):
    touch(tmp_path, "a_t1c.nii.gz", "a_seg.nii.gz", "case.json", "._a_flair.nii.gz")
    listing = list_study(tmp_path)
    assert set(listing.files) == {"t1c"}
    assert listing.unused == ()


def test_two_files_for_one_sequence_are_refused_by_name(tmp_path):
    touch(tmp_path, "a_t1ce.nii.gz", "a_t1gd.nii.gz")
    with pytest.raises(StudyError, match=r"a_t1ce.nii.gz and a_t1gd.nii.gz.*--t1c") as error:
        list_study(tmp_path)
    assert error.value.code == "ambiguous-sequence"


def test_a_flag_settles_two_files_for_one_sequence(tmp_path):
    touch(tmp_path, "a_t1ce.nii.gz", "a_t1gd.nii.gz", "a_flair.nii.gz")
    assert set(list_study(tmp_path, given=["t1c"]).files) == {"flair"}


def test_a_bids_session_is_read_through_its_anat_folder(tmp_path):
    touch(tmp_path / "ses-1" / "anat", "sub-1_ses-1_ce-gd_T1w.nii.gz", "sub-1_ses-1_FLAIR.nii.gz")
    listing = list_study(tmp_path / "ses-1")
    assert set(listing.files) == {"t1c", "flair"}
    assert listing.case == "sub-1_ses-1"


@pytest.mark.parametrize("name", ["case.json", "a_t1c.nii.gz"])
def test_a_single_file_is_no_study(tmp_path, name):
    touch(tmp_path, name)
    with pytest.raises(StudyError, match=f"{name}: one file") as error:
        list_study(tmp_path / name)
    assert error.value.code == "not-a-study"


def test_a_folder_of_studies_is_told_from_an_empty_one(tmp_path):
    touch(tmp_path / "some" / "a", "a-t1c.nii.gz")
    touch(tmp_path / "some" / "b", "b-t1c.nii.gz")
    touch(tmp_path / "none" / "a", "notes.txt")
    with pytest.raises(StudyError, match="some: no study lies in it, 2 in folders") as error:
        list_study(tmp_path / "some")
    assert error.value.code == "folder-of-studies"
    assert "vasotype batch" in CATALOGUE[error.value.code].remedy
    assert not list_study(tmp_path / "none").files


def test_cohort_gives_its_studies_in_order_and_nothing_else(tmp_path):
    touch(tmp_path / "b", "b-t1c.nii.gz")
    touch(tmp_path / "a", "a_flair.nii.bz2")
    touch(tmp_path / "a" / "truth", "segmentation.nii.gz")
    touch(tmp_path / "maps", "a-rcbv.nii.gz")
    touch(tmp_path / ".cache", "c_t1c.nii.gz")
    assert find_studies(tmp_path) == [tmp_path / "a", tmp_path / "b"]


def test_folders_with_images_of_unusual_names_are_studies(tmp_path):
    touch(tmp_path / "odd", "brain post.nii.gz")
    touch(tmp_path / "site" / "a", "a-t1c.nii.gz", "extra.nii")
    touch(tmp_path / "site" / "a" / "dwi", "a_dwi.nii.gz")
    touch(tmp_path / "site" / "b" / "anat", "unlike.nii.gz")
    touch(tmp_path / "labels", "a_seg.nii.gz")
    touch(tmp_path / "results" / "a", "result.json", "lesions.nii.gz", "habitats.nii.gz")
    site = tmp_path / "site"
    assert find_studies(tmp_path) == [tmp_path / "odd", site / "a", site / "b"]
    assert find_named_studies(tmp_path) == [site / "a"]


def test_a_loose_image_hides_no_study_below_it(tmp_path):
    touch(tmp_path, "template_T1w.nii.gz", "atlas.nii.gz")
    touch(tmp_path / "odd", "brain post.nii.gz")
    assert find_studies(tmp_path) == [tmp_path, tmp_path / "odd"]


def test_linked_studies_are_found_and_circles_end(tmp_path):
    touch(tmp_path / "store" / "a", "a_t1c.nii.gz")
    cohort = touch(tmp_path / "cohort")
    (cohort / "a").symlink_to(tmp_path / "store" / "a")
    (cohort / "circle").symlink_to(cohort)
    assert find_studies(cohort) == [cohort / "a"]


def test_a_cohort_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StudyError, match="nowhere: no such folder"):
        find_studies(tmp_path / "nowhere")
