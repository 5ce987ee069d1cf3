import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from vasotype.findings import CATALOGUE, Severity, StudyError
from vasotype.stages import Grid
from vasotype_training.cohorts import LesionTruth, case_name, find_labelled, read_labelled

SHAPE = (24, 26, 22)
AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])


def write(path, data, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path)


def images(folder, case, ending):
    rng = np.random.default_rng(0)
    for channel in ending:
        write(folder / f"{case}{channel}", rng.uniform(1, 900, SHAPE).astype(np.float32))


def labels(*values):
    data = np.zeros(SHAPE, np.uint8)
    for place, value in enumerate(values):
        data[4 + 3 * place, 5, 6:8] = value
    return data


@pytest.fixture
def brats(tmp_path):
    """Make a BraTS folder: file name pattern of its case and label values."""

    def make(case, values, separator="_", suffix=".nii.gz"):
        folder = tmp_path / case
        names = ("t1", "t1ce", "t2", "flair") if separator == "_" else ("t1n", "t1c", "t2w", "t2f")
        images(folder, case, [f"{separator}{name}{suffix}" for name in names])
        write(folder / f"{case}{separator}seg{suffix}", labels(*values))
        return folder

    return make


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "case-1"
    images(folder, "case-1", ["-t1c.nii.gz", "-t2f.nii.gz"])
    write(folder / "truth/segmentation.nii.gz", labels(3, 1, 2))
    write(folder / "truth/instances.nii.gz", labels(1, 2))
    (folder / "truth/lesions.tsv").write_text(
        "id\tmode\tmimicry\tsource\n1\tangiogenic\tyes\tsimulation\n2\t\t\t\n"
    )
    return folder


def tissues(labelled):
    return [int(labelled.tissue[4 + 3 * place, 5, 6]) for place in range(3)]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nii.bz2"])
def test_four_is_enhancing_tumor_before_2023(brats, suffix):
    assert tissues(read_labelled(brats("BraTS2021_00001", (1, 2, 4), suffix=suffix))) == [1, 2, 3]


def test_three_is_enhancing_tumor_from_2023_on(brats):
    folder = brats("BraTS-MET-00001-000", (1, 2, 3), separator="-")
    assert tissues(read_labelled(folder)) == [1, 2, 3]


def test_three_is_refused_where_the_dataset_has_no_three(brats):
    with pytest.raises(StudyError, match=r"\[3\] not in") as error:
        read_labelled(brats("Brats18_CBICA_AAA_1", (1, 2, 3)))
    assert error.value.code == "truth-values"


def test_scheme_is_never_guessed_from_values(brats):
    with pytest.raises(StudyError) as error:
        read_labelled(brats("hospital7", (1, 2, 4)))
    assert error.value.code == "truth-scheme-unknown"


def test_unknown_dataset_is_read_by_the_scheme_that_is_given(brats):
    decathlon = {"SNFH": [1], "NETC": [2], "ET": [3]}
    assert tissues(read_labelled(brats("hospital7", (1, 2, 3)), decathlon)) == [2, 1, 3]


def test_values_named_background_are_ignored(brats):
    with_cavity = {"NETC": [1], "SNFH": [2], "ET": [3], "background": [4]}
    assert tissues(read_labelled(brats("hospital7", (1, 4, 3)), with_cavity)) == [1, 0, 3]


def test_case_json_wins_over_the_name(brats):
    folder = brats("BraTS2021_00001", (1, 2, 3))
    label_map = {"SNFH": [1], "NETC": [2], "ET": [3]}
    (folder / "case.json").write_text(json.dumps({"label_map": label_map}))
    assert tissues(read_labelled(folder)) == [2, 1, 3]


@pytest.mark.parametrize(
    "case",
    [
        {"label_map": {"TC": [2], "SNFH": [1]}},
        {"label_map": {"NETC": [1], "SNFH": [2], "ET": [3]}, "labels": "pseudo, by a network"},
        {"label_map": {"NETC": [1], "SNFH": [2], "ET": [3]}, "pseudo_labels": True},
    ],
)
def test_labels_that_case_json_calls_pseudo_are_refused(brats, case):
    folder = brats("BraTS-MET-00001-000", (1, 2, 2), separator="-")
    (folder / "case.json").write_text(json.dumps(case))
    with pytest.raises(StudyError) as error:
        read_labelled(folder)
    assert error.value.code == "truth-pseudo"


def test_a_file_named_pseudoseg_is_no_reference(brats):
    folder = brats("BraTS-MET-00001-000", (1, 2, 3), separator="-")
    seg = folder / "BraTS-MET-00001-000-seg.nii.gz"
    seg.rename(folder / "BraTS-MET-00001-000_pseudoseg.nii.gz")
    assert find_labelled(folder) == []
    with pytest.raises(StudyError) as error:
        read_labelled(folder)
    assert error.value.code == "truth-pseudo"


@pytest.mark.parametrize(
    ("data", "affine"),
    [
        (labels(1)[:-1], AFFINE),
        (labels(1), np.diag([-1.0, 1.0, 1.0, 1.0])),
        (labels(1), np.diag([-1.0, -1.0, 1.1, 1.0])),
    ],
    ids=["cropped", "mirrored", "stretched"],
)
def test_labels_on_another_grid_are_refused(brats, data, affine):
    folder = brats("BraTS2021_00001", (1,))
    write(folder / "BraTS2021_00001_seg.nii.gz", data, affine)
    with pytest.raises(StudyError) as error:
        read_labelled(folder)
    assert error.value.code == "truth-grid"


def test_fractional_labels_are_refused(brats):
    folder = brats("BraTS2021_00001", (1,))
    write(folder / "BraTS2021_00001_seg.nii.gz", labels(1).astype(np.float32) / 2)
    with pytest.raises(StudyError) as error:
        read_labelled(folder)
    assert error.value.code == "truth-values"


def test_segmentation_only_cases_know_nothing_of_phenotype(brats):
    labelled = read_labelled(brats("BraTS2021_00001", (1, 2, 4)))
    assert labelled.lesions is None
    assert labelled.instances is None
    assert not labelled.simulated


def test_our_layout_carries_lesions_with_mode_mimicry_and_source(ours):
    labelled = read_labelled(ours)
    assert tissues(labelled) == [3, 1, 2]
    assert labelled.lesions == (
        LesionTruth(1, "angiogenic", True, "simulation"),
        LesionTruth(2, None, None, ""),
    )
    assert labelled.exclude is None


def test_a_study_of_the_simulator_is_known_by_the_file_it_leaves(ours):
    assert not read_labelled(ours).simulated
    (ours / "simulation.json").write_text("{}")
    assert read_labelled(ours).simulated


def test_a_lesion_too_small_for_a_voxel_stays_in_the_table(ours):
    with (ours / "truth/lesions.tsv").open("a") as table:
        table.write("3\tco_option\t\tsimulation\n")
    assert [lesion.id for lesion in read_labelled(ours).lesions] == [1, 2, 3]


def test_a_tumor_free_case_has_a_table_without_rows(ours):
    (ours / "truth/lesions.tsv").write_text("id\tmode\tmimicry\tsource\n")
    assert read_labelled(ours).lesions == ()


def test_excluded_region_is_a_mask(ours):
    write(ours / "truth/exclude.nii.gz", labels(1))
    assert int(read_labelled(ours).exclude.sum()) == 2


@pytest.mark.parametrize(
    "row", ["1\tvery angiogenic\tyes\tx", "1\t\tperhaps\tx", "one\t\t\tx", "7\t\t\tx"]
)
def test_a_table_that_does_not_fit_is_refused(ours, row):
    (ours / "truth/lesions.tsv").write_text(f"id\tmode\tmimicry\tsource\n{row}\n")
    with pytest.raises(StudyError) as error:
        read_labelled(ours)
    assert error.value.code == "truth-table"


def test_cohort_lists_cases_of_every_kind_in_order(ours, brats, tmp_path):
    older = brats("BraTS2021_00001", (1,))
    newer = brats("BraTS-MET-00001-000", (1,), separator="-")
    (tmp_path / "notes").mkdir()
    assert find_labelled(tmp_path) == sorted([newer, older, ours])
    assert find_labelled(older) == [older]


def test_sessions_of_a_bids_cohort_are_told_apart_as_the_runtime_does(tmp_path, monkeypatch):
    for subject, session in (("sub-1", "ses-01"), ("sub-1", "ses-02"), ("sub-2", "ses-01")):
        folder = tmp_path / subject / session
        images(folder / "anat", f"{subject}_{session}", ["_ce-gd_T1w.nii.gz", "_FLAIR.nii.gz"])
        write(folder / "truth/segmentation.nii.gz", labels(3, 1, 2))
    cases = [read_labelled(folder) for folder in find_labelled(tmp_path)]
    assert [case.name for case in cases] == ["sub-1_ses-01", "sub-1_ses-02", "sub-2_ses-01"]
    assert [case.study.name for case in cases] == [case.name for case in cases]
    monkeypatch.chdir(tmp_path / "sub-1")
    assert case_name(Path("ses-01")) == "sub-1_ses-01"


def test_labels_reach_another_grid_without_blending(ours):
    labelled = read_labelled(ours)
    affine = np.eye(4)
    affine[:3, 3] = labelled.grid.affine[:3, :3] @ (np.array(SHAPE) - 1.0)
    affine[2, 3] = 0.0
    moved = labelled.on_grid(Grid(SHAPE, affine))
    np.testing.assert_array_equal(moved.tissue, labelled.tissue[::-1, ::-1])
    np.testing.assert_array_equal(moved.instances, labelled.instances[::-1, ::-1])
    assert not moved.exclude.any()


def test_every_refusal_is_in_the_catalogue():
    source = Path(read_labelled.__code__.co_filename).read_text(encoding="utf-8")
    codes = {word for word in source.split('"') if word.startswith("truth-") and " " not in word}
    assert len(codes) == 6
    assert all(CATALOGUE[code].severity is Severity.REFUSE for code in codes)


@pytest.mark.real_data
def test_real_brats_case_has_the_volumes_that_its_description_states(real_data):
    folder = real_data / "validation/BraTS2021_00008"
    labelled = read_labelled(folder)
    stated = json.loads((folder / "case.json").read_text())["volumes_ml"]
    for value, tissue in ((1, "NETC"), (2, "SNFH"), (3, "ET")):
        volume = (labelled.tissue == value).sum() * labelled.grid.voxel_ml
        assert volume == pytest.approx(stated[tissue], abs=0.01)


@pytest.mark.real_data
def test_real_pseudo_labels_are_refused(real_data):
    with pytest.raises(StudyError) as error:
        read_labelled(real_data / "tumor/BraTS-MET-00110-000")
    assert error.value.code == "truth-pseudo"
