"""The follow-up page: self-contained, a plot and pictures for every lesion, honest words."""

import re
from html.parser import HTMLParser
from itertools import product
from typing import get_args

import pytest
from vasotype.clinical import Clinical
from vasotype.followup import remarks
from vasotype.followup.follow import compare_visits
from vasotype.followup.limits import read_limits
from vasotype.followup.observe import Context
from vasotype.followup.record import Mode, Transition, Verdict
from vasotype.outputs import report_follow_words as follow_words
from vasotype.outputs.report_follow import render_follow_report
from vasotype.outputs.report_trajectory import BOTTOM, HEIGHT
from vasotype.outputs.report_trajectory import panels as shown_panels

BEFORE = {"rcbv_mean": 3.5, "ktrans_tumor_mean": 0.14, "enhancement_mean": 1.2, "edema_ratio": 2.5}
RESTORED = BEFORE | {"ktrans_tumor_mean": 0.05, "enhancement_mean": 0.5, "edema_ml": 0.9}
ANTI_VEGF = Clinical.model_validate(
    {"anti_vegf": {"given": True, "days_since_start": 21}, "steroids": False}
)
NEVER = (
    r"\bis (an? )?(angiogenic|co-opted|vessel co-opti|intermediate)",
    r"recommend",
    r"transdifferentiat",
    r"surviv",
    r"prognos",
    r"\bCBF\b",
    r"will respond|responder|tumor response",
    r"resolved(?!\.)",
)


class Words(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.said, self.inside = [], None
        self.feed(html)
        self.text = " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag, attrs):
        if tag in ("style", "script"):
            self.inside = tag

    def handle_endtag(self, tag):
        if tag == self.inside:
            self.inside = None

    def handle_data(self, data):
        if self.inside is None:
            self.said.append(data)


@pytest.fixture(scope="module")
def html(visit_of, lesion_of, lying_still):
    places = (22, 42, 32), (50, 42, 32)
    visits = [
        visit_of([lesion_of(1, places[0], 7.0, **BEFORE)]),
        visit_of(
            [
                lesion_of(1, places[0], 6.8, label="co_option", **RESTORED),
                lesion_of(2, places[1], 4.0, minimal=True, **BEFORE),
            ]
        ),
    ]
    context = Context((0, 42), (Clinical(), ANTI_VEGF), read_limits())
    return render_follow_report(compare_visits(visits, context))


@pytest.fixture(scope="module")
def text(html):
    return Words(html).text


def test_the_file_needs_nothing_from_outside(html):
    assert not re.search(r"https?:|@import|url\(|<link|<iframe|<script", html)
    sources = re.findall(r'src="([^"]{0,20})', html)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)


def test_every_lesion_has_pictures_of_each_visit_and_a_plot_of_each_quantity(html):
    cards = html.split("<article")[1:]
    assert len(cards) == 2
    for card in cards:
        assert 'alt="Baseline: T1c' in card
        assert 'alt="Follow-up 1, day 42: T1c' in card
    assert re.findall(r'aria-label="([^:"]+):', cards[0])[:3] == [
        "Longest diameter, mm",
        "Tumor volume, mL",
        "Edema volume, mL",
    ]
    assert 'aria-label="Mean Ktrans, /min: 0.14, 0.05"' in cards[0]


def test_a_restored_barrier_under_anti_vegf_is_called_so(text):
    assert "That is no mode change: a restored blood-brain barrier explains it." in text
    assert "no change towards vessel co-option" in text
    assert "is not counted as tumor control" in text


def test_the_time_since_anti_vegf_is_shown_and_no_timing_proposed(text):
    assert "anti-VEGF, started 21 days before" in text
    assert "brief and differs between patients; no timing follows from it" in text


def test_a_size_component_is_named_for_the_brain_alone_and_is_no_response(text):
    assert "Size component of RANO-BM inside the brain" in text
    assert "It is no response" in text
    assert "New: lesion 2; PD where a reader confirms them." in text
    assert "Outside the brain Not assessed here" in text


def test_limits_stand_with_their_sources(text):
    assert "None of these limits was measured in brain metastases" in text
    assert "Ferl 2010" in text


@pytest.mark.parametrize("pattern", NEVER)
def test_the_page_never_says(text, pattern):
    assert not re.search(pattern, text, re.IGNORECASE)


def sentences():
    """Every remark, and every transition in words."""
    yield from (text for text in vars(remarks).values() if isinstance(text, str))
    yield from follow_words.WATCHED.values()
    for verdict, after in product(get_args(Verdict), (*get_args(Mode), None)):
        if after is None or verdict != "radiation necrosis possible":
            yield follow_words.transition(
                Transition(
                    before="intermediate",
                    after=after,
                    tiers=("structural", None),
                    verdict=verdict,
                    carried_by=("rcbv_mean",),
                )
            )


@pytest.mark.parametrize("pattern", NEVER)
def test_no_sentence_ever_says(pattern):
    for said in sentences():
        assert not re.search(pattern, said, re.IGNORECASE), said


def page(visits, *clinical):
    context = Context((0, *(None,) * (len(visits) - 1)), clinical, read_limits())
    return render_follow_report(compare_visits(visits, context))


@pytest.mark.usefixtures("lying_still")
@pytest.mark.parametrize("label", ["co_option", "angiogenic"], ids=["changed", "same"])
def test_a_leaning_that_growth_after_radiotherapy_puts_in_doubt_stands_nowhere(
    visit_of, lesion_of, label
):
    facts = Clinical.model_validate(
        {"radiotherapy": [{"technique": "whole_brain"}], "anti_vegf": False, "steroids": False}
    )
    visits = [
        visit_of([lesion_of(1, radius=7.0, label="intermediate", **BEFORE)]),
        visit_of([lesion_of(1, radius=9.0, label=label, **BEFORE)]),
    ]
    said = Words(page(visits, facts, facts)).text
    lesions = said[said.index("All lesions") : said.index("How to read this")]
    assert "leaning withheld: grown after radiotherapy, recurrence or radiation necrosis" in said
    assert "The leaning was intermediate; the one now is withheld" in said
    assert not re.search(r"co-option|angiogenic", lesions)


@pytest.mark.usefixtures("lying_still")
def test_the_overview_lists_what_treatment_may_hide(visit_of, lesion_of):
    places = (22, 42, 32), (50, 42, 32)
    visits = [
        visit_of([lesion_of(1, places[0], 7.0, **BEFORE), lesion_of(2, places[1], 7.0, **BEFORE)]),
        visit_of([lesion_of(1, places[0], 5.0, minimal=True, **BEFORE)]),
    ]
    html = page(visits, Clinical(), ANTI_VEGF)
    said = Words(html).text
    overview = said[said.index("Overview") : said.index("Examinations Timepoint")]
    assert "Hardly enhancing under anti-VEGF treatment: lesion 1; that is not resolved." in overview
    assert "given or may be: lesion 2; that is not counted as resolved." in overview
    assert "not counted as tumor control" in overview
    assert "It is no longer found while anti-VEGF treatment or steroids are given." in said
    assert "All 0 measured changes" not in said


@pytest.mark.usefixtures("lying_still")
def test_leanings_on_different_inputs_are_said_to_be_so(visit_of, lesion_of):
    later = lesion_of(1, label="co_option", tier="structural", **BEFORE)
    said = Words(page([visit_of([lesion_of(1, **BEFORE)]), visit_of([later])], None, None)).text
    assert "different inputs (routine MRI with DSC and DCE, then routine MRI)" in said


@pytest.mark.usefixtures("lying_still")
def test_the_band_of_edema_is_its_own_limit(visit_of, lesion_of):
    visits = [visit_of([lesion_of(1, edema_ml=8.0)]) for _ in range(2)]
    comparison = compare_visits(visits, Context((0, None), (None, None), read_limits()))
    [track] = comparison.record.tracks
    shown = {panel.title: panel for panel in shown_panels(comparison.record, track)}
    edema, floor = shown["Edema volume, mL"], HEIGHT - BOTTOM
    up = floor - edema.points[0].y
    assert [(floor - y) / up for y in edema.band] == pytest.approx([1.86, 0.14])


@pytest.mark.usefixtures("lying_still")
def test_without_lesions_the_page_is_calm(visit_of):
    said = Words(page([visit_of([]), visit_of([])], None, None)).text
    assert "No lesion was found at any timepoint, so there is no change to measure." in said
    assert "PD" not in said.split("How to read this")[0]


def test_the_table_tells_growth_and_what_became_of_a_lesion(text):
    assert "-3 %, vessel co-option" in text
    assert "found each time" in text
