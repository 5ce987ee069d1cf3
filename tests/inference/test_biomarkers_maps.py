"""Biomarkers of blood volume, Ktrans and PET maps with known values."""

from functools import partial

import numpy as np
import pytest
from layered_brain import FINE, KTRANS, NODULE, RCBV, RING, SHAPE, TBR, layered, measured, only
from vasotype.lesions.biomarkers_region import ScanFacts
from vasotype_models.contract import STRUCTURAL

FET = ScanFacts(pet_tracer="fet")


@pytest.fixture
def study(scene):
    return partial(layered, scene)


def test_maps_are_summarised_over_the_tumor(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    prepared.image[RCBV][core] = np.linspace(1.0, 5.0, core.sum())
    prepared.image[KTRANS][core] = np.linspace(0.0001, 0.2, core.sum())
    (found,) = measured(prepared, lesions)
    assert found["rcbv_mean"].value == pytest.approx(3.0, rel=1e-3)
    assert found["rcbv_p90"].value == pytest.approx(4.6, rel=1e-3)
    assert found["rcbv_max"].value == pytest.approx(4.92, rel=1e-3)
    shares = [
        found[f"ktrans_{n}_fraction"].value for n in ("below_0.02", "0.02_to_0.10", "above_0.10")
    ]
    assert shares == pytest.approx([0.1, 0.4, 0.5], abs=0.01)


def test_one_block_is_less_patchy_than_a_mixture(study):
    values = {}
    place = np.indices(SHAPE)
    random = np.random.default_rng(0).random(SHAPE)
    for name, tight in (("block", place[0] > 18), ("mixed", random > 0.5)):
        prepared, lesions = study([RING])
        prepared.image[KTRANS] = np.where(tight, 0.005, 0.15)
        (found,) = measured(prepared, lesions)
        values[name] = found["ktrans_patchiness"].value
    assert values["block"] < 0.6
    assert values["mixed"] == pytest.approx(1.0, abs=0.1)


def test_a_tumor_with_one_kind_of_barrier_has_no_patchiness(study):
    assert "fills the tumor" in only(study, [RING])["ktrans_patchiness"].note
    without = only(study, [RING], channels=STRUCTURAL)["ktrans_patchiness"]
    assert without.value is None


def test_voxels_without_a_value_do_not_count(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    low = np.indices(SHAPE)[2] < 22
    prepared.image[RCBV][core & low] = 0.0
    (found,) = measured(prepared, lesions)
    assert found["rcbv_mean"].value == pytest.approx(3.0)
    prepared.image[RCBV][core & (np.indices(SHAPE)[2] < 26)] = 0.0
    (found,) = measured(prepared, lesions)
    assert found["rcbv_mean"].value is None
    assert "of the region has a value" in found["rcbv_mean"].note


def test_resampling_makes_no_evidence(study):
    """A 12 mm nodule of about 900 voxels holds about 11 voxels of 80 mm3."""
    coarse = only(study, [NODULE], voxel_ml=FINE | {"rcbv": 0.080, "ktrans": 1.0})
    assert coarse["rcbv_mean"].quality == "low"
    assert coarse["ktrans_tumor_mean"].value is None
    assert coarse["enhancement_mean"].quality == "good"


def test_pet_is_silent_below_ten_millimetres(study):
    small = only(study, [{"at": (18, 36, 24), "core": 4}])
    assert small["tbr_max"].value is None
    assert "below 10 mm" in small["tbr_max"].note


def test_pet_tells_ratio_and_volume(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    prepared.image[TBR][core] = 2.5
    (found,) = measured(prepared, lesions, facts=FET)
    assert found["tbr_max"].value == found["tbr_mean"].value == pytest.approx(2.5)
    assert found["tbr_volume"].value == pytest.approx(core.sum() / 1000)
    assert found["tbr_max"].quality == "good"
    prepared.image[TBR] = 1.2
    (found,) = measured(prepared, lesions, facts=FET)
    assert found["tbr_mean"].value is None
    assert found["tbr_volume"].value == 0


@pytest.mark.parametrize(("tracer", "word"), [("fdopa", "FDOPA"), ("met", "MET"), (None, "known")])
def test_the_limits_of_fet_hold_for_no_other_tracer(study, tracer, word):
    prepared, lesions = study([NODULE])
    prepared.image[TBR][lesions.instances == 1] = 2.5
    (found,) = measured(prepared, lesions, facts=ScanFacts(pet_tracer=tracer))
    assert (found["tbr_max"].value, found["tbr_max"].quality) == (2.5, "low")
    for name in ("tbr_max", "tbr_mean", "tbr_volume"):
        assert word in found[name].note
    assert found["tbr_mean"].value is found["tbr_volume"].value is None


def test_one_lesion_s_tumor_is_not_another_s_front(study):
    prepared, lesions = study([NODULE, {"at": (18, 50, 24), "core": 6}])
    prepared.image[RCBV][lesions.instances == 2] = 50.0
    first, _ = measured(prepared, lesions)
    assert first["rcbv_front"].value == pytest.approx(3.0)
