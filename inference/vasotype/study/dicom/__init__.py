"""DICOM in: the series of a folder or archive, with their geometry, times and pixels."""

from vasotype.study.dicom.facts import Facts
from vasotype.study.dicom.places import find_visits
from vasotype.study.dicom.series import DicomStudy, Layout, Series, read_series
from vasotype.study.dicom.sources import holds_dicom

__all__ = [
    "DicomStudy",
    "Facts",
    "Layout",
    "Series",
    "find_visits",
    "holds_dicom",
    "read_series",
]
