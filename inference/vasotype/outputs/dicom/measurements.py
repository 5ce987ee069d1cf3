"""Comprehensive 3D SR after TID 1500: volumes and axes of every lesion, leanings on request.

A measurement that belongs to a segment can't hold coordinates (TID 1411), so each lesion has two
groups with one tracking identifier: one for the segment, one for the axes that viewers draw.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as public

from vasotype.outputs.dicom import codes
from vasotype.outputs.dicom.case import MANUFACTURER, MODEL_NAME, DicomCase
from vasotype.outputs.dicom.identity import NAMESPACE
from vasotype.outputs.dicom.measured import Measured
from vasotype.outputs.dicom.segmentations import tracking_id, tracking_uid
from vasotype.outputs.dicom.structures import RAS_TO_LPS
from vasotype.outputs.report_words import Compass
from vasotype.result import LesionRecord, PhenotypeRecord, VolumeMl

DEVICE_UID = f"2.25.{uuid.uuid5(NAMESPACE, 'observer').int}"
"""Our software as the observer, whatever its version."""
PIXEL_CENTRE = 0.5
"""Image coordinates begin at the corner of the first pixel (PS3.3 C.18.6.1), indices in it."""
DECIMALS = 4
MODES = {
    "angiogenic": ("P-ANGIO", "ANGIO"),
    "intermediate": ("P-INTER", "INTERMEDIATE"),
    "co_option": ("P-COOPT", "COOPT"),
}
"""Mode -> code of its probability, and of the leaning itself."""
VOLUMES = {"V-ET": "enhancing", "V-NETC": "non_enhancing_core", "V-SNFH": "edema"}
"""Code -> field of the lesion's volumes."""
QUANTITIES = {
    "rcbv_mean": (public.DCM.RelativeRegionalBloodVolume, codes.RATIO, public.SCT.Mean),
    "ktrans_tumor_mean": (public.DCM.Ktrans, codes.PER_MINUTE, public.SCT.Mean),
    "tbr_max": (public.DCM.LesionToBackgroundSUVRatio, codes.RATIO, public.SCT.Maximum),
}
"""Biomarker -> concept, unit and derivation of what perfusion and PET measured."""

Group = (
    sr.VolumetricROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations
)


def measurement_report(
    case: DicomCase, measured: tuple[Measured, ...], segmentation: Dataset | None, phenotype: bool
) -> Dataset:
    """The report; without ``segmentation`` lesions are described by their axes alone.

    ``phenotype`` adds leanings as codes of our scheme. A study without lesions says that their
    number is 0.
    """
    groups = [group for one in measured for group in _groups(case, one, segmentation, phenotype)]
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer(case)),
        procedure_reported=public.LN.BrainMRI,
        imaging_measurements=groups or [_no_lesion(case)],
        title=public.DCM.ImagingMeasurementReport,
    )
    made = sr.Comprehensive3DSR(
        evidence=[*case.headers, *([segmentation] if segmentation is not None else [])],
        content=content[0],
        is_complete=True,
        is_final=False,
        is_verified=False,
        **case.uids("measurements"),
    )
    made.CodingSchemeIdentificationSequence = [codes.scheme_identification()]
    return made


def observer(case: DicomCase) -> sr.ObserverContext:
    """Our software as the observer."""
    return sr.ObserverContext(
        observer_type=public.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=DEVICE_UID,
            name=MODEL_NAME,
            manufacturer_name=MANUFACTURER,
            model_name=f"{MODEL_NAME} {case.result.vasotype_version}",
            serial_number=case.result.model.sha256[:16],
        ),
    )


def _groups(
    case: DicomCase, one: Measured, segmentation: Dataset | None, phenotype: bool
) -> Iterator[Group]:
    """Both groups of a lesion: by segment, and by the axes in an image."""
    measurements = [_volume(one.core_mm3), *_tissue_volumes(one.record.volume_ml)]
    evaluations: list[sr.QualitativeEvaluation] = []
    if phenotype:
        measurements += [*_quantities(one.record), *_probabilities(one.record.phenotype)]
        evaluations = _evaluations(one.record.phenotype)
    if segmentation is not None:
        yield sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracking(case, one.record),
            referenced_segment=sr.ReferencedSegment(
                sop_class_uid=segmentation.SOPClassUID,
                sop_instance_uid=segmentation.SOPInstanceUID,
                segment_number=one.segment,
                source_series=sr.SourceSeriesForSegmentation(case.headers[0].SeriesInstanceUID),
            ),
            finding_category=codes.CATEGORY,
            finding_type=codes.LESION,
            finding_sites=[_site(case, one.record)],
            algorithm_id=_algorithm(case),
            measurements=measurements,
            qualitative_evaluations=evaluations or None,
        )
        measurements, evaluations = [], []
    yield sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(case, one.record),
        finding_category=codes.CATEGORY,
        finding_type=codes.LESION,
        finding_sites=[_site(case, one.record)],
        algorithm_id=_algorithm(case),
        measurements=[*measurements, *_axes(case, one)],
        qualitative_evaluations=evaluations or None,
    )


def _no_lesion(case: DicomCase) -> sr.MeasurementsAndQualitativeEvaluations:
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=case.identity.uid("study"), identifier="study"
        ),
        finding_sites=[sr.FindingSite(codes.BRAIN)],
        algorithm_id=_algorithm(case),
        measurements=[sr.Measurement(codes.own("N-LES"), 0, codes.NO_UNITS)],
    )


def _tracking(case: DicomCase, lesion: LesionRecord) -> sr.TrackingIdentifier:
    return sr.TrackingIdentifier(
        uid=tracking_uid(case, lesion.id), identifier=tracking_id(lesion.id)
    )


def _algorithm(case: DicomCase) -> sr.AlgorithmIdentification:
    parameters = codes.algorithm_parameters(case.result)
    return sr.AlgorithmIdentification(
        name=MODEL_NAME,
        version=case.result.vasotype_version,
        parameters=[f"{name}: {value}" for name, value in parameters.items()],
    )


def _site(case: DicomCase, lesion: LesionRecord) -> sr.FindingSite:
    prepared = case.analysis.prepared
    side = Compass(prepared.mask, prepared.grid.affine).location(lesion.centroid_ras_mm)
    return sr.FindingSite(codes.BRAIN, laterality=codes.SIDES.get(side.split(",")[0]))


def _volume(core_mm3: float) -> sr.Measurement:
    return sr.Measurement(
        public.SCT.Volume,
        round(core_mm3, DECIMALS),
        codes.CUBIC_MILLIMETRE,
        method=public.DCM.SumOfSegmentedVoxelMethodForVolume,
    )


def _tissue_volumes(volumes: VolumeMl) -> list[sr.Measurement]:
    return [
        sr.Measurement(
            codes.own(code),
            round(1000 * getattr(volumes, field), DECIMALS),
            codes.CUBIC_MILLIMETRE,
        )
        for code, field in VOLUMES.items()
    ]


def _axes(case: DicomCase, one: Measured) -> list[sr.Measurement]:
    axes = (
        (public.SCT.LongAxis, one.axes.longest_mm, one.axes.ends),
        (public.SCT.ShortAxis, one.axes.perpendicular_mm, one.axes.perpendicular_ends),
    )
    return [
        sr.Measurement(
            name,
            round(length, DECIMALS),
            codes.MILLIMETRE,
            referenced_coordinates=[_line(case, one, np.array(ends))],
        )
        for name, length, ends in axes
    ]


def _line(
    case: DicomCase, one: Measured, ends_ras_mm: np.ndarray[tuple[int, int], np.dtype[np.float64]]
) -> sr.CoordinatesForMeasurement | sr.CoordinatesForMeasurement3D:
    """A line between two points, in the key slice's own pixels where it lies in that plane."""
    if not one.in_plane:
        return sr.CoordinatesForMeasurement3D(
            "POLYLINE", ends_ras_mm * RAS_TO_LPS, case.frame_of_reference
        )
    affine = case.grid.affine
    index = np.linalg.solve(affine[:3, :3], (ends_ras_mm - affine[:3, 3]).T).T
    header, frames = case.slice_header(one.key_slice)
    image = sr.SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID, frames)
    return sr.CoordinatesForMeasurement("POLYLINE", index[:, :2] + PIXEL_CENTRE, image)


def _quantities(lesion: LesionRecord) -> list[sr.Measurement]:
    values = {biomarker.name: biomarker.value for biomarker in lesion.biomarkers}
    return [
        sr.Measurement(concept, round(value, DECIMALS), unit, derivation=derivation)
        for name, (concept, unit, derivation) in QUANTITIES.items()
        if isinstance(value := values.get(name), float)
    ]


def _probabilities(phenotype: PhenotypeRecord) -> list[sr.Measurement]:
    found = {}
    if not phenotype.abstained:
        values = phenotype.probabilities.model_dump()
        found = {code: values[mode] for mode, (code, _) in MODES.items()}
    if phenotype.mimicry_suspicion.score is not None:
        found["P-VM"] = phenotype.mimicry_suspicion.score
    return [
        sr.Measurement(codes.own(code), round(p, DECIMALS), codes.NO_UNITS)
        for code, p in found.items()
    ]


def _evaluations(phenotype: PhenotypeRecord) -> list[sr.QualitativeEvaluation]:
    leaning = MODES[phenotype.label][1] if phenotype.label else "ABSTAINED"
    supported = codes.YES if phenotype.label_supported else codes.NO
    return [
        sr.QualitativeEvaluation(codes.own("VASC-MODE"), codes.own(leaning)),
        sr.QualitativeEvaluation(codes.own("LABEL-SUPPORTED"), supported),
    ]
