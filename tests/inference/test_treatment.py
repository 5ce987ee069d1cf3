"""After treatment: what competes with tumor growth is said before any vascular mode."""

import pytest
from vasotype.clinical import Clinical, Radiotherapy, Surgery
from vasotype.lesions.biomarkers_region import given
from vasotype.phenotype.treatment import CAVITY, NECROSIS, consider_treatment
from vasotype.result import MimicrySuspicion, ModeProbabilities, PhenotypeRecord
from vasotype_models.contract import MODES

FLUID = given("FE-13", "fluid_share_of_core", "1", 0.9)
SOLID = given("FE-13", "fluid_share_of_core", "1", 0.1)
RCBV = given("FE-10", "rcbv_mean", "of white matter", 2.0)
PET = given("FE-16", "tbr_max", "1", 3.0)
IRRADIATED = Clinical(radiotherapy=(Radiotherapy(technique="stereotactic", lesions=(1,)),))
RESECTED = Clinical(surgery=(Surgery(),))


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
    treated = consider_treatment([phenotype], [(SOLID,)], IRRADIATED)
    (read,), (treatment,) = treated.phenotypes, treated.treatments
    assert treatment.competing == NECROSIS
    assert read.abstained
    assert (read.label, read.prediction_set) == (None, MODES)
    assert "without perfusion or PET" in read.reason
    assert read.probabilities == phenotype.probabilities


@pytest.mark.parametrize("evidence", [RCBV, PET])
def test_with_perfusion_or_pet_the_explanation_stands_beside_the_mode(phenotype, evidence):
    treated = consider_treatment([phenotype], [(evidence,)], IRRADIATED)
    assert treated.phenotypes == (phenotype,)
    assert treated.treatments[0].competing == NECROSIS
    assert treated.treatments[0].evidence == (evidence.name,)


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
