"""Header values of a slice, whether they stand in a classic object or in functional groups.

A header is written by many hands: whatever is absent, empty, malformed or not finite is None (or
empty), so that rules see either a value that can be used or none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydicom.dataset import Dataset

_MACROS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "RepetitionTime": "MRTimingAndRelatedParametersSequence",
    "FlipAngle": "MRTimingAndRelatedParametersSequence",
    "EchoTrainLength": "MRTimingAndRelatedParametersSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "InversionTimes": "MRModifierSequence",
    "InversionTime": "MRModifierSequence",
    "InversionRecovery": "MRModifierSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "FrameType": "MRImageFrameTypeSequence",
    "TemporalPositionIndex": "FrameContentSequence",
    "FrameAcquisitionDateTime": "FrameContentSequence",
    "FrameAcquisitionNumber": "FrameContentSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "RescaleType": "PixelValueTransformationSequence",
}
"""Functional group macro of each attribute (PS3.3 C.7.6.16, C.8.13)."""

_PHILIPS_GROUP = 0x2005
_PHILIPS_CREATOR = "Philips MR Imaging DD 005"
_PHILIPS_CLASSIC = (0x0F, 0x0E)


@dataclass(frozen=True)
class Tags:
    """Typed, forgiving access to a slice's header.

    ``groups`` are the frame's own and the shared functional groups of a multi-frame object, in
    the order in which they are asked; empty for a classic one.
    """

    dataset: Dataset
    groups: tuple[Dataset, ...] = ()

    def text(self, keyword: str) -> str:
        """Value as one line of text; empty when there is none."""
        value = self._raw(keyword)
        if value is None or isinstance(value, bytes):
            return ""
        return " ".join(str(value).split())

    def words(self, keyword: str) -> tuple[str, ...]:
        """Values in capitals, e.g. of ImageType."""
        return tuple(word for v in self._values(keyword) if (word := str(v).strip().upper()))

    def number(self, keyword: str) -> float | None:
        """First value as a finite number."""
        return next(iter(self._numbers(keyword)), None)

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """Exactly ``count`` finite numbers."""
        found = self._numbers(keyword)
        return found if len(found) == count else None

    def moment(self, date: str, time: str) -> datetime | None:
        """Date and time of two attributes; a missing date is read as the year 1900."""
        return parse_moment(f"{self.text(date) or '19000101'}{self.text(time)}")

    def sequence(self, keyword: str) -> tuple[Dataset, ...]:
        """Items of a sequence of the object; empty when there are none."""
        try:
            items = self.dataset.get(keyword) or ()
            return tuple(item for item in items if isinstance(item, Dataset))
        except Exception:  # the element holds no items, or can't be parsed
            return ()

    def private(self, creator: str, group: int, element: int) -> Any:
        """A private value, from the functional groups or the object itself; None if absent."""
        for place in (*self._items(), self.dataset):
            if _holds_group(place, group):
                try:
                    return place.private_block(group, creator)[element].value
                except Exception:  # absent, or the vendor's encoding is unknown
                    continue
        return None

    def _items(self) -> Iterable[Dataset]:
        for group in self.groups:
            for tag in group.keys():  # noqa: SIM118  (iterating parses, and what is damaged raises)
                try:
                    element = group[tag]
                except Exception:  # as in _raw
                    continue
                if element.VR == "SQ" and element.value:
                    yield element.value[0]

    def _raw(self, keyword: str) -> Any:
        try:
            for group in self.groups:
                sequence = group.get(_MACROS.get(keyword, ""))
                if sequence and sequence[0].get(keyword) is not None:
                    return sequence[0].get(keyword)
            value = self.dataset.get(keyword)
            return self._philips(keyword) if value is None and self.groups else value
        except Exception:  # values are parsed on access, and pydicom's parsers raise many kinds
            return None

    def _philips(self, keyword: str) -> Any:
        # Philips keeps the classic header of each frame in a private sequence.
        for group in self.groups:
            for element in _PHILIPS_CLASSIC if _holds_group(group, _PHILIPS_GROUP) else ():
                try:
                    sequence = group.private_block(_PHILIPS_GROUP, _PHILIPS_CREATOR)[element].value
                except KeyError:
                    continue
                if sequence and sequence[0].get(keyword) is not None:
                    return sequence[0].get(keyword)
        return None

    def _values(self, keyword: str) -> tuple[Any, ...]:
        value = self._raw(keyword)
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, Iterable):
            return (value,)
        return tuple(value)

    def _numbers(self, keyword: str) -> tuple[float, ...]:
        found = []
        for value in self._values(keyword):
            try:
                number = float(value)
            except (TypeError, ValueError, OverflowError):
                return ()
            if not math.isfinite(number):
                return ()
            found.append(number)
        return tuple(found)


def _holds_group(dataset: Dataset, group: int) -> bool:
    """Whether any element is of a group: pydicom's own search for a private block is slow."""
    return any(tag >> 16 == group for tag in dataset.keys())  # noqa: SIM118 - as above


def parse_moment(text: str) -> datetime | None:
    """A DICOM date with time (``YYYYMMDDHHMMSS.F``, zone ignored); None if it is none."""
    digits = text.split("+")[0].split("-")[0].replace(":", "").strip()
    whole, _, fraction = digits.partition(".")
    if len(whole) < 10:  # a date without an hour puts nothing in order
        return None
    try:
        moment = datetime.strptime(whole[:14].ljust(14, "0"), "%Y%m%d%H%M%S")
        return moment + timedelta(seconds=float(f"0.{fraction or 0}"))
    except ValueError:
        return None
