"""Figures beside their bars."""

import pytest
from evaluation import make_figure, make_figures
from pydantic import ValidationError
from vasotype_models.registry import resolve
from vasotype_training.evaluate.bars import Bar, Bars, read_bars
from vasotype_training.evaluate.outlines import Reliability
from vasotype_training.evaluate.page import write_summary
from vasotype_training.evaluate.tables import filled, summary


def bars(**row):
    section = {
        "title": "T",
        "about": "A",
        "key": {"cohort": "dev", "variant": "all|t1c"},
        "columns": [{"words": "core", "key": {"metric": "dice_tc"}}],
        "rows": [{"words": "first", "cells": [">= 0.80"], **row}],
    }
    return Bars.model_validate({"sections": [section]})


def cell(the_bars, *figures):
    (table,) = filled(the_bars, [make_figures(*figures)])
    return table.cells[0][0]


def test_a_bar_is_reached_from_its_bound_on():
    assert Bar.parse(">= 0.80").reached(0.8)
    assert not Bar.parse("<= 4").reached(5)
    assert str(Bar.parse("<= 4")) == "≤ 4"
    within = Bar.parse("0.87 to 0.93")
    assert [within.reached(value) for value in (0.86, 0.87, 0.93, 0.94)] == [
        False,
        True,
        True,
        False,
    ]
    assert str(within) == "0.87 to 0.93"
    assert Bar.parse("report") is None
    with pytest.raises(ValueError, match="no bar"):
        Bar.parse("about 4")


def test_what_misses_its_bar_stands_in_bold_beside_it():
    assert str(cell(bars(), make_figure(0.9, low=0.85, high=0.95))) == "0.900 (0.85-0.95), ≥ 0.80"
    assert str(cell(bars(), make_figure(0.7))) == "**0.700**, ≥ 0.80"


def test_a_figure_that_was_not_measured_says_so():
    assert str(cell(bars(), make_figure(0.9, variant="flair"))) == "not measured (≥ 0.80)"


def test_the_first_variant_that_was_measured_serves():
    assert cell(bars(), make_figure(0.9, variant="t1c")).figure.value == 0.9


def test_each_study_means_the_worst_of_them():
    figures = [make_figure(v, study=s) for s, v in (("a", 0.9), ("b", 0.7), ("c", 0.1))]
    of_all = cell(bars(key={"study": "each"}), make_figure(0.5), *figures)
    but_c = cell(bars(key={"study": "each but c"}), *figures)
    assert (of_all.figure.study, but_c.figure.study) == ("c", "b")
    assert str(but_c) == "**0.700** (b), ≥ 0.80"


def test_a_row_needs_a_cell_for_each_column():
    with pytest.raises(ValidationError, match="2 cells"):
        bars(cells=[">= 0.80", "report"])


def test_the_summary_counts_the_bars_and_says_what_is_simulated():
    tables = filled(bars(), [make_figures(make_figure(0.7))])
    text = summary(tables, [make_figures(make_figure(0.7))])
    assert "0 of 1 bars are reached." in text
    assert "dev: 9 simulated studies" in text


def test_every_bar_of_the_release_asks_for_one_figure():
    """Each cell of the shipped bars has a full key, so that a figure could ever be found."""
    from vasotype_training.evaluate.tables import PARTS

    for section in read_bars(resolve("default")).sections:
        for row in section.rows:
            for column in section.columns:
                key = section.key | column.key | row.key
                whole = {part: key[part].format(**key) for part in PARTS if part in key}
                assert set(PARTS[:3]) <= set(whole), (section.title, row.words)


def test_the_page_draws_a_dot_for_every_figure(tmp_path):
    evaluation = make_figures(make_figure(0.7, low=0.6, high=0.8))
    write_summary(filled(bars(), [evaluation]), {}, {}, [evaluation], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<circle") == 1
    assert "0.700 (0.60-0.80), ≥ 0.80" in page
    assert "**" not in page
    assert Reliability.__name__ not in page
