"""The slices of a study, gathered from its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

from vasotype.findings import Finding, StudyError
from vasotype.study.dicom.frames import Frame, list_frames
from vasotype.study.dicom.pixels import same_pixels
from vasotype.study.dicom.sources import Source
from vasotype.study.dicom.tags import Tags

IMAGES = (
    MRImageStorage,
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    PositronEmissionTomographyImageStorage,
    EnhancedPETImageStorage,
)


@dataclass
class Gathered:
    """All slices of a study, and what else lay there.

    ``skipped`` counts the files that hold no MR or PET slice, by what they hold; ``patients`` and
    ``visits`` hold the distinct identifiers and dates, for counting only.
    """

    frames: list[Frame] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    patients: set[str] = field(default_factory=set)
    visits: set[str] = field(default_factory=set)


def gather_frames(sources: Iterator[Source]) -> Gathered:
    """Read the headers of all files and list their slices.

    A SOPInstanceUID that comes again is dropped; when it holds other pixels, a finding says so.
    """
    gathered = Gathered()
    seen: dict[str, Source] = {}
    contradictory = 0
    for source in sources:
        dataset = _header(source)
        if dataset is None:
            gathered.skipped["not DICOM, or damaged"] += 1
            continue
        kind = UID(str(dataset.get("SOPClassUID", "")))
        if kind not in IMAGES:
            gathered.skipped[kind.name if kind.name != kind else "unknown kind of object"] += 1
            continue
        tags = Tags(dataset)
        uid = tags.text("SOPInstanceUID")
        if uid in seen:
            gathered.skipped["copy of another file"] += 1
            contradictory += not same_pixels(seen[uid], source)
            continue
        seen[uid or source.name] = source
        gathered.patients.add(tags.text("PatientID"))
        gathered.visits.add(tags.text("StudyDate"))
        gathered.frames += list_frames(source, dataset)
    if contradictory:
        message = f"{contradictory} files carry the identifier of another with other content"
        gathered.findings.append(Finding("dicom-duplicate-uid", message))
    return gathered


def _header(source: Source) -> FileDataset | None:
    if not source.looks_like_dicom():
        return None
    try:
        with source.open() as stream:
            dataset = pydicom.dcmread(stream, force=True, stop_before_pixels=True)
            dataset.get("SOPClassUID")
            return dataset
    except StudyError:
        raise
    except Exception:  # pydicom raises many kinds for a file that is cut short or no DICOM
        return None
