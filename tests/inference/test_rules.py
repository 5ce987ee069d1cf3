"""The reading by thresholds: transparent, editable, and silent where too little was measured."""

import json
from importlib import resources

import pytest
from pydantic import ValidationError
from vasotype.phenotype.rules import default_rules, parse_rules, read_by_rules
from vasotype.result import BiomarkerRecord, MimicrySuspicion, ModeProbabilities, PhenotypeRecord

ANGIOGENIC = {
    "enhancement_mean": 1.4,
    "edema_ratio_size_adjusted": 0.7,
    "border_width": 2.0,
    "rcbv_mean": 4.0,
    "ktrans_tumor_mean": 0.2,
}
CO_OPTION = {
    "enhancement_mean": 0.3,
    "edema_ratio_size_adjusted": -0.9,
    "border_width": 5.0,
    "rcbv_mean": 1.5,
    "ktrans_tumor_mean": 0.03,
}


def biomarkers(values, quality="good"):
    return [
        BiomarkerRecord(
            id="FE-02", name=n, value=v, unit="1", available=True, quality=quality, note=None
        )
        for n, v in values.items()
    ]


def phenotype(label):
    return PhenotypeRecord(
        probabilities=ModeProbabilities(angiogenic=0.4, intermediate=0.3, co_option=0.3),
        mimicry_suspicion=MimicrySuspicion(level="no", score=0.1),
        label=label,
        label_supported=False,
        prediction_set=("angiogenic", "intermediate", "co_option"),
        abstained=label is None,
        reason=None if label else "FLAIR is missing",
        tier="both",
        low_permeability_share=None,
    )


def read(values, label="angiogenic", rules=None, **record):
    return read_by_rules(biomarkers(values, **record), phenotype(label), rules or default_rules())


def shipped():
    text = resources.files("vasotype.phenotype").joinpath("rules.json").read_text("utf-8")
    return json.loads(text)


@pytest.mark.parametrize(("values", "mode"), [(ANGIOGENIC, "angiogenic"), (CO_OPTION, "co_option")])
def test_typical_lesions_lean_as_described(values, mode):
    reading = read(values, mode)
    assert reading.label == mode
    assert len(reading.in_favour) == 5
    assert reading.against == ()


def test_the_rules_need_not_agree_with_the_model_and_say_what_is_against_it():
    reading = read(CO_OPTION, "angiogenic")
    assert reading.label == "co_option"
    assert reading.in_favour == ()
    assert "modest blood volume (mean rCBV 1.5, at most 2.2)" in reading.against
    assert "a gradual border (border width in mm 5, at least 3.5)" in reading.against


def test_conflicting_signs_of_equal_weight_are_intermediate():
    reading = read({"rcbv_mean": 4.0, "ktrans_tumor_mean": 0.03}, "intermediate")
    assert reading.label == "intermediate"
    assert len(reading.against) == 2


def test_a_middle_value_speaks_for_the_intermediate_mode_alone():
    values = {"rcbv_mean": 2.5, "ktrans_tumor_mean": 0.08}
    assert len(read(values, "intermediate").in_favour) == 2
    assert read(values, "angiogenic").against == ()


def test_perfusion_outweighs_one_structural_sign():
    values = {"edema_ratio_size_adjusted": -0.9, "rcbv_mean": 4.0, "ktrans_tumor_mean": 0.2}
    assert read(values).label == "angiogenic"


def test_edema_speaks_only_against_tumors_of_its_size():
    assert read({"edema_ratio": 9.0, "rcbv_mean": 4.0}).label is None


@pytest.mark.parametrize(
    ("values", "label", "quality"),
    [
        ({"rcbv_mean": 4.0}, "angiogenic", "good"),
        (ANGIOGENIC, None, "good"),
        (ANGIOGENIC, "angiogenic", "low"),
        (dict.fromkeys(ANGIOGENIC), "angiogenic", "none"),
    ],
    ids=["one-sign", "model-abstains", "low-quality", "nothing-measured"],
)
def test_there_is_no_reading_without_enough_evidence(values, label, quality):
    reading = read(values, label, quality=quality)
    assert reading.label is None
    assert reading.in_favour == reading.against == ()


def test_the_shipped_thresholds_are_marked_as_ours():
    book = default_rules()
    assert book.source == "ours, simulated/assumed"
    assert {rule.basis for rule in book.rules} == {"simulated", "assumed"}


def test_a_site_s_own_thresholds_change_the_reading():
    book = shipped()
    for rule in book["rules"]:
        if rule["biomarker"] == "rcbv_mean":
            rule |= {"upper": 6.0, "lower": 5.0, "basis": "site"}
    values = {"rcbv_mean": 4.0, "ktrans_tumor_mean": 0.08}
    assert read(values).label == "angiogenic"
    assert read(values, rules=parse_rules(json.dumps(book))).label == "co_option"


@pytest.mark.parametrize(
    "change", [{"upper": 1.0}, {"weight": 0}, {"angiogenic": "middle"}, {"threshold": 3}]
)
def test_rules_that_make_no_sense_are_refused(change):
    book = shipped()
    book["rules"][3] |= change
    with pytest.raises(ValidationError):
        parse_rules(json.dumps(book))
