"""Two SEG objects on the planes of the source: tissues, and lesions one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from vasotype_models.contract import ET, NETC, SNFH

from vasotype.outputs.dicom import codes
from vasotype.outputs.dicom.case import DicomCase
from vasotype.outputs.folder import Seg
from vasotype.prepare import to_native

COLOURS = {ET: (0xF0, 0x96, 0x1E), NETC: (0xD2, 0x46, 0x46), SNFH: (0x8C, 0xC8, 0x50)}
"""RGB of each tissue, and of lesions that of enhancing tumor: near those of the report."""
FEW_SEGMENTS = 255
"""A label map of one byte a pixel holds no more."""


def tissue_segmentation(case: DicomCase, kind: Seg) -> Segmentation:
    """Non-enhancing core, edema and enhancing tumor as segments 1, 2 and 3.

    ``fractional`` gives their probabilities, the others labels. Raises what highdicom raises for
    a source that it can't refer to.
    """
    segments = [
        _segment(case, label, name, kind_of) for label, (name, kind_of) in codes.TISSUES.items()
    ]
    pixels: NDArray[Any] = case.tissue
    if kind == "fractional":
        prepared = case.analysis.prepared
        probabilities = to_native(
            case.analysis.maps.tissue[[NETC, SNFH, ET]], prepared.grid, case.grid, 1
        )
        pixels = np.clip(np.moveaxis(probabilities, 0, -1), 0.0, 1.0)
    return _segmentation(case, "tissues", pixels, segments, kind)


def lesion_segmentation(case: DicomCase, kind: Seg) -> Segmentation:
    """Every lesion's core (enhancing tumor and non-enhancing core) as one segment.

    A lesion is all or nothing, also where ``kind`` is fractional. Raises as
    :func:`tissue_segmentation`.
    """
    segments = [
        _segment(case, segment, tracking_id(lesion.id), codes.LESION, lesion.id)
        for segment, lesion in enumerate(case.lesions, start=1)
    ]
    return _segmentation(case, "lesions", case.segments, segments, kind)


def tracking_id(lesion: int) -> str:
    """Name of a lesion in all objects, e.g. ``BM-001``."""
    return f"BM-{lesion:03d}"


def tracking_uid(case: DicomCase, lesion: int) -> str:
    """Identifier of a lesion in all objects."""
    return case.identity.uid(f"lesion/{lesion}")


def _segment(
    case: DicomCase, number: int, label: str, kind: Code, lesion: int | None = None
) -> SegmentDescription:
    return SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.CATEGORY,
        segmented_property_type=kind,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=codes.algorithm(case.result),
        anatomic_regions=[codes.BRAIN],
        display_color=CIELabColor.from_rgb(*COLOURS[ET if lesion else number]),
        tracking_id=tracking_id(lesion) if lesion else None,
        tracking_uid=tracking_uid(case, lesion) if lesion else None,
    )


def _segmentation(
    case: DicomCase,
    role: str,
    pixels: NDArray[Any],
    segments: Sequence[SegmentDescription],
    kind: Seg,
) -> Segmentation:
    if kind == "labelmap" and len(segments) <= FEW_SEGMENTS:
        pixels = pixels.astype(np.uint8)
    made = Segmentation(
        source_images=case.headers,
        pixel_array=case.in_source_order(pixels),
        segmentation_type=kind.upper(),
        segment_descriptions=segments,
        fractional_type="PROBABILITY" if pixels.dtype.kind == "f" else "OCCUPANCY",
        transfer_syntax_uid=ExplicitVRLittleEndian if kind == "binary" else RLELossless,
        content_label=role.upper(),
        content_description=f"UNVERIFIED, {codes.NOT_DIAGNOSTIC}",
        content_creator_name="vasotype^model",
        **case.uids(role),
    )
    made.BodyPartExamined = "BRAIN"
    return made
