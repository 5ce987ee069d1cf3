"""The report's sentences about single lesions."""

from __future__ import annotations

import numpy as np
import pytest
from vasotype.outputs import report_words as words
from vasotype.result import (
    BiomarkerRecord,
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


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (True, "", "yes"),
        (False, "", "no"),
        ("ring", "", "ring"),
        (0.12345, "1", "0.123"),
        (3.0, "mm", "3 mm"),
        (None, "mm", "–"),
    ],
)
def test_biomarkers_are_written_with_their_unit(value, unit, text):
    biomarker = BiomarkerRecord(
        id="FE-01", name="x", value=value, unit=unit, available=True, quality="good", note=None
    )
    assert words.biomarker_value(biomarker) == text


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


@pytest.mark.parametrize(("volume", "text"), [(0.034, "0.03"), (1.5, "1.50"), (103.21, "103.2")])
def test_volumes_keep_the_digits_that_matter(volume, text):
    assert words.ml(volume) == text


def test_the_date_is_written_for_people():
    assert words.date("2026-11-04T08:03:22.123+00:00") == "4 Nov 2026, 08:03 UTC"
