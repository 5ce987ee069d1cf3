"""The patient's lesions are compared after each was read alone, and nothing is chosen for them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.findings import StudyError
from vasotype.outputs import report_triage as words
from vasotype.phenotype.triage import core_ml, triage
from vasotype.result import (
    LesionRecord,
    MimicrySuspicion,
    ModeProbabilities,
    PhenotypeRecord,
    VolumeMl,
)

MODES = ("angiogenic", "intermediate", "co_option")


def lesion(number, label="angiogenic", core=1.0, top=0.6, pattern="ring"):
    rest = (1 - top) / 2
    values = {mode: top if mode == (label or "angiogenic") else rest for mode in MODES}
    return LesionRecord(
        id=number,
        centroid_ras_mm=(0, 0, 0),
        volume_ml=VolumeMl(enhancing=core / 2, non_enhancing_core=core / 2, edema=100 / number),
        longest_diameter_mm=10,
        perpendicular_diameter_mm=8,
        longest_ends_ras_mm=((0, 0, 0), (1, 0, 0)),
        enhancement_pattern=pattern,
        confidence=0.9,
        edema_shared=False,
        phenotype=PhenotypeRecord(
            probabilities=ModeProbabilities(**values),
            mimicry_suspicion=MimicrySuspicion(level="no", score=None),
            label=label,
            label_supported=False,
            prediction_set=MODES,
            abstained=label is None,
            reason=None if label else "FLAIR is missing",
            tier="structural",
            low_permeability_share=None,
        ),
    )


def test_without_lesions_there_is_nothing_to_compare():
    assert triage([]) is None


def test_the_dominant_lesion_is_the_one_with_the_largest_core():
    found = triage([lesion(1, core=2.0), lesion(2, core=5.0), lesion(3, core=1.0)])
    assert (found.dominant, found.chosen_by) == (2, "largest")


def test_the_user_may_name_the_symptomatic_lesion():
    lesions = [lesion(1, core=9.0), lesion(2, "co_option")]
    found = triage(lesions, symptomatic=2)
    assert (found.dominant, found.chosen_by) == (2, "symptomatic")
    assert found.disagreeing == (1,)


def test_a_symptomatic_lesion_that_is_not_there_is_refused():
    with pytest.raises(StudyError) as caught:
        triage([lesion(1)], symptomatic=3)
    assert caught.value.code == "symptomatic-unknown"
    assert "lesions found: 1" in str(caught.value)


def test_lesions_without_a_leaning_neither_agree_nor_disagree():
    found = triage([lesion(1, core=9.0), lesion(2, None), lesion(3, "co_option")])
    assert found.disagreeing == (3,)
    assert found.counts.model_dump() == {
        "angiogenic": 1,
        "intermediate": 0,
        "co_option": 1,
        "without_leaning": 1,
    }
    assert triage([lesion(1, None, core=9.0), lesion(2)]).disagreeing == ()


def test_the_spread_is_the_range_of_each_probability():
    found = triage([lesion(1, top=0.8), lesion(2, top=0.5), lesion(3, None)])
    assert found.spread.angiogenic == pytest.approx(0.3)
    assert found.spread.co_option == pytest.approx(0.15)
    assert triage([lesion(1)]).spread is None


def test_barely_enhancing_lesions_are_flagged_with_a_caution():
    found = triage([lesion(1), lesion(2, pattern="minimal")])
    assert found.non_enhancing == (2,)
    assert "does not exclude active tumor" in words.non_enhancing(found)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([*MODES, None]), st.floats(0.01, 50)), min_size=1, max_size=12
    )
)
def test_every_lesion_is_counted_once_and_the_order_does_not_matter(drawn):
    lesions = [lesion(n, label, core) for n, (label, core) in enumerate(drawn, start=1)]
    found = triage(lesions)
    assert sum(found.counts.model_dump().values()) == len(lesions)
    assert triage(lesions[::-1]).counts == found.counts
    assert triage(lesions[::-1]).dominant == found.dominant
    largest = max(map(core_ml, lesions))
    assert core_ml(lesions[found.dominant - 1]) == largest
    labels = {one.id: one.phenotype.label for one in lesions}
    assert all(labels[n] not in (None, labels[found.dominant]) for n in found.disagreeing)


def test_the_sentences_name_who_disagrees_and_how():
    lesions = [lesion(1, core=9.0), lesion(2, "co_option"), lesion(3, "co_option"), lesion(4)]
    found = triage(lesions)
    assert words.dominant(found, lesions) == (
        "Lesion 1, the largest: leans angiogenic (0.60), not alone at 90 %."
    )
    assert words.disagreement(found, lesions) == (
        "Leaning otherwise: lesions 2 and 3 to vessel co-option."
    )
