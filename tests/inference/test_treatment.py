"""After treatment: what competes with tumor growth is said before any vascular mode."""

import pytest
from vasotype.clinical import Clinical, Radiotherapy, Surgery
from vasotype.lesions.biomarkers_region import given
from vasotype.phenotype.rules import default_rules
from vasotype.phenotype.treatment import CAVITY, NECROSIS, consider_treatment
from vasotype.result import MimicrySuspicion, ModeProbabilities, PathologyRecord, PhenotypeRecord
from vasotype_models.contract import MODES

FLUID = given("FE-13", "fluid_share_of_core", "1", 0.9)
SOLID = given("FE-13", "fluid_share_of_core", "1", 0.1)
RCBV = given("FE-10", "rcbv_mean", "of white matter", 3.0)
LOW_RCBV = given("FE-10", "rcbv_mean", "of white matter", 1.5)
LOW_KTRANS = given("FE-11", "ktrans_tumor_mean", "1/min", 0.02)
POOR_RCBV = given("FE-10", "rcbv_mean", "of white matter", 3.0, "low")
VP = given("FE-11", "vp_tumor_p50", "mL/100mL", 9.0)
PET = given("FE-16", "tbr_max", "1", 3.0)
LOW_PET = given("FE-16", "tbr_max", "1", 1.8)
IRRADIATED = Clinical(radiotherapy=(Radiotherapy(technique="stereotactic", lesions=(1,)),))
RESECTED = Clinical(surgery=(Surgery(),))
SITE = default_rules().model_copy(update={"viable_tumor": {"rcbv_mean": 2.1, "tbr_max": 2.15}})
"""Limits that a site has set."""


@pytest.fixture
def phenotype():
    return PhenotypeRecord.model_construct(
        probabilities=ModeProbabilities(angiogenic=0.7, intermediate=0.2, co_option=0.1),
        mimicry_suspicion=MimicrySuspicion(level="no", score=0.1),
        label="angiogenic",
        label_supported=True,
        prediction_set=("angiogenic",),
        abstained=False,
        reason=None,
        tier="structural",
        low_permeability_share=0.2,
    )


def test_an_irradiated_lesion_has_no_mode_without_perfusion_and_pet(phenotype):
    treated = consider_treatment([phenotype], [(SOLID,)], IRRADIATED, SITE)
    (read,), (treatment,) = treated.phenotypes, treated.treatments
    assert treatment.competing == NECROSIS
    assert read.abstained
    assert (read.label, read.prediction_set) == (None, MODES)
    assert "without perfusion or PET" in read.reason
    assert read.probabilities == phenotype.probabilities


@pytest.mark.parametrize("evidence", [RCBV, PET])
def test_high_blood_volume_or_uptake_lets_the_explanation_stand_beside_the_mode(
    phenotype, evidence
):
    treated = consider_treatment([phenotype], [(evidence,)], IRRADIATED, SITE)
    assert treated.phenotypes == (phenotype,)
    assert treated.treatments[0].competing == NECROSIS
    assert treated.treatments[0].evidence == (evidence.name,)


@pytest.mark.parametrize(
    ("measured", "word"),
    [
        ((LOW_RCBV, LOW_KTRANS), "rcbv mean 1.5, at least 2.1 would"),
        ((LOW_RCBV, LOW_PET), "tbr max 1.8, at least 2.15 would"),
        ((POOR_RCBV,), "without perfusion or PET of good quality"),
        ((VP,), "without perfusion or PET of good quality"),
    ],
    ids=["picture-of-necrosis", "both-low", "poorly-measured", "no-limit"],
)
def test_what_does_not_support_viable_tumor_lifts_no_abstention(phenotype, measured, word):
    """Low rCBV and Ktrans are what necrosis shows as well as co-option."""
    (read,) = consider_treatment([phenotype], [measured], IRRADIATED, SITE).phenotypes
    assert read.abstained
    assert (read.label, read.mimicry_suspicion.level) == (None, "unknown")
    assert word in read.reason


def test_one_sign_of_viable_tumor_is_enough(phenotype):
    treated = consider_treatment([phenotype], [(LOW_RCBV, PET)], IRRADIATED, SITE)
    assert treated.phenotypes == (phenotype,)


@pytest.mark.parametrize(("least", "abstained"), [({"rcbv_mean": 1.4}, False), ({}, True)])
def test_a_site_s_own_limit_decides(phenotype, least, abstained):
    rules = default_rules().model_copy(update={"viable_tumor": least})
    (read,) = consider_treatment([phenotype], [(LOW_RCBV,)], IRRADIATED, rules).phenotypes
    assert read.abstained is abstained


@pytest.mark.parametrize(
    ("record", "abstained"),
    [
        (PathologyRecord(lesion=1, mode="co_option"), False),
        (PathologyRecord(lesion=1, growth_pattern="infiltrative"), True),
        (PathologyRecord(lesion=2, mode="co_option"), True),
    ],
    ids=["mode", "no-mode", "another-lesion"],
)
def test_a_mode_seen_in_tissue_says_that_there_is_tumor(phenotype, record, abstained):
    treated = consider_treatment([phenotype], [(LOW_RCBV,)], IRRADIATED, default_rules(), [record])
    assert treated.phenotypes[0].abstained is abstained
    assert treated.treatments[0].competing == NECROSIS


def test_no_limit_ships_and_the_reason_says_so(phenotype):
    assert default_rules().viable_tumor == {}
    (read,) = consider_treatment([phenotype], [(RCBV, PET)], IRRADIATED).phenotypes
    assert read.abstained
    assert "no limit" in read.reason


def test_a_lesion_outside_the_field_is_read_as_before(phenotype):
    treated = consider_treatment([phenotype] * 2, [(), ()], IRRADIATED)
    assert [p.abstained for p in treated.phenotypes] == [True, False]


@pytest.mark.parametrize("clinical", [None, Clinical(), Clinical(radiotherapy=(), surgery=())])
def test_unknown_and_absent_treatment_assert_nothing(phenotype, clinical):
    treated = consider_treatment([phenotype], [(SOLID,)], clinical)
    assert treated.phenotypes == (phenotype,)
    assert treated.treatments[0].competing is None


def test_the_rim_of_a_probable_cavity_is_not_called_a_lesion_without_saying_so(phenotype):
    treated = consider_treatment([phenotype], [(FLUID,)], RESECTED)
    assert treated.treatments[0].cavity == "probable"
    assert treated.treatments[0].competing == CAVITY
    assert treated.phenotypes[0].abstained
    assert [f.code for f in treated.findings] == ["resection-cavity"]


def test_a_fluid_core_is_a_possible_cavity_only_where_surgery_is_not_ruled_out(phenotype):
    unknown = consider_treatment([phenotype], [(FLUID,)], None)
    assert unknown.treatments[0].cavity == "possible"
    assert not unknown.phenotypes[0].abstained
    ruled_out = consider_treatment([phenotype], [(FLUID,)], Clinical(surgery=()))
    assert ruled_out.treatments[0].cavity == "no"
    assert not ruled_out.findings


def test_an_unnamed_course_may_have_reached_any_lesion(phenotype):
    course = Clinical(radiotherapy=(Radiotherapy(technique="stereotactic"),))
    treated = consider_treatment([phenotype], [()], course)
    assert treated.treatments[0].irradiated is None
    assert treated.phenotypes[0].abstained
