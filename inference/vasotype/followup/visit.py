"""One analysed examination as a comparison sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype_models.contract import CHANNELS

from vasotype.followup import align
from vasotype.pipeline import Analysis
from vasotype.prepare.resample import resample
from vasotype.result import Result
from vasotype.stages import Grid, Labels


@dataclass(frozen=True)
class Visit:
    """What is kept of one analysed timepoint, on its own prepared grid.

    ``slices`` counts the acquired slices of the reference sequence that each lesion lies on.
    """

    result: Result
    head: align.Head
    tissue: Labels
    instances: NDArray[np.uint16]
    slices: Mapping[int, int]

    @classmethod
    def of(cls, analysis: Analysis) -> Visit:
        """The parts of an analysis that a comparison needs."""
        prepared, lesions = analysis.prepared, analysis.lesions
        image = prepared.image[CHANNELS.index(analysis.result.reference)].copy()
        return cls(
            analysis.result,
            align.Head(image, prepared.mask, prepared.grid),
            lesions.tissue,
            lesions.instances,
            slices_of(lesions.native_instances, prepared.native.grid),
        )

    @property
    def slice_mm(self) -> float:
        """Slice thickness of the reference sequence: its longest voxel edge."""
        return max(
            max(item.spacing_mm)
            for item in self.result.inputs
            if item.channel == self.result.reference
        )

    def carried(self, grid: Grid, motion: align.Motion) -> Visit:
        """The same visit on the baseline's grid."""
        source = align.moved(self.head.grid, motion)
        return replace(
            self,
            head=align.Head(
                resample(self.head.image, source, grid),
                resample(self.head.mask, source, grid, order=0),
                grid,
            ),
            tissue=resample(self.tissue, source, grid, order=0),
            instances=resample(self.instances, source, grid, order=0),
        )


def slices_of(instances: NDArray[np.uint16], grid: Grid) -> dict[int, int]:
    """Slices that each lesion of a map [X, Y, Z] reaches, by lesion number.

    Slices lie along the longest voxel edge.
    """
    axis = int(np.argmax(grid.spacing_mm))
    return {
        number: box[axis].stop - box[axis].start
        for number, box in enumerate(ndimage.find_objects(instances), start=1)
        if box is not None
    }
