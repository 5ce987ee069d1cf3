"""Key images: for every lesion the slice of the source that shows its longest axis."""

from __future__ import annotations

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as public

from vasotype.outputs.dicom import codes
from vasotype.outputs.dicom.case import DicomCase
from vasotype.outputs.dicom.measured import Measured
from vasotype.outputs.dicom.measurements import observer
from vasotype.outputs.dicom.segmentations import tracking_id

PATIENT_STUDY = ("PatientAge", "PatientSize", "PatientWeight")
"""highdicom leaves these out of key object documents; equal patients then seem to differ."""


def key_images(case: DicomCase, measured: tuple[Measured, ...]) -> Dataset:
    """One document that names the key slices, in the order of the lesions.

    At least one lesion is needed. Frames of multi-frame objects are named by number.
    """
    slices = list(dict.fromkeys(one.key_slice for one in measured))
    headers = [case.slice_header(z)[0] for z in slices]
    content = KeyObjectSelection(
        document_title=public.DCM.ForReportAttachment,
        referenced_objects=headers,
        observer_device_context=observer(case),
        description=_description(case, measured),
    )
    images = [item for item in content[0].ContentSequence if item.ValueType == "IMAGE"]
    for z, image in zip(slices, images, strict=True):
        if frames := case.slice_header(z)[1]:
            image.ReferencedSOPSequence[0].ReferencedFrameNumber = frames
    uids = case.uids("key-images")
    description, model, versions, serial = (
        uids.pop(name)
        for name in (
            "series_description",
            "manufacturer_model_name",
            "software_versions",
            "device_serial_number",
        )
    )
    made = KeyObjectSelectionDocument(evidence=_distinct(headers), content=content, **uids)
    made.SeriesDescription, made.ManufacturerModelName = description, model
    made.SoftwareVersions, made.DeviceSerialNumber = versions, serial
    for keyword in PATIENT_STUDY:
        if keyword in case.headers[0]:
            setattr(made, keyword, case.headers[0].get(keyword))
    return made


def _distinct(headers: list[Dataset]) -> list[Dataset]:
    return list({header.SOPInstanceUID: header for header in headers}.values())


def _description(case: DicomCase, measured: tuple[Measured, ...]) -> str:
    places = []
    for one in measured:
        header, frames = case.slice_header(one.key_slice)
        image = f"frame {frames[0]}" if frames else f"image {header.get('InstanceNumber', '?')}"
        places.append(f"{tracking_id(one.record.id)} {image}")
    return f"Lesions at their longest axis, {codes.NOT_DIAGNOSTIC}: {'; '.join(places)}"
