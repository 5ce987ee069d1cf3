"""A changed leaning is a mode change only where its features point there, on the same inputs."""

import pytest
from vasotype.followup.treatment import Treatment

UNTREATED = Treatment(anti_vegf=False, steroids=False, radiotherapy=False)


def test_a_changed_label_alone_is_no_mode_change(seen, change):
    found = change(seen("co_option", rcbv_mean=3.0, ktrans_tumor_mean=0.12))
    assert found.transition.verdict == "within repeatability"
    assert found.transition.carried_by == ()


def test_one_feature_beyond_its_limit_is_not_enough(seen, change):
    found = change(seen("co_option", rcbv_mean=1.5))
    assert found.transition.verdict == "within repeatability"
    assert found.transition.carried_by == ("rcbv_mean",)


def test_two_features_beyond_their_limits_carry_a_mode_change(seen, change):
    found = change(seen("co_option", rcbv_mean=1.5, ktrans_tumor_mean=0.05))
    assert found.transition.verdict == "mode change"
    assert found.transition.carried_by == ("rcbv_mean", "ktrans_tumor_mean")


def test_features_that_change_without_the_label_are_no_transition(seen, change):
    assert change(seen(rcbv_mean=1.5, ktrans_tumor_mean=0.05)).transition is None


def test_features_that_point_away_from_the_new_mode_carry_nothing(seen, change):
    found = change(
        seen("co_option", rcbv_mean=5.0, ktrans_tumor_mean=0.25),
        before=seen(rcbv_mean=3.0, ktrans_tumor_mean=0.13),
    )
    assert found.transition.verdict == "within repeatability"
    assert found.transition.carried_by == ()


@pytest.mark.parametrize(
    ("label", "features", "carriers"),
    [
        ("co_option", {"border_width": 4.5, "rcbv_mean": 1.5}, ("rcbv_mean", "border_width")),
        ("co_option", {"border_width": 1.5, "rcbv_mean": 1.5}, ("rcbv_mean",)),
    ],
    ids=["wider", "sharper"],
)
def test_a_wider_border_points_to_co_option(seen, change, label, features, carriers):
    assert change(seen(label, **features)).transition.carried_by == carriers


def test_towards_angiogenic_the_directions_turn(seen, change):
    found = change(
        seen("angiogenic", rcbv_mean=5.0, ktrans_tumor_mean=0.25, border_width=1.5),
        before=seen("intermediate", rcbv_mean=3.0, ktrans_tumor_mean=0.13),
    )
    assert found.transition.verdict == "mode change"
    assert found.transition.carried_by == ("rcbv_mean", "ktrans_tumor_mean", "border_width")


def test_leanings_that_rest_on_different_inputs_are_not_compared(seen, change):
    found = change(
        seen("co_option", rcbv_mean=1.5, ktrans_tumor_mean=0.05),
        before=seen(tier="structural"),
    )
    assert found.transition.verdict == "input tiers differ"
    assert found.transition.tiers == ("structural", "both")


def test_a_leaning_that_was_withheld_is_no_start_of_a_transition(seen, change):
    withheld = seen().model_copy(update={"label": None, "label_withheld": "necrosis"})
    later = seen("co_option", rcbv_mean=1.5, ktrans_tumor_mean=0.05)
    assert change(later, UNTREATED, before=withheld).transition is None
