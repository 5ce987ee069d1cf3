"""The biomarkers of each lesion (FE-01 to FE-16), with unit, availability and quality.

Pure arithmetic on the prepared grid; volumes come from the native one. Nothing is imputed: what
can't be measured is listed without a value and with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vasotype.boxes import Box, instance_boxes
from vasotype.lesions.biomarkers_cavity import cavity_biomarkers
from vasotype.lesions.biomarkers_maps import map_biomarkers
from vasotype.lesions.biomarkers_patches import patch_biomarkers
from vasotype.lesions.biomarkers_region import Region, ScanFacts, given, lacking
from vasotype.lesions.biomarkers_structural import structural_biomarkers
from vasotype.lesions.enhancement import EnhancementScale
from vasotype.prepare.white_matter import WhiteMatterFinder
from vasotype.result import BiomarkerRecord
from vasotype.stages import LesionSet, Prepared

NOTHING_MORE = ScanFacts()


def measure_biomarkers(
    prepared: Prepared,
    lesions: LesionSet,
    voxel_ml: Mapping[str, float],
    facts: ScanFacts = NOTHING_MORE,
) -> tuple[tuple[BiomarkerRecord, ...], ...]:
    """The biomarkers of each lesion, in the order of ``lesions``.

    ``voxel_ml`` gives the native voxel of each channel, mL: a lesion of few acquired voxels has
    values of low quality or none, however finely they were resampled. ``facts`` are what
    else is known of the scan.
    """
    if not lesions.lesions:
        return ()
    scale = EnhancementScale.of(prepared, lesions.tissue)
    records = []
    for lesion, box in zip(lesions.lesions, instance_boxes(lesions.instances), strict=True):
        white = scale.white(box)
        region = replace(Region.of(prepared, lesions, lesion, box, voxel_ml), facts=facts)
        enhancement = scale.enhancement(region.images, white)
        records.append(
            (
                *structural_biomarkers(region, white, enhancement),
                *patch_biomarkers(region, enhancement),
                *map_biomarkers(region, enhancement),
                _place(scale.finder, lesions.instances, lesion.id, box),
                *cavity_biomarkers(region, white, enhancement),
            )
        )
    return tuple(records)


def _place(
    finder: WhiteMatterFinder, instances: NDArray[np.uint16], number: int, box: Box
) -> BiomarkerRecord:
    """Distance of a lesion's centroid to the border of grey and white matter (FE-15)."""
    kind = ("FE-15", "distance_to_grey_white_border", "mm")
    inside = np.argwhere(instances[box] == number)
    centre = inside.mean(axis=0) + [side.start for side in box]
    distance = finder.distance_to_grey_mm(centre)
    if distance is None:
        return lacking(*kind, finder.reason or "no border of grey and white matter was found")
    return given(*kind, distance, "low", "tissues are told by their T1 signal alone")
