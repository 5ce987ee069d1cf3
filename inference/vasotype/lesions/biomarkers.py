"""The biomarkers of each lesion (FE-01 to FE-16), with unit, availability and quality.

Pure arithmetic on the prepared grid; volumes come from the native one. Nothing is imputed: what
can't be measured is listed without a value and with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vasotype.lesions.biomarkers_cavity import cavity_biomarkers
from vasotype.lesions.biomarkers_maps import map_biomarkers
from vasotype.lesions.biomarkers_patches import patch_biomarkers
from vasotype.lesions.biomarkers_region import Region, given, lacking
from vasotype.lesions.biomarkers_structural import structural_biomarkers
from vasotype.lesions.boxes import Box, instance_boxes
from vasotype.prepare.white_matter import (
    T1,
    T1C,
    WhiteMatter,
    WhiteMatterFinder,
    has_true_zero,
)
from vasotype.result import BiomarkerRecord
from vasotype.stages import Array, LesionSet, Prepared


def measure_biomarkers(
    prepared: Prepared, lesions: LesionSet, voxel_ml: Mapping[str, float]
) -> tuple[tuple[BiomarkerRecord, ...], ...]:
    """The biomarkers of each lesion, in the order of ``lesions``.

    ``voxel_ml`` gives the native voxel of each channel, mL: a lesion of few acquired voxels has
    values of low quality or none, however finely they were resampled.
    """
    if not lesions.lesions:
        return ()
    finder = WhiteMatterFinder.of(prepared, lesions.tissue)
    ratio_scale = all(has_true_zero(prepared, c) for c in (T1, T1C) if prepared.present[c])
    records = []
    for lesion, box in zip(lesions.lesions, instance_boxes(lesions.instances), strict=True):
        white = finder.opposite((box[0].start + box[0].stop - 1) / 2)
        region = Region.of(prepared, lesions, lesion, box, voxel_ml)
        enhancement = _enhancement(region, white, ratio_scale=ratio_scale)
        records.append(
            (
                *structural_biomarkers(region, white, enhancement),
                *patch_biomarkers(region, enhancement),
                *map_biomarkers(region, enhancement),
                _place(finder, lesions.instances, lesion.id, box),
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


def _enhancement(region: Region, white: WhiteMatter, *, ratio_scale: bool) -> Array | str:
    """(T1c - T1) / T1 of white matter after matched scaling [X, Y, Z], or why there is none.

    T1c is scaled so that its white matter, which hardly enhances, equals that of T1.
    """
    missing = [name for name in ("t1", "t1c") if name not in region.images]
    if missing:
        return "T1 before or after contrast is missing"
    if white.t1 is None or white.t1c is None:
        return white.reason or "no white matter to compare with"
    if not ratio_scale or min(white.t1, white.t1c) <= 0:
        return "T1 or T1c has no true zero (negative values), so a ratio means nothing"
    after = region.images["t1c"] / white.t1c
    before = region.images["t1"] / white.t1
    return np.asarray(after - before, np.float32)
