"""Lesions of simulated and of real labels are measured by one rule."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype_training.simulate.morphology import (
    measure_forms,
    morphology_table,
    read_patients,
    sphericity,
)


def ball(shape, centre, radius):
    grid = np.indices(shape)
    return ((grid - np.array(centre).reshape(3, 1, 1, 1)) ** 2).sum(axis=0) < radius**2


def two_lesions():
    """A ring of 8 mm radius with edema, and a solid nodule of 4 mm without."""
    shape = (70, 40, 40)
    labels = np.zeros(shape, np.uint8)
    labels[ball(shape, (20, 20, 20), 12)] = 2
    labels[ball(shape, (20, 20, 20), 8)] = 3
    labels[ball(shape, (20, 20, 20), 5)] = 1
    labels[ball(shape, (55, 20, 20), 4)] = 3
    return labels


def save(path, labels, spacing=(1.0, 1.0, 1.0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(labels, np.diag([*spacing, 1.0])), path)


@settings(max_examples=12, deadline=None)
@given(radius=st.floats(4, 14), shift=st.floats(-0.5, 0.5))
def test_a_ball_is_round(radius, shift):
    assert sphericity(ball((40, 40, 40), (20 + shift, 20, 20), radius)) == pytest.approx(
        1, abs=0.06
    )


def test_a_rod_is_not_round():
    rod = np.zeros((60, 20, 20), bool)
    rod[5:55, 6:14, 6:14] = True
    assert sphericity(rod) < 0.75


def test_lesions_are_measured_and_edema_goes_to_the_nearest():
    ring, nodule = sorted(measure_forms(two_lesions()), key=lambda f: -f.core_ml)
    assert ring.diameter_mm == pytest.approx(16, abs=0.3)
    assert ring.necrosis_share == pytest.approx((5 / 8) ** 3, abs=0.02)
    assert ring.edema_ratio == pytest.approx((12 / 8) ** 3 - 1, abs=0.1)
    assert nodule.diameter_mm == pytest.approx(8, abs=0.3)
    assert nodule.edema_ml == 0


def test_no_label_is_no_lesion():
    assert measure_forms(np.zeros((10, 10, 10), np.uint8)) == []


def test_specks_are_left_out():
    labels = two_lesions()
    labels[2, 2, 2:4] = 3
    assert len(measure_forms(labels)) == 2


def test_voxels_of_any_size_give_millimetres(tmp_path):
    coarse = two_lesions()[::2, ::2]
    save(tmp_path / "X-seg.nii.gz", coarse, (2.0, 2.0, 1.0))
    [forms] = read_patients(tmp_path)
    assert max(f.diameter_mm for f in forms) == pytest.approx(16, rel=0.06)


def test_simulated_studies_are_read_without_their_excluded_region(tmp_path):
    labels = two_lesions()
    truth = tmp_path / "case" / "truth"
    save(truth / "segmentation.nii.gz", labels)
    exclude = np.zeros_like(labels)
    exclude[:40] = 1
    save(truth / "exclude.nii.gz", exclude)
    [[nodule]] = read_patients(tmp_path)
    assert nodule.diameter_mm == pytest.approx(8, abs=0.3)


def test_a_folder_without_labels_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        read_patients(tmp_path)


def test_the_table_sets_cohorts_side_by_side():
    forms = measure_forms(two_lesions())
    table = morphology_table({"one": [forms], "two": [forms, forms], "none": []})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert rows[0][1:] == ["one", "two", "none"]
    assert len({len(row) for row in rows}) == 1
    cells = {row[0]: row[1:] for row in rows}
    assert cells["lesions"] == ["2", "4", "0"]
    assert cells["12-20 mm: with necrosis"] == ["1.00", "1.00", "-"]


@pytest.mark.real_data
def test_real_outlines_have_their_known_sizes(real_data):
    """Recorded: 81 lesions, quartiles of the diameter 3.4, 6.0 and 9.8 mm."""
    patients = read_patients(real_data / "mets")
    diameters = [form.diameter_mm for forms in patients for form in forms]
    assert len(patients) == 6
    assert len(diameters) == pytest.approx(81, abs=2)
    assert np.percentile(diameters, (25, 50, 75)) == pytest.approx([3.4, 6.0, 9.8], abs=0.2)
