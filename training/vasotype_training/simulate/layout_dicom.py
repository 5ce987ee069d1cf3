"""A simulated study as a scanner would have exported it: one classic MR object a slice.

Tags are those of a usual 3 T protocol for brain metastases: the sequences after BTIP-BM (Kaufmann
et al. 2020), their times ours, within the simulator's ranges. Patient and study are made up.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

NAMESPACE = uuid.UUID("b8a4b3a0-6c11-4b0e-9a53-2f60d6d3f1c7")
"""Of the identifiers of simulated objects (arbitrary)."""
VISIT = datetime(2020, 1, 1, 10, 0, 0)
FULL_SCALE = 60_000
"""Largest stored value of a map."""
AGENT = "GADOBUTROL"
MS = 1000.0

MPRAGE = {
    "ScanningSequence": ["GR", "IR"], "SequenceVariant": ["SK", "SP", "MP"],
    "SequenceName": "*tfl3d1_16", "RepetitionTime": 1900, "EchoTime": 2.5, "InversionTime": 900,
    "FlipAngle": 9, "EchoTrainLength": 1,
}  # fmt: skip
SPACE_T2 = {
    "ScanningSequence": "SE", "SequenceVariant": ["SK", "SP"], "SequenceName": "*spc3d1_282",
    "RepetitionTime": 3200, "EchoTime": 408, "FlipAngle": 120, "EchoTrainLength": 282,
}  # fmt: skip
SPACE_FLAIR = {
    "ScanningSequence": ["SE", "IR"], "SequenceVariant": ["SK", "SP", "MP"],
    "SequenceName": "*spcir3d1_278", "RepetitionTime": 5000, "EchoTime": 388,
    "InversionTime": 1800, "FlipAngle": 120, "EchoTrainLength": 278,
}  # fmt: skip
VIBE = {"ScanningSequence": "GR", "SequenceVariant": ["SP"], "SequenceName": "*fl3d1"}
EPI = {"ScanningSequence": "EP", "SequenceVariant": ["SK"], "SequenceName": "*epfid2d1_128"}


@dataclass(frozen=True)
class Protocol:
    """What stands in the headers of one sequence; times in ms.

    ``minute`` is when it begins, after the start of the visit. ``kind`` are the values of ImageType
    from the third on.
    """

    number: int
    description: str
    minute: float
    tags: Mapping[str, Any] = field(default_factory=dict)
    kind: tuple[str, ...] = ("M", "ND")
    contrast: bool = False
    acquisition: str = "3D"

    @property
    def derived(self) -> bool:
        """Whether it is computed from other images."""
        return self.number >= FIRST_MAP


FIRST_MAP = 20
PROTOCOLS = {
    "t1n": Protocol(2, "t1_mprage_sag_iso", 0, MPRAGE),
    "t2w": Protocol(3, "t2_space_sag_iso", 6, SPACE_T2),
    "t2f": Protocol(4, "t2_flair_space_sag_iso", 11, SPACE_FLAIR),
    "vfa": Protocol(5, "t1_vibe_flip_angles", 17, VIBE),
    "dce": Protocol(6, "t1_vibe_dynamic", 19, VIBE, contrast=True),
    "dsc": Protocol(7, "ep2d_perf", 26, EPI, contrast=True, acquisition="2D"),
    "t1c": Protocol(8, "t1_mprage_sag_iso_post", 30, MPRAGE, contrast=True),
    "rcbv": Protocol(20, "rCBV map", 40, EPI, ("PERFUSION", "RCBV"), True),
    "ktrans": Protocol(21, "Ktrans map, /min", 41, VIBE, ("PERFUSION", "KTRANS"), True),
    "tbr": Protocol(22, "FET, tumor to brain ratio", 42, kind=("STATIC",)),
}
"""Ending of a study's file -> its protocol."""


def arrange(folder: Path, name: str) -> None:
    """Turn the images of a study's folder into DICOM series under ``dicom``; the truth stays."""
    for path in sorted(folder.glob("*.nii.gz")):
        ending = path.name.removesuffix(".nii.gz").rpartition("-")[2]
        protocol = PROTOCOLS[ending.rstrip("0123456789") if ending.startswith("vfa") else ending]
        sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
        about = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.is_file() else {}
        home = folder / "dicom" / f"{protocol.number:02d}_{ending}"
        home.mkdir(parents=True)
        for number, slice_ in enumerate(_objects(path, name, ending, protocol, about), start=1):
            slice_.InstanceNumber = number
            slice_.save_as(home / f"IM{number:05d}.dcm", enforce_file_format=True)
        path.unlink()
        sidecar.unlink(missing_ok=True)


def _objects(
    path: Path, name: str, ending: str, protocol: Protocol, about: Mapping[str, Any]
) -> Iterator[Dataset]:
    image = nib.as_closest_canonical(nib.load(path))
    ras = np.asarray(image.dataobj)
    # Rows run to the left, columns to the back, as scanners store an axial slice.
    voxels = ras[::-1, ::-1].reshape(*ras.shape[:3], -1)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    affine[:3, 3] += affine[:3, :2] @ (np.array(ras.shape[:2]) - 1)
    affine[:3, :2] *= -1
    stored, slope = _stored(voxels)
    series = _uid(name, ending, hashlib.sha256(stored.tobytes()).hexdigest())
    common = _header(name, series, protocol, about, affine)
    starts = about.get("FrameTimesStart") or about.get("VolumeTiming") or [0.0]
    for time in range(stored.shape[3]):
        start = VISIT + timedelta(minutes=protocol.minute, seconds=float(starts[time]))
        for z in range(stored.shape[2]):
            made = _slice(common, stored[:, :, z, time], slope)
            made.SOPInstanceUID = _uid(series, str(time), str(z))
            made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
            made.ImagePositionPatient = _decimal((affine @ [0, 0, z, 1])[:3])
            made.AcquisitionDate = made.ContentDate = start.strftime("%Y%m%d")
            made.AcquisitionTime = made.ContentTime = start.strftime("%H%M%S.%f")
            made.AcquisitionNumber = time + 1
            if made.Modality == "PT":
                made.ImageIndex, made.NumberOfSlices = z + 1, stored.shape[2]
            if stored.shape[3] > 1:
                made.TemporalPositionIdentifier = time + 1
                made.NumberOfTemporalPositions = stored.shape[3]
            yield made


def _stored(voxels: NDArray[Any]) -> tuple[NDArray[np.uint16], float]:
    """Stored values [X, Y, Z, T] and what one of them is worth."""
    if voxels.dtype.kind in "iu":
        return voxels.astype(np.uint16), 1.0
    slope = max(float(voxels.max()), 1e-6) / FULL_SCALE
    return np.round(voxels / slope).astype(np.uint16), slope


def _header(
    name: str,
    series: UID,
    protocol: Protocol,
    about: Mapping[str, Any],
    affine: NDArray[np.float64],
) -> Dataset:
    """What all slices of a series share."""
    made = Dataset()
    _describe_visit(made, name)
    pet = protocol.description.startswith("FET")
    made.SOPClassUID = PositronEmissionTomographyImageStorage if pet else MRImageStorage
    made.Modality = "PT" if pet else "MR"
    made.SeriesInstanceUID, made.SeriesNumber = series, protocol.number
    made.SeriesDescription = made.ProtocolName = protocol.description
    made.SeriesDate = VISIT.strftime("%Y%m%d")
    made.SeriesTime = (VISIT + timedelta(minutes=protocol.minute)).strftime("%H%M%S")
    origin = ["DERIVED", "PRIMARY"] if protocol.derived else ["ORIGINAL", "PRIMARY"]
    made.ImageType = [*origin, *protocol.kind]
    if pet:
        _describe_pet(made)
    else:
        _describe_sequence(made, protocol, about)
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    directions = affine[:3, :2] / edges[:2]
    made.ImageOrientationPatient = _decimal(directions.T.ravel())
    made.PixelSpacing = _decimal(edges[1::-1])
    made.SliceThickness = made.SpacingBetweenSlices = _decimal(edges[2:])[0]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, 0
    return made


def _describe_visit(made: Dataset, name: str) -> None:
    made.PatientName, made.PatientID = f"Simulated^{name}", name
    made.PatientBirthDate, made.PatientSex, made.PatientAge = "19500101", "O", "070Y"
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = "simulated, no patient"
    made.StudyInstanceUID = _uid(name)
    made.FrameOfReferenceUID = _uid(name, "frame")
    made.PositionReferenceIndicator = ""
    made.StudyDate, made.StudyTime = VISIT.strftime("%Y%m%d"), VISIT.strftime("%H%M%S")
    made.StudyID, made.AccessionNumber, made.ReferringPhysicianName = "1", "", ""
    made.StudyDescription = "simulated brain MRI"
    made.Manufacturer, made.ManufacturerModelName = "vasotype simulator", "simulator"
    made.BodyPartExamined, made.PatientPosition = "BRAIN", "HFS"
    made.SpecificCharacterSet = "ISO_IR 192"


def _describe_sequence(made: Dataset, protocol: Protocol, about: Mapping[str, Any]) -> None:
    made.MagneticFieldStrength, made.MRAcquisitionType = 3, protocol.acquisition
    made.ScanOptions, made.RepetitionTime = "", ""
    for keyword, value in protocol.tags.items():
        setattr(made, keyword, value)
    repetition = about.get("RepetitionTimeExcitation") or about.get("RepetitionTime")
    if repetition:
        made.RepetitionTime = round(repetition * MS, 3)
    if echo := about.get("EchoTime"):
        made.EchoTime = round(echo * MS, 3)
    elif "EchoTime" not in made:
        made.EchoTime = 2.0
    if angle := about.get("FlipAngle"):
        made.FlipAngle = angle
    made.EchoTrainLength = made.get("EchoTrainLength") or 1
    if protocol.contrast:
        made.ContrastBolusAgent = AGENT


def _describe_pet(made: Dataset) -> None:
    """What PET asks of a ratio that has no counts, no decay and no tracer bottle any more."""
    made.Units, made.CountsSource, made.SeriesType = "NONE", "EMISSION", ["STATIC", "IMAGE"]
    made.DecayCorrection, made.CollimatorType = "NONE", "NONE"
    made.CorrectedImage, made.ActualFrameDuration, made.FrameReferenceTime = "", "", "0"
    made.RadiopharmaceuticalInformationSequence = []
    made.PatientOrientationCodeSequence = []
    made.PatientGantryRelationshipCodeSequence = []


def _slice(common: Dataset, values: NDArray[np.uint16], slope: float) -> Dataset:
    made = Dataset()
    made.update(common)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.Columns, made.Rows = values.shape
    made.PixelData = np.ascontiguousarray(values.T).tobytes()
    if slope != 1.0:
        made.RescaleSlope, made.RescaleIntercept = _decimal([slope])[0], "0"
        made.RescaleType = "US"
    return made


def _decimal(values: Any) -> list[str]:
    """Numbers as decimal strings of at most 16 characters."""
    return [f"{float(value):.9g}" for value in values]


def _uid(*parts: str) -> UID:
    return UID(f"2.25.{uuid.uuid5(NAMESPACE, '/'.join(parts)).int}")
