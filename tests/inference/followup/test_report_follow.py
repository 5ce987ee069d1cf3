"""The follow-up page: self-contained, a plot and pictures for every lesion, honest words."""

import re
from html.parser import HTMLParser

import pytest
from vasotype.clinical import Clinical
from vasotype.followup.follow import compare_visits
from vasotype.followup.limits import read_limits
from vasotype.followup.observe import Context
from vasotype.outputs.report_follow import render_follow_report

BEFORE = {"rcbv_mean": 3.5, "ktrans_tumor_mean": 0.14, "enhancement_mean": 1.2, "edema_ratio": 2.5}
RESTORED = BEFORE | {"ktrans_tumor_mean": 0.05, "enhancement_mean": 0.5, "edema_ml": 2.0}
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


@pytest.mark.usefixtures("lying_still")
def test_without_lesions_the_page_is_calm(visit_of):
    context = Context((0, None), (None, None), read_limits())
    page = Words(render_follow_report(compare_visits([visit_of([]), visit_of([])], context))).text
    assert "No lesion was found at any timepoint, so there is no change to measure." in page
    assert "PD" not in page.split("How to read this")[0]


def test_the_table_tells_growth_and_what_became_of_a_lesion(text):
    assert "-3 %, vessel co-option" in text
    assert "found each time" in text
