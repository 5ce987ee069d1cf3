"""RTSTRUCT: the lesions as closed contours on the source's planes, for treatment planning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage
from vasotype_models.contract import NETC

from vasotype.boxes import instance_boxes
from vasotype.outputs.dicom import codes
from vasotype.outputs.dicom.case import DicomCase
from vasotype.outputs.dicom.contours import slice_contours
from vasotype.outputs.dicom.segmentations import tracking_id
from vasotype.stages import Affine, Mask

STUDY_COMPONENT_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management, retired; RT objects still refer to a study by it."""
RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
CORE_COLOUR, NECROSIS_COLOUR = [240, 150, 30], [210, 70, 70]


def structure_set(case: DicomCase) -> Dataset:
    """Each lesion's core (a GTV) and, where it has one, its non-enhancing part."""
    made = case.plain_object("contours", RTStructureSetStorage, "RTSTRUCT")
    made.StructureSetLabel = "vasotype"
    made.StructureSetName = "Brain metastases"
    made.StructureSetDescription = f"UNVERIFIED, {codes.NOT_DIAGNOSTIC}"
    made.StructureSetDate, made.StructureSetTime = "", ""  # stamped with all the others
    made.ApprovalStatus = "UNAPPROVED"
    made.OperatorsName, made.PositionReferenceIndicator = "", ""
    made.FrameOfReferenceUID = case.frame_of_reference
    made.ReferencedFrameOfReferenceSequence = [_referenced_frame(case)]
    made.StructureSetROISequence = []
    made.ROIContourSequence = []
    made.RTROIObservationsSequence = []
    for number, (name, kind, mask) in enumerate(_regions(case), start=1):
        made.StructureSetROISequence.append(_roi(case, number, name))
        made.ROIContourSequence.append(_contours(case, number, kind, mask))
        made.RTROIObservationsSequence.append(_observation(number, kind))
    return made


def _regions(case: DicomCase) -> Iterator[tuple[str, str, Mask]]:
    """Name, interpreted type and mask [X, Y, Z] of every region."""
    boxes = instance_boxes(case.segments)
    for segment, (lesion, box) in enumerate(zip(case.lesions, boxes, strict=True), start=1):
        core = np.zeros(case.grid.shape, bool)
        core[box] = case.segments[box] == segment
        yield f"{tracking_id(lesion.id)} core", "GTV", core
        necrosis = core & (case.tissue == NETC)
        if necrosis.any():
            yield f"{tracking_id(lesion.id)} non-enhancing", "", necrosis


def _referenced_frame(case: DicomCase) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = case.headers[0].SeriesInstanceUID
    series.ContourImageSequence = [_image(case, z) for z in range(case.grid.shape[2])]
    study = Dataset()
    study.ReferencedSOPClassUID = STUDY_COMPONENT_CLASS
    study.ReferencedSOPInstanceUID = case.headers[0].StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = case.frame_of_reference
    frame.RTReferencedStudySequence = [study]
    return frame


def _image(case: DicomCase, z: int) -> Dataset:
    header, frames = case.slice_header(z)
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    if frames:
        item.ReferencedFrameNumber = frames
    return item


def _roi(case: DicomCase, number: int, name: str) -> Dataset:
    item = Dataset()
    item.ROINumber = number
    item.ReferencedFrameOfReferenceUID = case.frame_of_reference
    item.ROIName = name
    item.ROIGenerationAlgorithm = "AUTOMATIC"
    return item


def _contours(case: DicomCase, number: int, kind: str, mask: Mask) -> Dataset:
    item = Dataset()
    item.ROIDisplayColor = CORE_COLOUR if kind else NECROSIS_COLOUR
    item.ContourSequence = list(_closed_planar(case, mask))
    item.ReferencedROINumber = number
    return item


def _closed_planar(case: DicomCase, mask: Mask) -> Iterable[Dataset]:
    for z in np.flatnonzero(mask.any(axis=(0, 1))).tolist():
        for ring in slice_contours(mask[:, :, z]):
            item = Dataset()
            item.ContourImageSequence = [_image(case, z)]
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(ring)
            points = _lps_mm(ring, z, case.grid.affine)
            item.ContourData = [f"{value:.4f}" for value in points.ravel()]
            yield item


def _lps_mm(ring: NDArray[np.float64], z: int, affine: Affine) -> NDArray[np.float64]:
    """Voxel indices [N, 2] of slice ``z`` as LPS mm [N, 3]."""
    index = np.column_stack([ring, np.full(len(ring), float(z))])
    lps: NDArray[np.float64] = (index @ affine[:3, :3].T + affine[:3, 3]) * RAS_TO_LPS
    return lps


def _observation(number: int, kind: str) -> Dataset:
    item = Dataset()
    item.ObservationNumber = number
    item.ReferencedROINumber = number
    item.RTROIInterpretedType = kind
    item.ROIInterpreter = ""
    return item
