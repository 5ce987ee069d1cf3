"""The report's sentences about single lesions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from vasotype.outputs import report_words as words
from vasotype.result import (
    MimicrySuspicion,
    ModeProbabilities,
    PhenotypeRecord,
    RuleReading,
)


def phenotype(members, *, label="co_option", supported=False):
    return PhenotypeRecord(
        probabilities=ModeProbabilities(angiogenic=0.2, intermediate=0.2, co_option=0.6),
        mimicry_suspicion=MimicrySuspicion(level="no", score=0.1),
        label=label,
        label_supported=supported,
        prediction_set=members,
        abstained=label is None,
        reason=None if label else "FLAIR is missing",
        tier="structural",
        low_permeability_share=None,
    )


ALL = ("angiogenic", "intermediate", "co_option")


@pytest.mark.parametrize(
    ("members", "supported", "sentence"),
    [
        (ALL, False, "no mode is excluded"),
        (("co_option",), True, "only vessel co-option is left"),
        (("co_option", "intermediate"), False, "not excluded: intermediate, vessel co-option"),
        ((), False, "unlike those used for calibration"),
    ],
)
def test_the_prediction_set_is_put_into_words(members, supported, sentence):
    assert sentence in words.support(phenotype(members, supported=supported))


def test_abstention_gives_its_reason_and_no_set():
    reading = phenotype(ALL, label=None)
    assert words.leaning(reading) == "No leaning is given: FLAIR is missing."
    assert words.support(reading) == ""


def test_rules_that_lack_evidence_say_so():
    reading = RuleReading(label=None, in_favour=(), against=())
    assert "too few biomarkers" in words.rule_reading(reading)


def test_rules_that_lean_to_neither_end_say_why_and_give_their_signs():
    reading = RuleReading(label="intermediate", in_favour=(), against=("a sharp border (1.2)",))
    assert "neither end prevails" in words.rule_reading(reading)
    assert words.rule_signs(reading, "intermediate") == [
        "Signs for intermediate: none.",
        "Signs against it: a sharp border (1.2).",
    ]


@pytest.mark.parametrize(
    ("supported", "said"),
    [
        ((), "3 vessel co-option; not alone at 90 %"),
        ((1,), "3 vessel co-option; 1 of 3 alone at 90 %"),
        ((0, 1, 2), "3 vessel co-option; alone at 90 %"),
    ],
)
def test_leanings_are_counted_with_those_that_stand_alone(supported, said):
    lesions = [
        SimpleNamespace(phenotype=phenotype(ALL, supported=n in supported)) for n in (0, 1, 2)
    ]
    assert words.leaning_counts(lesions) == said
    silent = SimpleNamespace(phenotype=phenotype((), label=None))
    assert words.leaning_counts([silent]) == "1 without a leaning"


@pytest.mark.parametrize("level", ["yes", "no", "unknown"])
def test_mimicry_never_stands_without_its_limit(level):
    said = words.mimicry(MimicrySuspicion(level=level, score=None))
    assert said == f"{level.capitalize()}. No single imaging feature is pathognomonic."


@pytest.mark.parametrize(
    ("point", "location"),
    [
        ((-30, -40, 30), "left, posterior, superior"),
        ((30, 40, -30), "right, anterior, inferior"),
        ((1, 0, 0), "midline"),
        ((30, 0, 0), "right"),
    ],
)
def test_locations_are_told_from_the_middle_of_the_brain(point, location):
    mask = np.zeros((110, 130, 100), bool)
    mask[10:91, 10:121, 10:91] = True
    affine = np.eye(4)
    affine[:3, 3] = [-50, -65, -50]
    shift = np.array([20.0, -7.0, 3.0])
    affine[:3, 3] += shift
    assert words.Compass(mask, affine).location(tuple(np.array(point) + shift)) == location


def test_positions_are_counted_from_the_middle_of_the_brain_wherever_the_origin_lies():
    mask = np.zeros((50, 60, 40), bool)
    mask[5:46, 10:51, 5:36] = True  # its middle is voxel (25, 30, 20)
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = [-900.0, 400.0, 7.0]
    point = affine @ [10, 18, 33, 1]
    assert words.Compass(mask, affine).from_middle(tuple(point[:3])) == "L 30, P 12, S 13"


@pytest.mark.parametrize(("volume", "text"), [(0.034, "0.03"), (1.5, "1.50"), (103.21, "103.2")])
def test_volumes_keep_the_digits_that_matter(volume, text):
    assert words.ml(volume) == text


def test_the_date_is_written_for_people():
    assert words.date("2026-11-04T08:03:22.123+00:00") == "4 Nov 2026, 08:03 UTC"
