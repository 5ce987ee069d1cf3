"""The HTML report: self-contained, complete, honest in its words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from made_report import PATIENT_LEFT, THREE, Page, analysis, phenotype, record
from vasotype.outputs.report import render_report
from vasotype.phenotype.triage import triage
from vasotype.result import ReasonRecord

NEVER_SAID = (
    r"\bis (an? )?(angiogenic|co-opted|vessel co-opti|intermediate)",
    r"recommend",
    r"\b(should|must) (be )?(treat|receiv|irradiat|resect)",
    r"transdifferentiat",
    r"growth pattern",
    r"surviv",
    r"prognos",
    r"\bCBF\b",
    r"will respond|response to|responder",
    r"replacement|pushing",
)


@pytest.fixture(scope="module")
def html():
    return render_report(analysis(THREE))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_file_needs_nothing_from_outside(html, page):
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert attributes.get(name, "#").startswith(("data:image/", "#"))
    assert not re.search(r"https?:|@import|url\(|<link|<iframe", html)


def test_the_page_is_well_formed(html, page):
    assert html.startswith("<!DOCTYPE html>")
    assert page.stack == []
    identifiers = [a["id"] for _, a in page.tags if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    targets = [a["href"][1:] for a in page.all("a")] + [a["for"] for a in page.all("label")]
    assert set(targets) <= set(identifiers)


def test_names_and_messages_are_escaped():
    name = '<script>alert("x")</script>'
    html = render_report(analysis(THREE, name=name))
    assert name not in html
    assert "&lt;script&gt;alert" in html
    assert "No &lt;perfusion&gt;." in html
    assert name in Page(html).text


def test_every_lesion_has_a_row_and_a_card_with_pictures(page):
    cards = [a["id"] for a in page.all("article")]
    assert cards == ["lesion-1", "lesion-2", "lesion-3"]
    rows = [
        a["data-value"] for a in page.all("th") if a.get("scope") == "row" and "data-value" in a
    ]
    assert rows == ["1", "2", "3"]
    for number in (1, 2, 3):
        alts = [i["alt"] for i in page.all("img") if i["alt"].startswith(f"Lesion {number}:")]
        for sequence in ("T1c", "FLAIR"):
            for plane in ("axial", "coronal", "sagittal"):
                assert f"Lesion {number}: {sequence}, {plane} plane" in alts


def test_every_picture_has_words_and_every_column_a_scope(page):
    assert all(i["alt"] for i in page.all("img"))
    assert all(h.get("scope") in ("row", "col") for h in page.all("th"))


def test_a_mode_is_a_leaning_with_its_number_and_its_set(page):
    assert "Leans angiogenic (0.62), against intermediate 0.25 and vessel co-option 0.13." in (
        page.text
    )
    assert "At the 90 % level these modes are not excluded: angiogenic, intermediate." in page.text


def test_a_reading_by_rules_stands_beside_the_leaning_with_its_signs_and_limits(page):
    assert (
        "By rules it leans vessel co-option. "
        "The thresholds are ours, simulated or assumed; they hold for no particular scanner. "
        "Signs for angiogenic: much edema for its size (edema to tumor 4, at least 2.03). "
        "Signs against it: a gradual border (border width in mm 5, at least 3.5)."
    ) in page.text


def test_a_leaning_has_its_reasons_in_words(page):
    reason = ReasonRecord(
        feature="border_width_iqr",
        name="border variation",
        words="an even border",
        value=0.656,
        standardised=-2.8,
        contribution=0.2,
        direction="for",
    )
    lesion = record(1, PATIENT_LEFT, 7.0, reading=phenotype(reasons=(reason,)))
    text = Page(render_report(analysis([lesion]))).text
    assert "For this leaning an even border (its width varies by 0.7 mm)" in text
    assert "Against it nothing that counts" in text
    assert "Against it" not in page.text  # the network stands alone there


def test_biomarkers_stand_with_unit_and_quality_or_the_reason_for_none(page):
    assert "FE-10 rCBV, mean 1.52 of white matter low only 12 acquired voxels" in page.text
    assert "not measured: it needs CT perfusion or 2CXM PS" in page.text


def test_the_overview_says_how_many_leanings_stand_alone(page):
    assert "2 angiogenic, 1 without a leaning; not alone at 90 %" in page.text


def test_lesions_are_placed_from_the_middle_of_the_brain(page):
    assert "(L 22, A 2, S 0 mm from the middle of the brain)" in page.text


def test_lesions_are_compared_only_where_there_are_two():
    lone, two = ([record(n, PATIENT_LEFT, 7.0) for n in range(1, m)] for m in (2, 3))
    for lesions, heading in ((lone, False), (two, True)):
        study = analysis(lesions)
        compared = study.result.model_copy(update={"triage": triage(lesions)})
        text = Page(render_report(replace(study, result=compared))).text
        assert ("The lesions together" in text) == heading


def test_an_abstaining_lesion_shows_its_reason_and_no_probability(html):
    card = Page(html.split('id="lesion-3"')[1].split("</article>")[0].split(">", 1)[1])
    assert "No leaning is given: the longest diameter is below 5 mm." in card.text
    assert "0.62" not in card.text
    assert "leans" not in card.text
    assert not any("local leaning" in i["alt"] for i in card.all("img"))


@pytest.mark.parametrize("pattern", NEVER_SAID)
def test_the_report_never_says(page, pattern):
    assert not re.search(pattern, page.text, re.IGNORECASE)


@pytest.mark.parametrize(
    "words",
    [
        "no clinical decision may rest on it",
        "imaging leaning",
        "mostly from simulated lesions",
        "proven by histology",
        "Not available: rCBV, Ktrans, amino-acid PET",
        "Edema, enhancement and blood volume are non-specific",
        "After radiotherapy or anti-VEGF treatment",
        "Lesions of one patient may differ",
        "No single imaging feature is pathognomonic",
        "Minimal enhancement does not exclude active tumor",
        "Histology is the reference",
        "Perfusion values are relative",
    ],
)
def test_the_report_always_says(page, words):
    assert words in page.text
