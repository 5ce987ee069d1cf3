"""Source headers made fit to be copied from: every mandatory attribute there, one character set."""

from __future__ import annotations

import copy
from collections.abc import Callable

from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

SEXES = ("M", "F", "O")


def _date(value: str) -> str:
    return str(DA(value) or "")


def _time(value: str) -> str:
    return str(TM(value) or "")


def _sex(value: str) -> str:
    return value if value in SEXES else ""


_MANDATORY: dict[str, Callable[[str], str]] = {
    "PatientName": str,
    "PatientID": str,
    "PatientBirthDate": _date,
    "PatientSex": _sex,
    "StudyDate": _date,
    "StudyTime": _time,
    "StudyID": str,
    "AccessionNumber": str,
    "ReferringPhysicianName": str,
}
"""Type 2 attributes of patient and study (PS3.3 C.7.1, C.7.2), and how a value is read."""


def usable(header: Dataset, step_mm: float, frame: int) -> Dataset:
    """A copy whose type 2 attributes exist, empty where absent or malformed, in UTF-8.

    A slice thickness that is not told is taken to be ``step_mm``, the distance between slices. Of a
    multi-frame object the geometry of ``frame`` (from 0), one of those in use, becomes that of all.
    """
    fit = copy.deepcopy(header)
    fit.decode()
    fit.SpecificCharacterSet = "ISO_IR 192"
    for keyword, parse in _MANDATORY.items():
        try:
            value = parse(str(fit.get(keyword) or ""))
        except (ValueError, TypeError):
            value = ""
        setattr(fit, keyword, value)
    _share_geometry(fit, frame)
    for place in _pixel_measures(fit):
        if not place.get("SliceThickness"):
            place.SliceThickness = f"{step_mm:.6g}"
    return fit


def _share_geometry(header: Dataset, frame: int) -> None:
    """Scanners repeat with every frame what highdicom looks for among the shared groups."""
    shared = header.get("SharedFunctionalGroupsSequence")
    frames = header.get("PerFrameFunctionalGroupsSequence")
    if not shared or not frames:
        return
    for keyword in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        if keyword not in shared[0] and keyword in frames[frame]:
            setattr(shared[0], keyword, frames[frame].get(keyword))


def _pixel_measures(header: Dataset) -> list[Dataset]:
    """Where a header says how large voxels are: itself, or its functional groups."""
    frames = header.get("PerFrameFunctionalGroupsSequence")
    if not frames:
        return [header]
    groups = [*header.get("SharedFunctionalGroupsSequence", ()), *frames]
    return [item for group in groups for item in group.get("PixelMeasuresSequence", ())]
