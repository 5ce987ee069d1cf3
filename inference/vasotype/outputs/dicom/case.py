"""What all DICOM objects of one result share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from highdicom import SOPClass
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from vasotype.outputs.dicom.headers import usable
from vasotype.outputs.dicom.identity import Identity, digest, moment_of
from vasotype.outputs.folder import OutputOptions
from vasotype.prepare.resample import resample
from vasotype.result import LesionRecord, Result
from vasotype.stages import Grid, Labels
from vasotype.study.dicom.reference import DicomSource

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

MANUFACTURER = "vasotype developers"
MODEL_NAME = "vasotype"
SERIES = {"tissues": 9701, "lesions": 9702, "contours": 9703, "measurements": 9704}
SERIES |= {"key-images": 9705, "report": 9706}
"""Role -> series number, beyond what scanners count to (ours)."""
NO_CONTENT: dict[str, Any] = {
    "created": True,
    "timings_s": True,
    "provider": True,
    "study": True,
    "acquisition": True,
    "inputs": {"__all__": {"file"}},
    "perfusion": {"series": {"__all__": {"name"}}},
}
"""Parts of a result that no object tells: different from run to run, or names of places."""
FOLDER_FINDINGS = {"name-withheld"}
"""Findings about the name of a folder; they say nothing of the images."""


@dataclass(frozen=True)
class DicomCase:
    """Labels on the planes of the source series, and what every object copies from it.

    ``headers`` are the source's objects, fit to be copied from; ``tissue`` (uint8) and
    ``segments`` (uint16, 0 is none) [X, Y, Z] lie on ``source.grid``. ``lesions`` are those of the
    result that have a voxel there; the first is segment 1.
    """

    analysis: Analysis
    source: DicomSource
    headers: tuple[Dataset, ...]
    tissue: Labels
    segments: NDArray[np.uint16]
    lesions: tuple[LesionRecord, ...]
    identity: Identity

    @classmethod
    def of(cls, analysis: Analysis, source: DicomSource, options: OutputOptions) -> DicomCase:
        """Bring an analysis onto the planes of its source.

        The same series must make the same objects in whatever folder they lie: what a result says
        of folders and files goes neither into an object nor into the identifiers.
        """
        told = [one for one in analysis.result.findings if one.code not in FOLDER_FINDINGS]
        result = analysis.result.model_copy(update={"findings": tuple(told)})
        analysis = replace(analysis, result=result)
        native, lesions = analysis.prepared.native.grid, analysis.lesions
        tissue = resample(lesions.native_tissue, native, source.grid, order=0)
        instances = resample(lesions.native_instances, native, source.grid, order=0)
        there = np.bincount(instances.ravel(), minlength=len(result.lesions) + 1) > 0
        shown = tuple(lesion for lesion in result.lesions if there[lesion.id])
        step_mm = source.grid.spacing_mm[2]
        first = dict(reversed(source.frames))
        headers = tuple(
            usable(header, step_mm, first[place]) for place, header in enumerate(source.headers)
        )
        content = result.model_dump_json(exclude=NO_CONTENT)
        key = digest(
            (
                "/".join(sorted(str(header.SOPInstanceUID) for header in headers)).encode(),
                content.encode(),
                f"{options.seg} {options.sr_phenotype}".encode(),
                tissue.tobytes(),
                instances.tobytes(),
            )
        )
        numbers = np.cumsum(there, dtype=np.uint16) - np.uint16(there[0])
        identity = Identity(key, moment_of(headers[0]))
        return cls(analysis, source, headers, tissue, numbers[instances], shown, identity)

    @property
    def result(self) -> Result:
        """The record of the study."""
        return self.analysis.result

    @property
    def grid(self) -> Grid:
        """Grid of the source, RAS+ mm."""
        return self.source.grid

    @property
    def frame_of_reference(self) -> str:
        """UID of the source's frame of reference; empty where it has none."""
        return str(self.headers[0].get("FrameOfReferenceUID") or "")

    def in_source_order(self, volume: NDArray[Any]) -> NDArray[Any]:
        """A volume [X, Y, Z, ...] as frames [N, rows, columns, ...] in the order of the source."""
        frames = np.swapaxes(np.moveaxis(volume, 2, 0), 1, 2)
        if not self.source.multiframe:
            return np.ascontiguousarray(frames)
        whole = np.zeros((int(self.headers[0].NumberOfFrames), *frames.shape[1:]), frames.dtype)
        whole[[index for _, index in self.source.frames]] = frames
        return whole

    def slice_header(self, z: int) -> tuple[Dataset, list[int] | None]:
        """Object that holds slice ``z``, and the frame's number from 1 where it holds many."""
        place, frame = self.source.frames[z]
        return self.headers[place], [frame + 1] if self.source.multiframe else None

    def uids(self, role: str) -> dict[str, Any]:
        """Series and instance of an object, as highdicom's constructors take them."""
        return {
            "series_instance_uid": self.identity.uid(f"{role}/series"),
            "series_number": SERIES[role],
            "sop_instance_uid": self.identity.uid(role),
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "series_description": f"vasotype {role}, UNVERIFIED, not for diagnostic use",
            "manufacturer_model_name": MODEL_NAME,
            "software_versions": self.result.vasotype_version,
            "device_serial_number": self.result.model.sha256[:16],
        }

    def plain_object(self, role: str, sop_class: UID, modality: str) -> SOPClass:
        """An object with patient, study, series and equipment, and nothing of its own yet."""
        header = self.headers[0]
        made = SOPClass(
            study_instance_uid=header.StudyInstanceUID,
            sop_class_uid=sop_class,
            modality=modality,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            patient_id=header.PatientID,
            patient_name=header.PatientName,
            patient_birth_date=header.PatientBirthDate,
            patient_sex=header.PatientSex,
            accession_number=header.AccessionNumber,
            study_id=header.StudyID,
            study_date=header.StudyDate,
            study_time=header.StudyTime,
            referring_physician_name=header.ReferringPhysicianName,
            specific_character_set="ISO_IR 192",
            **self.uids(role),
        )
        made.copy_patient_and_study_information(header)
        return made
