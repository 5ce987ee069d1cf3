"""Findings in the report: sequences in words and consequences, no flags or commands."""

import re

import pytest
from vasotype.findings import CATALOGUE
from vasotype.outputs.report_findings import for_reader
from vasotype.result import FindingRecord


def told(code, message="m", remedy=None):
    kind = CATALOGUE[code]
    severity = "warning" if kind.severity == "refuse" else kind.severity
    (found,) = for_reader(
        [FindingRecord(code=code, severity=severity, message=message, remedy=remedy or kind.remedy)]
    )
    return found


def test_missing_maps_are_named_in_words_with_what_follows():
    found = told("map-missing", "maps that are missing: rcbv, ktrans, tbr")
    assert found.message == "Maps that are missing: rCBV, Ktrans, amino-acid PET"
    assert "nothing was filled in" in found.remedy


def test_requirements_are_looked_up_in_the_report_itself():
    assert "below" in told("protocol-deviation").remedy


def test_what_is_not_for_the_terminal_stays():
    said = "Blood volume doesn't need it. Give the input by --aif for flow."
    assert told("map-missing", remedy=said).remedy != said
    assert told("thick-slices", remedy=said).remedy == "Blood volume doesn't need it."


@pytest.mark.parametrize("code", CATALOGUE)
def test_no_remedy_asks_for_a_flag_or_a_command(code):
    assert not re.search(r"--[a-z]|vasotype [a-z]|pip ", told(code).remedy)
