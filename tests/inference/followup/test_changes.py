"""A change is one only beyond its limit, and growth after radiotherapy may be necrosis."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.clinical import Clinical
from vasotype.followup.changes import disappearance
from vasotype.followup.limits import direction, read_limits
from vasotype.followup.treatment import Treatment

LIMITS = read_limits()
UNTREATED = Treatment(anti_vegf=False, steroids=False, radiotherapy=False)
ANTI_VEGF = Treatment(anti_vegf=True, steroids=False, radiotherapy=False)
IRRADIATED = Treatment(anti_vegf=False, steroids=False, radiotherapy=True)


def codes(found):
    return {remark.code for remark in found.remarks}


def test_falling_enhancement_under_treatment_is_not_tumor_control(seen, change):
    weaker = seen(enhancement_mean=0.5)
    assert "not-tumor-control" in codes(change(weaker, ANTI_VEGF))
    assert "not-tumor-control" in codes(change(weaker, Treatment(steroids=True)))
    assert "not-tumor-control" in codes(change(weaker, Treatment()))
    assert "not-tumor-control" not in codes(change(weaker, UNTREATED))


@pytest.mark.parametrize(
    ("core_ml", "words"), [(2.0, "persists"), (4.0, "grew"), (0.4, "smaller but still there")]
)
def test_a_barely_enhancing_lesion_under_anti_vegf_is_not_resolved(seen, change, core_ml, words):
    found = change(seen(core_ml=core_ml, minimal=True), ANTI_VEGF)
    [message] = [r.message for r in found.remarks if r.code == "minimal-persists"]
    assert words in message
    assert "not resolved" in message


@pytest.mark.parametrize(
    ("treatment", "known"),
    [(ANTI_VEGF, True), (Treatment(steroids=True), True), (Treatment(), False)],
)
def test_a_lesion_that_treatment_may_hide_is_not_counted_as_resolved(treatment, known):
    found = disappearance((0, 1), treatment, 2.5)
    [remark] = found.remarks
    assert (found.since, found.timepoint, found.features) == (0, 1, ())
    assert remark.code == "not-found-under-treatment"
    assert "2.5 mL of edema remain" in remark.message
    assert "not counted as resolved" in remark.message
    assert ("not known" in remark.message) is not known
    assert "No edema is outlined" in disappearance((0, 1), treatment, 0.0).remarks[0].message


def test_a_lesion_that_no_treatment_hides_has_vanished_and_no_more_is_said():
    assert disappearance((0, 1), UNTREATED, 2.5) is None


def test_growth_after_radiotherapy_competes_with_necrosis(seen, change):
    grown = seen(core_ml=4.0)
    assert "necrosis-possible" in codes(change(grown, Treatment(radiotherapy=True)))
    assert "necrosis-possible" not in codes(change(grown, UNTREATED))


@pytest.mark.parametrize("label", ["co_option", "angiogenic"], ids=["changed", "same"])
def test_growth_after_radiotherapy_withholds_the_leaning_whether_it_changed_or_not(
    seen, change, label
):
    grown = seen(label, core_ml=4.0, rcbv_mean=1.5, ktrans_tumor_mean=0.05)
    told = change(grown, IRRADIATED).transition
    assert told.verdict == "radiation necrosis possible"
    assert (told.before, told.after, told.carried_by) == ("angiogenic", None, ())


def test_the_same_growth_without_radiotherapy_may_be_a_mode_change(seen, change):
    grown = seen("co_option", core_ml=4.0, rcbv_mean=1.5, ktrans_tumor_mean=0.05)
    assert change(grown, UNTREATED).transition.verdict == "mode change"


@pytest.mark.parametrize(("rcbv", "supported"), [(5.5, True), (2.2, True), (1.9, False)])
def test_a_site_s_own_threshold_may_support_viable_tumor(seen, change, rcbv, supported):
    ours = LIMITS.model_copy(update={"viable_tumor": {"rcbv_mean": 2.0}})
    after = seen("co_option", core_ml=4.0, rcbv_mean=rcbv, ktrans_tumor_mean=0.05)
    found = change(after, IRRADIATED, limits=ours)
    assert ("viable-tumor-supported" in codes(found)) is supported
    assert ("necrosis-possible" in codes(found)) is not supported
    assert (found.transition.after is not None) is supported


def test_no_threshold_for_viable_tumor_ships():
    assert LIMITS.viable_tumor == {}


def test_early_perfusion_after_radiotherapy_is_shown_without_a_forecast(seen, change):
    early = Treatment(radiotherapy=True, radiotherapy_days=30)
    late = Treatment(radiotherapy=True, radiotherapy_days=200)
    assert "early-after-radiotherapy" in codes(change(seen(), early))
    assert "early-after-radiotherapy" not in codes(change(seen(), late))


def test_a_feature_of_one_timepoint_only_has_no_change(seen, change):
    found = change(seen(rcbv_mean=None))
    assert "rcbv_mean" not in {item.feature for item in found.features}


@pytest.mark.parametrize(("diameter_mm", "limit"), [(10, 0.30), (20, 0.15)])
def test_the_limit_of_a_tumor_s_volume_follows_the_error_of_its_outline(diameter_mm, limit):
    volume_ml = 3.14159265 / 6 * diameter_mm**3 / 1000
    assert LIMITS.volume(volume_ml) == pytest.approx(limit, rel=1e-6)


def test_no_limit_is_narrower_than_the_repeatability_that_simulation_gave(seen, change):
    limits = {limit.biomarker: limit.relative for limit in LIMITS.features}
    assert limits["enhancement_mean"] >= 0.45
    assert limits["border_width"] >= 0.31
    assert limits["edema_ratio"] >= LIMITS.edema.relative >= 0.86
    [edema] = [f for f in change(seen(edema_ml=9.0)).features if f.feature == "edema_ml"]
    assert (edema.relative_limit, edema.direction) == (LIMITS.edema.relative, "within limit")


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
