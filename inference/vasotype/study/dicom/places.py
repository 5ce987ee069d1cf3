"""Where the DICOM studies of a cohort lie: one visit a folder, as deep as visits lie apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import pydicom

from vasotype.study.dicom.sources import file_source, is_wanted
from vasotype.study.dicom.tags import Tags
from vasotype.study.dicom.tolerance import tolerant_reading

Visit = tuple[str, ...]
"""Patient, study and day, for telling visits apart only."""
_TELLING = ("PatientID", "StudyInstanceUID", "StudyDate")


@tolerant_reading()
def find_visits(folders: Sequence[Path], shared: Collection[Path]) -> list[Path]:
    """Those of ``folders`` that are to be read as one DICOM study each.

    ``folders`` name each folder before those in it. A folder in which folders of several visits
    lie side by side is divided; one in which visits are mixed is not, and will be refused with
    its reason. Folders in ``shared`` hold other studies too and are always divided. One file a
    folder is looked at.
    """
    below: dict[Path, list[tuple[list[Path], set[Visit]]]] = defaultdict(list)
    for folder in reversed(folders):
        parts = below.pop(folder, [])
        own = _visit_in(folder)
        each = [own, *(visits for _, visits in parts)]
        visits = set[Visit]().union(*each)
        apart = not own and sum(map(len, each)) == len(visits) > 1
        places = [folder] if visits else []
        if (apart or folder in shared) and not (own and len(visits) == 1):
            places = [place for found, _ in parts for place in found] + [folder] * len(own)
        below[folder.parent].append((places, visits))
    return sorted(place for parts in below.values() for found, _ in parts for place in found)


def _visit_in(folder: Path) -> set[Visit]:
    """The visit of the first DICOM file that lies in a folder itself; empty where there is none."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and is_wanted(path.name) and file_source(path).looks_like_dicom():
            return {_visit_of(path)}
    return set()


def _visit_of(path: Path) -> Visit:
    try:
        tags = Tags(pydicom.dcmread(path, force=True, stop_before_pixels=True))
    except Exception:  # as of gather: the study will be refused, and its reason told
        return ("",) * len(_TELLING)
    return tuple(tags.text(keyword) for keyword in _TELLING)
