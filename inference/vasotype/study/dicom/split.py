"""Which slices make one stack: a series may hold several, and a stack may be seen many times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime

import numpy as np

from vasotype.findings import StudyError
from vasotype.study.dicom.facts import (
    acquisition_moment,
    b_value,
    echo_time,
    image_type,
    inversion_time,
)
from vasotype.study.dicom.frames import Frame
from vasotype.study.dicom.geometry import SAME_POSITION_MM, Floats

SAME_DIRECTION_DEGREES = 0.5

Order = float | datetime


def split_series(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Parts of one series that differ in anything but position and time."""
    parts: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[_acquisition_key(frame)].append(frame)
    return [stack for part in parts.values() for stack in _split_by_direction(part)]


def order_slices(frames: Sequence[Frame], normal: Floats, name: str) -> list[list[Frame]]:
    """Volumes in order of time, each with its slices in order along ``normal``.

    Where slices lie in one place more than once, time tells them apart: the temporal position,
    the acquisition's number, the moment, the trigger delay - the first that does. Raises
    StudyError ``duplicate-slices`` when none does, ``bad-affine`` without positions.
    """
    places = _by_place(frames, normal, name)
    repeats = {len(place) for place in places}
    if repeats == {1}:
        return [[place[0] for place in places]]
    if len(repeats) == 1:
        for time in _TIMES:
            ordered = [_in_time(place, time) for place in places]
            if all(ordered):
                return [list(volume) for volume in zip(*ordered, strict=True)]
    crowded = sum(len(place) > min(repeats) for place in places)
    where = f"{crowded} of {len(places)}" if crowded else f"all {len(places)}"
    raise StudyError(
        "duplicate-slices",
        f"{name}: {where} positions hold more than one slice, and nothing tells them apart in time",
    )


def time_of(frame: Frame) -> datetime | None:
    """Moment of acquisition of a slice."""
    return acquisition_moment(frame.tags)


def _acquisition_key(frame: Frame) -> Hashable:
    tags = frame.tags
    spacing = tuple(round(value, 3) for value in frame.spacing or ())
    numbers = (echo_time(tags), inversion_time(tags), tags.number("FlipAngle"), b_value(tags))
    return (
        tags.text("FrameOfReferenceUID"),
        frame.size,
        spacing,
        tuple(None if number is None else round(number, 1) for number in numbers),
        image_type(tags),
        tags.text("RescaleType"),
    )


def _split_by_direction(frames: Sequence[Frame]) -> list[list[Frame]]:
    stacks: list[list[Frame]] = []
    for frame in frames:
        for stack in stacks:
            if _same_direction(stack[0], frame):
                stack.append(frame)
                break
        else:
            stacks.append([frame])
    return stacks


def _same_direction(a: Frame, b: Frame) -> bool:
    if a.orientation is None or b.orientation is None or a.orientation == b.orientation:
        return a.orientation == b.orientation
    u, v = np.reshape(a.orientation, (2, 3)), np.reshape(b.orientation, (2, 3))
    lengths = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1)
    cosines = (u * v).sum(axis=1) / np.maximum(lengths, 1e-9)
    return bool(cosines.min() >= np.cos(np.radians(SAME_DIRECTION_DEGREES)))


def _by_place(frames: Sequence[Frame], normal: Floats, name: str) -> list[list[Frame]]:
    placed = []
    for frame in frames:
        if frame.position is None:
            raise StudyError("bad-affine", f"{name}: the header doesn't say where its slices lie")
        placed.append((float(np.array(frame.position) @ normal), frame))
    placed.sort(key=lambda pair: pair[0])
    places: list[list[Frame]] = []
    last = -np.inf
    for along, frame in placed:
        if along - last > SAME_POSITION_MM:
            places.append([])
        places[-1].append(frame)
        last = along
    return places


def _in_time(place: Sequence[Frame], time: Callable[[Frame], Order | None]) -> list[Frame] | None:
    timed = [(value, frame) for frame in place if (value := time(frame)) is not None]
    if len(timed) < len(place) or len({value for value, _ in timed}) < len(place):
        return None
    return [frame for _, frame in sorted(timed, key=lambda pair: pair[0])]


def _number(*keywords: str) -> Callable[[Frame], Order | None]:
    def read(frame: Frame) -> Order | None:
        found = (frame.tags.number(keyword) for keyword in keywords)
        return next((value for value in found if value is not None), None)

    return read


_TIMES: tuple[Callable[[Frame], Order | None], ...] = (
    _number("TemporalPositionIndex", "TemporalPositionIdentifier"),
    _number("FrameAcquisitionNumber", "AcquisitionNumber"),
    time_of,
    _number("TriggerTime"),
)
