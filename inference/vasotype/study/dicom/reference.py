"""The DICOM objects behind a volume, for results that have to name what they were made from."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from vasotype.stages import Grid
from vasotype.study.dicom.frames import Frame


@dataclass(frozen=True, eq=False)
class DicomSource:
    """The slices that a volume was read from.

    ``grid`` (RAS+ mm) has its first axis along a row, its second along a column, its third along
    the slices. ``headers`` are the distinct objects in order of their first slice, without pixels;
    slice ``z`` of the grid is frame ``frames[z][1]`` (from 0) of object ``headers[frames[z][0]]``.
    """

    grid: Grid
    headers: tuple[Dataset, ...]
    frames: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, grid: Grid, slices: tuple[Frame, ...]) -> DicomSource:
        """The source of slices in the order of the grid's third axis."""
        objects = {id(one.tags.dataset): one.tags.dataset for one in slices}
        places = {key: place for place, key in enumerate(objects)}
        frames = tuple((places[id(one.tags.dataset)], one.index) for one in slices)
        return cls(grid, tuple(objects.values()), frames)

    @property
    def multiframe(self) -> bool:
        """Whether the slices are frames of objects that hold many."""
        return "PerFrameFunctionalGroupsSequence" in self.headers[0]
