"""Slices: one of a classic object, or one frame of a multi-frame object, seen alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from vasotype.study.dicom.sources import Source
from vasotype.study.dicom.tags import Tags

MAXIMAL_FRAMES = 50_000


@dataclass(frozen=True)
class Frame:
    """One slice. ``index`` counts frames within the object; positions are LPS mm."""

    source: Source
    index: int
    tags: Tags
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.tags.number("Rows") or 0), int(self.tags.number("Columns") or 0)


def list_frames(source: Source, dataset: Dataset) -> Iterator[Frame]:
    """The slices of an object: itself, or its frames (the first 50,000)."""
    tags = Tags(dataset)
    per_frame = tags.sequence("PerFrameFunctionalGroupsSequence")
    if not per_frame:
        yield _frame(source, 0, tags)
        return
    shared = tags.sequence("SharedFunctionalGroupsSequence")[:1]
    for index, group in enumerate(per_frame[:MAXIMAL_FRAMES]):
        yield _frame(source, index, Tags(dataset, (group, *shared)))


def _frame(source: Source, index: int, tags: Tags) -> Frame:
    return Frame(
        source,
        index,
        tags,
        position=tags.numbers("ImagePositionPatient", 3),
        orientation=tags.numbers("ImageOrientationPatient", 6),
        spacing=tags.numbers("PixelSpacing", 2),
    )
