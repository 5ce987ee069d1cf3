import pytest
from vasotype.lesions import find_lesions
from vasotype.phenotype import lesion_inputs
from vasotype.phenotype.pet import readable_pet
from vasotype.result import BiomarkerRecord
from vasotype_models.contract import STRUCTURAL, read_contract
from vasotype_models.registry import resolve

NODULE = {"at": (24, 24, 24), "core": 6}


def test_pet_with_fet_is_read_as_it_is(scene):
    prepared, _ = scene([NODULE], channels=(*STRUCTURAL, "tbr"))
    assert readable_pet(prepared, "fet") is prepared


def test_a_study_without_pet_stays_as_it_is(scene):
    prepared, _ = scene([NODULE])
    assert readable_pet(prepared, "met") is prepared


@pytest.mark.parametrize(("tracer", "said"), [("met", "is MET"), (None, "is not known")])
def test_another_tracer_is_kept_from_the_phenotype_and_said(scene, tracer, said):
    prepared, _ = scene([NODULE], channels=(*STRUCTURAL, "rcbv", "tbr"))
    readable = readable_pet(prepared, tracer)
    assert readable.channels == (*STRUCTURAL, "rcbv")
    assert "tbr" in prepared.channels
    (finding,) = (f for f in readable.findings if f.code == "pet-not-read")
    assert said in finding.message


@pytest.mark.parametrize(("tracer", "seen"), [("fet", True), ("fdopa", False)])
def test_the_ratio_of_another_tracer_is_no_feature(scene, tracer, seen):
    prepared, maps = scene([NODULE], channels=(*STRUCTURAL, "tbr"))
    contract = read_contract(resolve("default"))
    lesions = find_lesions(prepared, maps, contract.inference)
    ratio = BiomarkerRecord(
        id="FE-16", name="tbr_max", value=3.0, unit="1", available=True, quality="good", note=None
    )
    readable = readable_pet(prepared, tracer)
    (found,) = lesion_inputs(readable, maps, lesions, [(ratio,)], contract)
    assert ("tbr_max" in found.features) is seen
