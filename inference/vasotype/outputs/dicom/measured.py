"""What the segments measure on the planes of the source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasotype.boxes import crop, instance_boxes
from vasotype.lesions.diameters import SUPERIOR, Diameters, axial_diameters
from vasotype.outputs.dicom.case import DicomCase
from vasotype.result import LesionRecord

SLICE_AXIS = 2


@dataclass(frozen=True)
class Measured:
    """One lesion as a segment: its number, core volume (mm3) and axes.

    ``key_slice`` is the slice of the source that shows the longest axis, or its middle.
    ``in_plane`` says whether the axes lie in that slice.
    """

    record: LesionRecord
    segment: int
    core_mm3: float
    axes: Diameters
    key_slice: int
    in_plane: bool


def measure(case: DicomCase) -> tuple[Measured, ...]:
    """Measure every segment; the axes lie in axial planes, whatever the source's planes are."""
    affine = case.grid.affine
    slope = np.abs(affine[SUPERIOR, :3]) / np.linalg.norm(affine[:3, :3], axis=0)
    in_plane = int(slope.argmax()) == SLICE_AXIS
    boxes = instance_boxes(case.segments)
    found = []
    for segment, (lesion, box) in enumerate(zip(case.lesions, boxes, strict=True), start=1):
        mask = case.segments[box] == segment
        axes = axial_diameters(mask, crop(case.grid, box).affine)
        middle = np.mean(axes.ends, axis=0) - affine[:3, 3]
        level = float(np.linalg.solve(affine[:3, :3], middle)[SLICE_AXIS])
        key_slice = int(np.clip(np.rint(level), 0, case.grid.shape[SLICE_AXIS] - 1))
        volume = np.count_nonzero(mask) * case.grid.voxel_ml * 1000.0
        found.append(Measured(lesion, segment, volume, axes, key_slice, in_plane))
    return tuple(found)
