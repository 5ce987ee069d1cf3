"""A change is one only beyond its limit, and never what a closing barrier explains."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.clinical import Clinical
from vasotype.followup.changes import compare
from vasotype.followup.limits import direction, read_limits
from vasotype.followup.record import Observation
from vasotype.followup.treatment import Treatment

LIMITS = read_limits()
UNTREATED = Treatment(anti_vegf=False, steroids=False, radiotherapy=False)
ANTI_VEGF = Treatment(anti_vegf=True, steroids=False, radiotherapy=False)
BEFORE = {
    "rcbv_mean": 3.5,
    "ktrans_tumor_mean": 0.14,
    "enhancement_mean": 1.2,
    "edema_ratio": 2.5,
    "border_width": 3.0,
}


def observation(label="angiogenic", *, core_ml=2.0, edema_ml=5.0, minimal=False, **features):
    return Observation(
        lesions=(1,),
        core_ml=core_ml,
        enhancing_ml=core_ml,
        edema_ml=edema_ml,
        longest_diameter_mm=16.0,
        perpendicular_diameter_mm=14.0,
        minimal_enhancement=minimal,
        label=label,
        probabilities=None,
        tier="both",
        features=BEFORE | features,
    )


def change(after, treatment=UNTREATED):
    return compare((0, 1), observation(), after, treatment, LIMITS)


def codes(found):
    return {remark.code for remark in found.remarks}


def test_a_changed_label_alone_is_no_mode_change():
    found = change(observation("co_option", rcbv_mean=3.0, ktrans_tumor_mean=0.12))
    assert found.transition.verdict == "within repeatability"
    assert found.transition.carried_by == ()


def test_one_feature_beyond_its_limit_is_not_enough():
    found = change(observation("co_option", rcbv_mean=1.5))
    assert found.transition.verdict == "within repeatability"
    assert found.transition.carried_by == ("rcbv_mean",)


def test_two_features_beyond_their_limits_carry_a_mode_change():
    found = change(observation("co_option", rcbv_mean=1.5, ktrans_tumor_mean=0.05))
    assert found.transition.verdict == "mode change"
    assert found.transition.carried_by == ("rcbv_mean", "ktrans_tumor_mean")


def test_features_that_change_without_the_label_are_no_transition():
    found = change(observation(rcbv_mean=1.5, ktrans_tumor_mean=0.05))
    assert found.transition is None


RESTORED = {
    "ktrans_tumor_mean": 0.05,
    "enhancement_mean": 0.5,
    "edema_ratio": 0.8,
    "edema_ml": 1.6,
    "rcbv_mean": 3.3,
}


@pytest.mark.parametrize("treatment", [ANTI_VEGF, UNTREATED, Treatment()], ids=["anti", "no", "?"])
def test_less_permeability_with_steady_blood_volume_is_a_restored_barrier(treatment):
    found = change(observation("co_option", **RESTORED), treatment)
    assert found.transition.verdict == "barrier restoration"
    assert "barrier-restoration" in codes(found)


def test_falling_blood_volume_is_no_mere_barrier():
    found = change(observation("co_option", **RESTORED | {"rcbv_mean": 1.5}), ANTI_VEGF)
    assert found.transition.verdict == "mode change"
    assert "barrier-restoration" not in codes(found)


@pytest.mark.parametrize("treatment", [ANTI_VEGF, Treatment()], ids=["anti-VEGF", "unknown"])
def test_without_perfusion_a_restored_barrier_can_not_be_excluded(treatment):
    blind = {"ktrans_tumor_mean": None, "rcbv_mean": None}
    found = change(observation("co_option", **RESTORED | blind), treatment)
    assert found.transition.verdict == "barrier restoration possible"
    assert "barrier-restoration-possible" in codes(found)


def test_falling_enhancement_under_treatment_is_not_tumor_control():
    weaker = observation(enhancement_mean=0.5)
    assert "not-tumor-control" in codes(change(weaker, ANTI_VEGF))
    assert "not-tumor-control" in codes(change(weaker, Treatment(steroids=True)))
    assert "not-tumor-control" in codes(change(weaker, Treatment()))
    assert "not-tumor-control" not in codes(change(weaker, UNTREATED))


@pytest.mark.parametrize(("core_ml", "word"), [(2.0, "persists"), (4.0, "grew")])
def test_a_barely_enhancing_lesion_under_anti_vegf_is_not_resolved(core_ml, word):
    found = change(observation(core_ml=core_ml, minimal=True), ANTI_VEGF)
    [message] = [r.message for r in found.remarks if r.code == "minimal-persists"]
    assert word in message
    assert "not resolved" in message


def test_growth_after_radiotherapy_competes_with_necrosis():
    grown = observation(core_ml=4.0)
    assert "necrosis-possible" in codes(change(grown, Treatment(radiotherapy=True)))
    assert "necrosis-possible" not in codes(change(grown, UNTREATED))


def test_growth_after_radiotherapy_is_no_mode_change_whatever_the_features_say():
    grown = observation("co_option", core_ml=4.0, rcbv_mean=1.5, ktrans_tumor_mean=0.05)
    found = change(grown, Treatment(anti_vegf=False, steroids=False, radiotherapy=True))
    assert found.transition.verdict == "radiation necrosis possible"
    assert change(grown, UNTREATED).transition.verdict == "mode change"


@pytest.mark.parametrize(("rcbv", "supported"), [(5.5, True), (2.2, True), (1.9, False)])
def test_a_site_s_own_threshold_may_support_viable_tumor(rcbv, supported):
    ours = LIMITS.model_copy(update={"viable_tumor": {"rcbv_mean": 2.0}})
    after = observation("co_option", core_ml=4.0, rcbv_mean=rcbv, ktrans_tumor_mean=0.05)
    found = compare((0, 1), observation(), after, Treatment(radiotherapy=True), ours)
    assert ("viable-tumor-supported" in codes(found)) is supported
    assert ("necrosis-possible" in codes(found)) is not supported


def test_no_threshold_for_viable_tumor_ships():
    assert LIMITS.viable_tumor == {}


def test_early_perfusion_after_radiotherapy_is_shown_without_a_forecast():
    early = Treatment(radiotherapy=True, radiotherapy_days=30)
    late = Treatment(radiotherapy=True, radiotherapy_days=200)
    assert "early-after-radiotherapy" in codes(change(observation(), early))
    assert "early-after-radiotherapy" not in codes(change(observation(), late))


def test_a_feature_of_one_timepoint_only_has_no_change():
    found = change(observation(rcbv_mean=None))
    assert "rcbv_mean" not in {item.feature for item in found.features}


@pytest.mark.parametrize(("diameter_mm", "limit"), [(10, 0.30), (20, 0.15)])
def test_the_limit_of_a_volume_follows_the_error_of_its_outline(diameter_mm, limit):
    volume_ml = 3.14159265 / 6 * diameter_mm**3 / 1000
    assert LIMITS.volume(volume_ml) == pytest.approx(limit, rel=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.01, 100), st.floats(0.01, 1), st.floats(-0.99, 0.99))
def test_within_the_limit_nothing_is_called_a_change(before, relative, share):
    assert direction(before, before * (1 + share * relative * 0.999), relative) == "within limit"


def test_a_course_that_missed_a_lesion_dates_nothing_of_it():
    clinical = Clinical.model_validate(
        {"radiotherapy": [{"lesions": [2], "days_since": 60}, {"lesions": [1], "days_since": 400}]}
    )
    assert Treatment.of(clinical, (1,)).radiotherapy_days == 400
    assert Treatment.of(clinical, (2,)).radiotherapy_days == 60
    anywhere = Clinical.model_validate({"radiotherapy": [{"days_since": 60}]})
    assert Treatment.of(anywhere, (1,)).radiotherapy_days == 60
