"""Pictures of quality: two sequences in turns, the brain mask, and what was found of each."""

import base64
import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from vasotype.acquisition import check
from vasotype.outputs.report_page import render
from vasotype.outputs.report_quality import SQUARE_MM, quality_section
from vasotype.stages import SourceSeries, Study
from vasotype_models.contract import CHANNELS


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.source.split(",")[1]))))


@pytest.fixture
def analysis(scene, phantom, grid_of):
    prepared, _ = scene([], shape=(64, 72, 56))
    image = prepared.image.copy()
    image[CHANNELS.index("t1c")] = np.linspace(0, 1, 64)[:, None, None]  # bright on the right
    image[CHANNELS.index("flair")] = np.linspace(1, 0, 64)[:, None, None]
    grid = grid_of((40, 48, 40), (3, 3, 3))
    volumes = {channel: phantom(grid, channel) for channel in ("t1c", "flair")}
    series = (SourceSeries("series 1 (<b>loc</b>)", "localizer", None, ("few slices",)),)
    acquisition = check(Study("s", volumes, series=series))
    result = SimpleNamespace(reference="t1c", acquisition=acquisition)
    return SimpleNamespace(prepared=replace(prepared, image=image), result=result)


def test_each_sequence_takes_turns_with_the_reference(analysis):
    section = quality_section(analysis)
    assert [row.title for row in section.rows] == [
        "T1c, the reference", "T1 and T1c in turns", "T2 and T1c in turns",
        "FLAIR and T1c in turns",
    ]  # fmt: skip
    assert all(len(row.pictures) == 3 for row in section.rows)
    plain, mixed = (pixels(section.rows[n].pictures[0]).astype(float) for n in (0, 3))
    square = int(SQUARE_MM * plain.shape[1] / section.rows[0].pictures[0].drawing.width_mm)
    corner = (slice(4, square - 4), slice(square // 2, square - 4))
    beside = (corner[0], slice(square + 4, square + square // 2))
    assert abs(mixed[beside] - plain[beside]).mean() < 12  # the reference's square
    assert abs(mixed[corner] - plain[corner]).mean() > 60  # FLAIR's, which runs the other way


def test_t1_is_as_bright_as_t1c_beside_it(analysis):
    image = analysis.prepared.image.copy()
    ramp = np.linspace(1, 2, 64)[:, None, None] * np.ones(analysis.prepared.mask.shape)
    image[CHANNELS.index("t1c")] = ramp
    image[CHANNELS.index("t1c")][::8, ::8] = 9  # vessels set its white, not that of T1
    image[CHANNELS.index("t1")] = 300 * ramp
    analysis.prepared = replace(analysis.prepared, image=image * analysis.prepared.mask)
    rows = quality_section(analysis).rows
    home, turns = (pixels(row.pictures[0]).astype(float) for row in (rows[0], rows[1]))
    inside = home > 20
    assert np.median(turns[inside]) == pytest.approx(np.median(home[inside]), abs=8)


def test_the_brain_mask_is_outlined_in_every_picture(analysis):
    for row in quality_section(analysis).rows:
        assert all(picture.drawing.outlines["brain"].startswith("M") for picture in row.pictures)


def test_the_table_names_series_reasons_and_unverified_numbers(analysis):
    html = render("quality.html.j2", quality=quality_section(analysis))
    assert "series 1 (&lt;b&gt;loc&lt;/b&gt;)" in html
    assert "few slices" in html
    assert "number not verified" in html
    assert html.count("<img") == 12


def test_without_a_check_the_pictures_stand_alone(analysis):
    analysis.result.acquisition = None
    section = quality_section(analysis)
    assert section.checks == []
    assert len(section.rows) == 4
