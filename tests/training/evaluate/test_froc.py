"""Free-response ROC by hand, and what must hold for any study."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation import cube, labelled, lesion, phenotype, prediction, scored_study
from hypothesis import given
from hypothesis import strategies as st
from vasotype_training.evaluate.froc import RATES, froc, sensitivity_at
from vasotype_training.evaluate.plots import froc_plot
from vasotype_training.evaluate.score import FalsePositive, LesionScore, score
from vasotype_training.evaluate.summary import detection_figures

NOWHERE = (0, 0, 0)


def study(found=(), missed=0, strays=(), diameter_mm=8.0):
    """A study whose lesions were found with these confidences, or missed."""
    hits = [LesionScore(diameter_mm, True, NOWHERE, {}, None, None, c) for c in found]
    misses = [LesionScore(diameter_mm, False, NOWHERE, {}, None, None)] * missed
    return replace(
        scored_study("a", cube(), cube()),
        lesions=(*hits, *misses),
        strays=tuple(FalsePositive(NOWHERE, c) for c in strays),
    )


def test_a_curve_by_hand():
    curve = froc([study((0.9, 0.7), 1, (0.8,)), study((), 1, (0.95, 0.6))], 5)
    assert curve.confidence == pytest.approx([0.95, 0.9, 0.8, 0.7, 0.6])
    assert curve.sensitivity == pytest.approx([0, 0.25, 0.25, 0.5, 0.5])
    assert curve.false_positives == pytest.approx([0.5, 0.5, 1, 1, 1.5])
    assert curve.at(1.0) == (0.5, 0.7)
    assert curve.at(0.4) == (0.0, 1.0)


def test_small_lesions_are_not_asked_for():
    assert froc([study((0.9,), diameter_mm=4.9)], 5) is None
    assert np.isnan(sensitivity_at([study((0.9,), diameter_mm=4.9)], 5, 1.0))


def test_without_false_positives_all_that_was_found_counts():
    assert sensitivity_at([study((0.9, 0.8), 2)], 5, 0.25) == 0.5


confidences = st.lists(st.floats(0.5, 1.0), max_size=6)


@given(found=confidences, strays=confidences, missed=st.integers(0, 3))
def test_a_curve_only_rises_and_ends_where_the_model_works(found, strays, missed):
    one = study(found, missed, strays)
    curve = froc([one], 5)
    if not found and not missed:
        assert curve is None
    elif found or strays:
        assert (np.diff(curve.sensitivity) >= 0).all()
        assert (np.diff(curve.false_positives) >= 0).all()
        assert curve.sensitivity[-1] == pytest.approx(len(found) / (len(found) + missed))
        assert curve.false_positives[-1] == len(strays)


def test_nothing_found_at_all_is_no_curve_but_no_sensitivity():
    assert sensitivity_at([study(missed=2)], 5, 1.0) == 0.0


def test_confidences_are_those_of_the_lesions_in_the_result():
    truth = cube(((6, 6, 6), 6, 3))
    answer = cube(((6, 6, 6), 6, 3), ((20, 20, 20), 4, 3))
    ids = cube(((6, 6, 6), 6, 2), ((20, 20, 20), 4, 1))
    sure = [
        lesion(number, phenotype(0.5)).model_copy(update={"confidence": c})
        for number, c in ((1, 0.75), (2, 0.95))
    ]
    scored = score(labelled(truth), prediction(answer, ids, sure))
    assert [found.confidence for found in scored.lesions] == [0.95]
    assert [stray.confidence for stray in scored.strays] == [0.75]
    names = {f.metric: f.value for f in detection_figures([scored])}
    assert names["sensitivity, 5+ mm, at 0.25 false positives"] == 1.0


def test_the_plot_tells_the_confidence_of_each_rate():
    curve = froc([study((0.9, 0.7), 1, (0.8,)), study((), 1, (0.95, 0.6))], 5)
    drawn = froc_plot({"steer": curve})
    assert "at most 1 a study: 0.50 found, least confidence 0.70" in drawn
    assert drawn.count("<circle") == len(RATES)
    assert "nan" not in froc_plot({"nothing": froc([study(missed=1)], 5)})
