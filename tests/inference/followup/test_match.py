"""Lesions are followed through time by where they lie, not by their numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.followup.limits import read_limits
from vasotype.followup.match import track_lesions

MATCHING = read_limits().matching
SHAPE = (40, 40, 40)


def instances(*balls):
    """Numbers of balls (centre, radius), from 1."""
    out = np.zeros(SHAPE, np.uint16)
    index = np.indices(SHAPE)
    for number, (centre, radius) in enumerate(balls, start=1):
        distance = np.sqrt(sum((i - c) ** 2 for i, c in zip(index, centre, strict=True)))
        out[distance <= radius] = number
    return out


def only(timepoints):
    [track] = track_lesions(timepoints, MATCHING)
    return track


def test_a_lesion_that_stays_is_one_track():
    track = only([instances(((20, 20, 20), 4)), instances(((21, 20, 20), 6))])
    assert track.members == ((1,), (1,))
    assert track.event(1) == "matched"


def test_a_lesion_that_parts_and_joins_again_keeps_its_track():
    whole, parts = instances(((20, 20, 20), 6)), instances(((20, 20, 16), 2), ((20, 20, 24), 2))
    track = only([whole, parts, whole])
    assert track.members == ((1,), (1, 2), (1,))
    assert [track.event(time) for time in (1, 2)] == ["split", "merged"]


def test_two_lesions_that_join_become_one_track():
    track = only([instances(((16, 20, 20), 3), ((24, 20, 20), 3)), instances(((20, 20, 20), 7))])
    assert track.members == ((1, 2), (1,))
    assert track.event(1) == "merged"


def test_what_appears_elsewhere_is_new_and_what_goes_has_vanished():
    first, second = track_lesions(
        [instances(((10, 10, 10), 3)), instances(((30, 30, 30), 3))], MATCHING
    )
    assert (first.event(1), second.event(1)) == ("vanished", "new")


def test_a_lesion_that_was_missed_once_is_found_again_in_its_track():
    there, gone = instances(((20, 20, 20), 3)), instances()
    track = only([there, gone, gone, there])
    assert [track.event(time) for time in (1, 2, 3)] == ["vanished", None, "reappeared"]


def test_small_lesions_that_no_longer_overlap_are_matched_by_distance():
    near = only([instances(((20, 20, 20), 1)), instances(((20, 20, 24), 1))])
    assert near.event(1) == "matched"
    far = track_lesions([instances(((20, 20, 20), 1)), instances(((20, 20, 27), 1))], MATCHING)
    assert len(far) == 2


def test_touching_by_a_corner_does_not_join_large_neighbours():
    before = instances(((14, 20, 20), 5), ((26, 20, 20), 5))
    after = instances(((15, 20, 20), 5), ((26, 20, 20), 5))
    assert [t.members for t in track_lesions([before, after], MATCHING)] == [
        ((1,), (1,)),
        ((2,), (2,)),
    ]


def test_without_lesions_there_are_no_tracks():
    assert track_lesions([instances(), instances()], MATCHING) == ()


@settings(deadline=None, max_examples=20)
@given(st.permutations([1, 2, 3]), st.permutations([1, 2, 3]))
def test_numbers_of_lesions_do_not_matter(first, second):
    places = instances(((8, 8, 8), 3), ((30, 10, 20), 3), ((20, 30, 30), 3))
    tracks = track_lesions(
        [np.array([0, *order], np.uint16)[places] for order in (first, second)], MATCHING
    )
    pairs = {(a, b) for (a,), (b,) in (track.members for track in tracks)}
    assert pairs == set(zip(first, second, strict=True))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_lesion_of_every_timepoint_is_in_exactly_one_track(count):
    rng = np.random.default_rng(count)
    timepoints = [
        instances(*[(rng.integers(6, 34, 3), rng.integers(1, 6)) for _ in range(5)])
        for _ in range(count + 1)
    ]
    tracks = track_lesions(timepoints, MATCHING)
    for time, volume in enumerate(timepoints):
        found = sorted(number for track in tracks for number in track.members[time])
        assert found == [int(n) for n in np.unique(volume) if n]
