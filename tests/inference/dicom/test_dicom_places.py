"""Where the DICOM studies of a cohort lie: one visit a folder, as deep as visits lie apart."""

import pytest
from vasotype.study import find_named_studies, find_studies


@pytest.fixture
def put(tmp_path, kit):
    """Writes one slice: ``put("pat/visit/series", PatientID=...)`` below the cohort."""

    def write(place, **header):
        kit.save(kit.classic(kit.Plan(slices=1), **header), tmp_path / place)

    return write


def places(cohort):
    return [str(place.relative_to(cohort)) for place in find_studies(cohort)]


def test_series_folders_of_one_visit_are_one_study(put, tmp_path):
    put("a/t1")
    put("a/deeper/flair")
    assert places(tmp_path) == ["a"]


def test_visits_in_folders_of_their_own_are_studies(put, tmp_path):
    for visit in ("1", "2"):
        put(f"a/{visit}/t1", StudyDate=f"2020010{visit}")
        put(f"a/{visit}/flair", StudyDate=f"2020010{visit}")
    put("b/t1")
    assert places(tmp_path) == ["a/1", "a/2", "b"]


@pytest.mark.parametrize("keyword", ["PatientID", "StudyInstanceUID", "StudyDate"])
def test_patients_below_a_folder_of_a_site_are_studies(put, tmp_path, keyword):
    put("site/a", **{keyword: "20200101"})
    put("site/b", **{keyword: "20200102"})
    assert places(tmp_path) == ["site/a", "site/b"]


def test_visits_that_are_mixed_stay_one_place_to_be_refused(put, tmp_path):
    for series, day in (("s1", 1), ("s2", 2), ("s3", 1)):
        put(f"a/{series}", StudyDate=f"2020010{day}")
    assert places(tmp_path) == ["a"]


def test_dicom_in_the_cohort_itself_is_one_study(put, tmp_path):
    put(".")
    assert places(tmp_path) == ["."]


def test_dicom_below_the_folder_of_a_nifti_study_belongs_to_it(put, tmp_path, write_study):
    write_study(tmp_path / "site" / "a", channels=["t1c"])
    put("site/a/raw")
    put("site/b")
    assert places(tmp_path) == ["site/a", "site/b"]
    assert find_named_studies(tmp_path) == [tmp_path / "site" / "a"]


def test_results_are_no_studies(put, tmp_path):
    put("results/a/dicom")
    (tmp_path / "results" / "a" / "result.json").touch()
    assert places(tmp_path) == []


def test_a_header_that_is_cut_short_is_still_a_place(put, tmp_path):
    put("a")
    [file] = (tmp_path / "a").iterdir()
    file.write_bytes(file.read_bytes()[:140])
    assert places(tmp_path) == ["a"]
