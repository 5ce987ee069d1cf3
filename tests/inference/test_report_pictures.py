"""Pictures of the HTML report: right in their sides, marks, measures and slices."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from made_report import (
    ABSTAINED,
    ORIGIN,
    PATIENT_LEFT,
    PATIENT_RIGHT,
    THREE,
    Page,
    analysis,
    record,
    strip,
)
from vasotype.outputs.report import render_report, write_report
from vasotype.outputs.report_pictures import strip_levels
from vasotype.stages import Grid, Volume


@pytest.fixture(scope="module")
def html():
    return render_report(analysis(THREE))


@pytest.mark.parametrize(
    ("voxel", "word"), [(PATIENT_LEFT, "left"), (PATIENT_RIGHT, "right")], ids=["left", "right"]
)
def test_a_lesion_in_the_patients_left_lies_on_the_right_of_the_axial_picture(voxel, word):
    page = Page(render_report(analysis([record(1, voxel, 7.0)])))
    brightest = np.max([page.picture(alt) for alt in strip(page)], axis=0)
    column = np.nonzero(brightest > 230)[1].mean() / brightest.shape[1]
    assert (column > 0.6) == (word == "left")
    assert (column < 0.4) == (word == "right")
    assert f"Lesion 1 {word}" in page.text


def test_marks_follow_the_radiological_convention(html):
    for plane, marks in {
        "axial": ["R", "L", "A", "P"],
        "coronal": ["R", "L", "S", "I"],
        "sagittal": ["A", "P", "S", "I"],
    }.items():
        figure = html.split(f'alt="Lesion 1: T1c, {plane} plane"')[1].split("</figure>")[0]
        assert re.findall(r">([RLAPSI])</text>", figure) == marks


def test_the_longest_diameter_is_drawn_through_the_middle_of_the_axial_picture(html):
    figure = html.split('alt="Lesion 1: T1c, axial plane"')[1].split("</figure>")[0]
    line = re.search(r'diameter" x1="(.*?)" y1="(.*?)" x2="(.*?)" y2="(.*?)"', figure)
    side = float(re.search(r'viewBox="0 0 (\d+)', figure)[1])
    x1, y1, x2, y2 = map(float, line.groups())
    assert abs(x2 - x1) == pytest.approx(14.0)
    assert y1 == y2 == pytest.approx(side / 2, abs=1)
    assert (x1 + x2) / 2 == pytest.approx(side / 2, abs=1)


def test_every_lesion_is_numbered_in_the_strip_where_the_slices_suffice(html):
    slices = html.split('<div class="strip">')[1].split("</div>\n    <figcaption>")[0]
    assert set(re.findall(r'text-anchor="middle">(\d+)</text></g>', slices)) == {"1", "2", "3"}


def test_levels_of_the_strip_move_to_lesions_between_them():
    even = [10, 20, 30, 40]
    assert strip_levels(even, []) == even
    assert strip_levels(even, [(18, 22)]) == even
    assert strip_levels(even, [(12, 14)]) == [13, 20, 30, 40]
    assert strip_levels(even, [(12, 16), (15, 18), (31, 33)]) == [15, 20, 32, 40]
    many = [(n, n) for n in range(1, 41, 4)]
    assert len(strip_levels(even, [*many, (20, 22)])) == len(even)


def test_pictures_tell_the_slice_of_the_reference_as_it_came():
    study = analysis([record(1, PATIENT_LEFT, 7.0)])
    affine = np.diag([-0.5, -1.0, 2.0, 1.0])  # LPS, with slices of 2 mm
    affine[:3, 3] = ORIGIN + np.array([79, 95, 0])
    native = Volume(np.zeros((160, 96, 32), np.float32), Grid((160, 96, 32), affine))
    html = render_report(replace(study, prepared=replace(study.prepared, native=native)))
    assert "T1c, axial, slice 17 of 32" in html  # level 32 of the 1 mm grid
    assert "FLAIR, coronal, slice 46 of 96" in html  # row 50, counted from the front
    assert "T1c, sagittal, slice 123 of 160" in html  # column 18, counted from the right


def test_a_study_without_lesions_says_so_and_shows_slices():
    page = Page(render_report(analysis([])))
    assert "No lesion was found." in page.text
    assert "may be missed" in page.text
    assert len(strip(page)) == 12
    assert not page.all("article")


def test_without_t1c_the_pictures_are_flair():
    lesion = record(1, PATIENT_LEFT, 7.0, "not assessable", ABSTAINED)
    page = Page(render_report(analysis([lesion], channels=("flair",))))
    assert not any("T1c" in i["alt"] for i in page.all("img"))
    assert len([i for i in page.all("img") if "FLAIR" in i["alt"]]) == 3 + 12 + 3
    assert "Without T1c the enhancement can't be assessed." in page.text


def test_ten_lesions_stay_below_three_megabytes(tmp_path):
    places = [(x, y, 30 + 2 * x // 10) for x in (20, 30, 40, 50, 60) for y in (38, 62)]
    records = [record(n, place, 4.0) for n, place in enumerate(places, start=1)]
    write_report(analysis(records), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
