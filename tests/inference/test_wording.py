"""What a report must say and must never say, whatever was found and whatever was asked for."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

import pytest
from vasotype.clinical import Clinical
from vasotype.outputs import report_clinical, report_considerations, report_follow_words
from vasotype.outputs import report_triage as triage_words
from vasotype.outputs.report_guide import guide
from vasotype.outputs.report_page import render
from vasotype.outputs.report_reasons import reason_sentences
from vasotype.outputs.report_words import (
    REPEATED,
    leaning,
    mimicry,
    rule_reading,
    rule_signs,
    standing,
    support,
)
from vasotype.phenotype.reasons import NETWORK_REASON, WORDS
from vasotype.result import (
    AfterTreatment,
    MimicrySuspicion,
    ModeProbabilities,
    PhenotypeRecord,
    ReasonRecord,
    RuleReading,
)

MODES = ("angiogenic", "intermediate", "co_option")
LABELS = (*MODES, None)

MUST_SAY = {
    "research use": "no clinical decision may rest on it",
    "leanings": "A mode is an imaging leaning",
    "simulation": "learned mostly from simulated lesions; no lesions with a vascular mode proven",
    "inputs": "Read from T1, T1c, FLAIR. Not available: T2, rCBV",
    "what could change it": "treatment history and tissue could change the reading",
    "non-specific": "Edema, enhancement and blood volume are non-specific",
    "after treatment": "radiation necrosis or restoration of the blood-brain barrier explains",
    "lesions differ": "Lesions of one patient may differ, and a summary hides this",
    "mimicry": "rests on features none of which is pathognomonic",
    "minimal enhancement": "Minimal enhancement does not exclude active tumor",
    "histology": "Histology is the reference. Where it disagrees, the disagreement is recorded",
    "perfusion": "Perfusion values are relative and depend on the processing; leakage correction",
}

NEVER_SAY = {
    "a fact": r"\b(is|are|was|were) (an? )?(angiogenic|co-opt|vessel co-opti|intermediate\b)",
    "a recommendation": r"recommend|\b(should|must|ought to) (be )?(treat|receiv|irradiat|resect)",
    "a forecast": r"surviv|prognos|will respond|respond(s|er|ers)? to|likely to (respond|progress)",
    "transdifferentiation": r"transdifferentiat",
    "control": r"(response|controlled) under anti-VEGF",
    "absolute flow": r"\bCBF\b",
    "simulator accuracy": r"\b(accuracy|AUC|AUROC|sensitivity|specificity)\b",
    "therapy": r"bevacizumab|\bTKI\b",
}
THERAPIES = r"radiosurgery|osimertinib|checkpoint inhibit|anti-VEGF agent|radiotherapy or immune"
"""Named in considerations, in the treatment history, and in cautions; else nowhere."""


class Words(HTMLParser):
    """The visible words of a page."""

    def __init__(self, html):
        super().__init__()
        self.said = []
        self.feed(html)
        self.text = " ".join(" ".join(self.said).split())

    def handle_data(self, data):
        self.said.append(data)


def reasons():
    """One reason of each kind that the fused model knows, beyond the simulated lesions."""
    for feature, (name, high, _) in {**WORDS, NETWORK_REASON: ("network", "", "")}.items():
        yield ReasonRecord(
            feature=feature,
            name=name,
            words=high,
            value=None if feature == NETWORK_REASON else 0.5,
            standardised=3.0,
            contribution=0.2,
            direction="for",
        )


def phenotype(label, members=MODES, tier="structural"):
    values = {mode: 0.5 if mode == label else 0.25 for mode in MODES}
    if label is None:
        values = dict.fromkeys(MODES, 1 / 3)
    return PhenotypeRecord(
        probabilities=ModeProbabilities(**values),
        mimicry_suspicion=MimicrySuspicion(level="yes", score=0.8),
        label=label,
        label_supported=members == (label,),
        prediction_set=members,
        abstained=label is None,
        reason=None if label else "FLAIR is missing",
        tier=tier,
        low_permeability_share=None,
        network_probabilities=ModeProbabilities(angiogenic=0.4, intermediate=0.3, co_option=0.3),
        reasons=tuple(reasons()),
    )


def sets():
    """Every subset of the modes."""
    return itertools.chain.from_iterable(itertools.combinations(MODES, n) for n in range(4))


def considerations():
    return Words(render("considerations.html.j2", considerations=report_considerations)).text


def sentences():
    """Every sentence about a lesion, for every label, prediction set and treatment."""
    for label, members in itertools.product(LABELS, sets()):
        reading = phenotype(label, members)
        yield leaning(reading)
        yield support(reading)
        yield mimicry(reading.mimicry_suspicion)
        yield standing(reading)
        rules = RuleReading(label=label, in_favour=(), against=())
        yield rule_reading(rules)
        yield from rule_signs(rules, label)
        yield from map(" ".join, reason_sentences(reading))
    for competing, cavity in itertools.product(
        ("recurrence or radiation necrosis", None), ("no", "possible", "probable")
    ):
        yield report_clinical.competing(
            AfterTreatment(irradiated=True, cavity=cavity, competing=competing, evidence=())
        )
    yield triage_words.TEAM
    yield REPEATED
    yield from report_follow_words.GUIDE
    yield from report_follow_words.SIZE_NAMES.values()
    yield report_follow_words.WINDOW


GUIDE = " ".join(guide(("t1", "t1c", "flair"), ("t2", "rcbv")))


@pytest.mark.parametrize("words", MUST_SAY.values(), ids=MUST_SAY)
def test_every_report_says(words):
    assert words in GUIDE


@pytest.mark.parametrize("pattern", NEVER_SAY.values(), ids=NEVER_SAY)
def test_no_sentence_ever_says(pattern):
    for said in (*sentences(), GUIDE, considerations()):
        assert not re.search(pattern, said, re.IGNORECASE), said


def test_therapies_are_named_in_considerations_only():
    assert re.search(THERAPIES, considerations())
    for said in (*sentences(), GUIDE):
        assert not re.search(THERAPIES, said), said


def test_mimicry_never_stands_without_its_limit():
    for level in ("yes", "no", "unknown"):
        assert "No single imaging feature is pathognomonic" in mimicry(
            MimicrySuspicion(level=level, score=None)
        )


def test_considerations_show_all_three_arms_with_sections_and_choose_none():
    text = considerations()
    positions = [text.index(arm.title) for arm in report_considerations.ARMS]
    assert positions == sorted(positions)
    assert len(positions) == len(MODES)
    assert all("§" in arm.sections for arm in report_considerations.ARMS)
    assert "It is the same text in every report" in text


def test_what_is_not_known_of_the_history_is_said_to_be_so():
    assert report_clinical.history(None) == "not known"
    assert report_clinical.history(Clinical()).count("not known") == 6
    known = report_clinical.history(
        Clinical.model_validate(
            {
                "primary": "lung",
                "steroids": False,
                "radiotherapy": [{"days_since": 40}],
                "surgery": [],
                "anti_vegf": {"given": True, "days_since_start": 21},
                "ici": False,
            }
        )
    )
    assert known == (
        "primary tumor lung; no steroids; radiotherapy 40 days before; no surgery; "
        "anti-VEGF, started 21 days before; no immune checkpoint inhibitor"
    )
