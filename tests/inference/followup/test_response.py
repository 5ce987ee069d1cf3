"""The size component of RANO-BM: published thresholds, baseline and nadir, nothing more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.followup.response import (
    Extent,
    caution,
    choose_targets,
    is_measurable,
    size_of_targets,
    with_new_lesions,
)


@pytest.mark.parametrize(
    ("longest", "across", "measurable"),
    [(10, 5, True), (9.9, 9, False), (14, 4.9, False), (30, 20, True)],
)
def test_a_measurable_lesion_has_10_mm_by_5_mm(longest, across, measurable):
    assert is_measurable(Extent(longest, across, slices=8, slice_mm=1.0)) is measurable


@pytest.mark.parametrize(
    ("slices", "slice_mm", "measurable"),
    [(2, 5.0, True), (2, 5.000001, True), (1, 5.0, False), (3, 6.0, False), (12, 1.0, True)],
)
def test_a_measurable_lesion_lies_on_two_slices_that_are_not_thick(slices, slice_mm, measurable):
    assert is_measurable(Extent(14, 11, slices, slice_mm)) is measurable


def test_targets_are_the_five_longest_measurable_lesions():
    longest = [12, 30, 8, 11, 25, 14, 16]
    found = choose_targets([*(Extent(mm, 7, slices=7, slice_mm=1.0) for mm in longest), None])
    assert found == (1, 4, 6, 5, 0)


@pytest.mark.parametrize(
    ("sums", "sizes"),
    [
        ([30, 21], ["PR"]),
        ([30, 21.1], ["SD"]),
        ([30, 36], ["PD"]),
        ([30, 35.9], ["SD"]),
        ([20, 24], ["SD"]),  # 20 % more, but only 4 mm
        ([30, 15, 20.5], ["PR", "PD"]),  # from the nadir, though still below baseline
        ([30, 0, 3], ["CR", "PR"]),
        ([30, 0, 6], ["CR", "PD"]),
    ],
)
def test_thresholds(sums, sizes):
    assert list(size_of_targets([[mm] for mm in sums])) == sizes


def test_five_millimetres_must_come_from_one_target():
    apart = [[12.0, 12.0], [15.0, 15.0]]
    assert size_of_targets(apart) == ("SD",)
    assert size_of_targets([[12.0, 12.0], [18.0, 12.0]]) == ("PD",)


def test_without_a_measurable_lesion_there_is_no_size_component():
    assert size_of_targets([[], [], []]) == ("not assessable", "not assessable")


def test_new_lesions_are_progress_except_under_immunotherapy():
    assert with_new_lesions("SD", 1, None) == "PD"
    assert with_new_lesions("SD", 1, False) == "PD"
    assert with_new_lesions("SD", 1, True) == "SD"
    assert with_new_lesions("PR", 0, None) == "PR"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(10, 60), min_size=1, max_size=5), st.floats(0.71, 1.19))
def test_small_changes_are_stable(baseline, factor):
    assert size_of_targets([baseline, [factor * mm for mm in baseline]]) == ("SD",)


@pytest.mark.parametrize("size", ["CR", "PR"])
def test_a_smaller_sum_under_treatment_that_lowers_enhancement_comes_with_a_caution(size):
    assert "not counted as tumor control" in caution(size, True)
    assert "not known here" in caution(size, None)
    assert caution(size, False) is None


@pytest.mark.parametrize("size", ["SD", "PD", "not assessable"])
def test_no_other_size_needs_it(size):
    assert caution(size, True) is None
