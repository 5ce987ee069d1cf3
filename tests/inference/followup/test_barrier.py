"""What a closing blood-brain barrier may explain is never called a change towards co-option."""

import pytest
from vasotype.followup.limits import read_limits
from vasotype.followup.treatment import Treatment

LIMITS = read_limits()
UNTREATED = Treatment(anti_vegf=False, steroids=False, radiotherapy=False)
ANTI_VEGF = Treatment(anti_vegf=True, steroids=False, radiotherapy=False)
STEROIDS = Treatment(anti_vegf=False, steroids=True, radiotherapy=False)
UNKNOWN = Treatment()
RESTORED = {
    "ktrans_tumor_mean": 0.05,
    "enhancement_mean": 0.5,
    "edema_ratio": 0.3,
    "edema_ml": 0.6,
    "rcbv_mean": 3.3,
}
PERMEABILITY_WITHIN_ITS_LIMIT = {  # Ktrans -35 %, enhancement -30 %, edema ratio -60 %
    "ktrans_tumor_mean": 0.091,
    "enhancement_mean": 0.84,
    "edema_ratio": 1.0,
}
EDEMA_SLIGHTLY_UP = {  # Ktrans -62 %, enhancement -50 %, edema volume +15 %
    "ktrans_tumor_mean": 0.0532,
    "enhancement_mean": 0.6,
    "edema_ml": 5.75,
}


def narrower():
    """A site's limits that call more a change: enhancement 25 %, edema 9 %, edema ratio 50 %."""
    narrow = {"enhancement_mean": 0.25, "edema_ratio": 0.5}
    features = tuple(
        limit.model_copy(update={"relative": narrow.get(limit.biomarker, limit.relative)})
        for limit in LIMITS.features
    )
    edema = LIMITS.edema.model_copy(update={"relative": 0.09})
    return LIMITS.model_copy(update={"features": features, "edema": edema})


def codes(found):
    return {remark.code for remark in found.remarks}


@pytest.mark.parametrize("treatment", [ANTI_VEGF, STEROIDS], ids=["anti-VEGF", "steroids"])
def test_less_permeability_with_steady_blood_volume_is_a_restored_barrier(seen, change, treatment):
    found = change(seen("co_option", **RESTORED), treatment)
    assert found.transition.verdict == "barrier restoration"
    assert found.transition.carried_by == ()
    assert "barrier-restoration" in codes(found)


def test_it_is_told_without_a_changed_leaning_too(seen, change):
    found = change(seen(**RESTORED), ANTI_VEGF)
    assert found.transition is None
    assert "barrier-restoration" in codes(found)


def test_without_knowledge_of_the_treatment_it_is_possible_only(seen, change):
    found = change(seen("co_option", **RESTORED), UNKNOWN)
    assert found.transition.verdict == "barrier restoration possible"
    assert codes(found) & {"barrier-restoration", "barrier-restoration-possible"} == {
        "barrier-restoration-possible"
    }


def test_nothing_closes_the_barrier_of_an_untreated_patient(seen, change):
    found = change(seen("co_option", **RESTORED), UNTREATED)
    assert found.transition.verdict == "mode change"
    assert not codes(found) & {"barrier-restoration", "barrier-restoration-possible"}


def test_an_untreated_tumor_that_shrinks_is_no_restored_barrier(seen, change):
    before = seen(core_ml=5.0)
    found = change(seen(**RESTORED | {"core_ml": 2.0, "rcbv_mean": 2.8}), before=before)
    assert not codes(found) & {"barrier-restoration", "barrier-restoration-possible"}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"core_ml": 0.8},
        {"edema_ml": 4.0},
        {"edema_ml": 20.0},
        {"ktrans_tumor_mean": 0.11},
        {"ktrans_tumor_mean": None, "rcbv_mean": None},
        {"rcbv_mean": 6.0},
    ],
    ids=["shrank", "edema-held", "edema-grew", "Ktrans-held", "no-perfusion", "rCBV-grew"],
)
def test_an_incomplete_picture_is_possible_and_no_change_of_mode(seen, change, otherwise):
    found = change(seen("co_option", **RESTORED | otherwise), ANTI_VEGF)
    assert found.transition.verdict == "barrier restoration possible"
    assert "barrier-restoration-possible" in codes(found)


@pytest.mark.parametrize("limits", [LIMITS, narrower()], ids=["ours", "narrower"])
@pytest.mark.parametrize("treatment", [ANTI_VEGF, STEROIDS, UNKNOWN], ids=["anti", "steroids", "?"])
@pytest.mark.parametrize(
    "features",
    [PERMEABILITY_WITHIN_ITS_LIMIT, EDEMA_SLIGHTLY_UP],
    ids=["permeability-within-its-limit", "edema-slightly-up"],
)
def test_what_treatment_lowers_never_carries_a_change_towards_co_option(
    seen, change, features, treatment, limits
):
    found = change(seen("co_option", **features), treatment, limits=limits)
    assert found.transition.verdict == "barrier restoration possible"
    assert found.transition.carried_by == ()


def test_falling_blood_volume_is_no_mere_barrier(seen, change):
    found = change(seen("co_option", **RESTORED | {"rcbv_mean": 1.5}), ANTI_VEGF)
    assert found.transition.verdict == "mode change"
    assert "rcbv_mean" in found.transition.carried_by
    assert "barrier-restoration" not in codes(found)


def test_without_blood_volume_falling_uptake_tells(seen, change):
    blind = RESTORED | {"rcbv_mean": None, "tbr_max": 1.6}
    found = change(seen("co_option", **blind), ANTI_VEGF, before=seen(tbr_max=2.6))
    assert found.transition.verdict == "mode change"
    assert "tbr_max" in found.transition.carried_by


def test_rising_permeability_is_no_closing_barrier(seen, change):
    found = change(seen("co_option", enhancement_mean=0.5, ktrans_tumor_mean=0.25), ANTI_VEGF)
    assert found.transition.verdict == "within repeatability"
    assert "barrier-restoration-possible" not in codes(found)


def test_the_trap_lies_on_the_way_to_co_option_alone(seen, change):
    found = change(
        seen("angiogenic", rcbv_mean=6.0, ktrans_tumor_mean=0.25),
        ANTI_VEGF,
        before=seen("co_option"),
    )
    assert found.transition.verdict == "mode change"
