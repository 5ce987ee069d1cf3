"""Small DICOM series of a phantom whose value tells the place: what is read is where it was."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    Comprehensive3DSRStorage,
    EncapsulatedPDFStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    SegmentationStorage,
    generate_uid,
)

OBLIQUE = np.array([[0.96, 0.2, -0.1959], [-0.17, 0.95, 0.0]])
OBLIQUE[0] /= np.linalg.norm(OBLIQUE[0])
OBLIQUE[1] -= (OBLIQUE[1] @ OBLIQUE[0]) * OBLIQUE[0]
OBLIQUE[1] /= np.linalg.norm(OBLIQUE[1])
ORIENTATIONS = {  # directions of a row and of a column, LPS
    "axial": ((1, 0, 0), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "oblique": tuple(map(tuple, OBLIQUE)),
}
T1 = {"ScanningSequence": ["GR", "IR"], "RepetitionTime": 1900, "EchoTime": 3, "InversionTime": 950}
T2 = {"ScanningSequence": "SE", "RepetitionTime": 4700, "EchoTime": 90}
FLAIR = {"ScanningSequence": ["SE", "IR"], "RepetitionTime": 9000, "EchoTime": 120} | {
    "InversionTime": 2500
}
SEQUENCES = {"t1": T1, "t2": T2, "flair": FLAIR}
SECRET = "DOE^JANE"


def place_value(x, y, z):
    """The phantom, a function of RAS mm without any symmetry."""
    return 1000 + 3 * x - 2 * y + 5 * z


@dataclass(frozen=True)
class Plan:
    """How a series is laid out; sizes are rows and columns, lengths in mm."""

    orientation: str = "axial"
    slices: int = 12
    size: tuple[int, int] = (14, 18)
    spacing: tuple[float, float] = (4.0, 3.0)
    step: float = 2.5
    origin: tuple[float, float, float] = (-31.0, -27.0, -13.0)

    def axes(self):
        row, column = (np.array(axis, float) for axis in ORIENTATIONS[self.orientation])
        return row, column, np.cross(row, column)

    def position(self, slice_):
        return np.array(self.origin) + slice_ * self.step * self.axes()[2]

    def pixels(self, slice_):
        """Phantom values [rows, columns] of a slice."""
        row, column, _ = self.axes()
        r, c = np.indices(self.size)
        lps = (
            self.position(slice_)[:, None, None]
            + c * self.spacing[1] * row[:, None, None]
            + r * self.spacing[0] * column[:, None, None]
        )
        return np.round(place_value(-lps[0], -lps[1], lps[2])).astype(np.uint16)


def _common(plan, uid, header):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PatientName, ds.PatientID, ds.Modality = SECRET, "4711", "MR"
    ds.StudyDate, ds.AcquisitionTime = "20200101", "100000"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", uid
    ds.FrameOfReferenceUID, ds.SeriesNumber = "1.2.3.4", 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    ds.MRAcquisitionType, ds.SeriesDescription = "3D", "a series"
    ds.Rows, ds.Columns = plan.size
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    for keyword, value in (T1 | header).items():
        if value is not None:
            setattr(ds, keyword, value)
        elif keyword in ds:
            delattr(ds, keyword)
    return ds


def classic_series(plan=None, **header):
    """One object a slice, in order; header keywords replace or, as None, remove values."""
    plan, uid = plan or Plan(), generate_uid()
    return [_classic(plan, uid, header, slice_) for slice_ in range(plan.slices)]


def _classic(plan, uid, header, slice_):
    ds = _common(plan, uid, header)
    ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, generate_uid()
    row, column, _ = plan.axes()
    ds.ImageOrientationPatient = [float(f"{v:.8f}") for v in (*row, *column)]
    ds.ImagePositionPatient = [float(f"{v:.6f}") for v in plan.position(slice_)]
    ds.PixelSpacing = list(plan.spacing)
    ds.PixelData = plan.pixels(slice_).tobytes()
    return ds


def series_of_volume(data, affine, **header):
    """A classic axial-like series of an integer volume [X, Y, Z] with a RAS affine."""
    if np.linalg.det(affine[:3, :3]) < 0:  # slices run along the normal of their rows and columns
        data = data[:, :, ::-1]
        affine = affine @ np.array(
            [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, data.shape[2] - 1], [0, 0, 0, 1]]
        )
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    edges = np.linalg.norm(lps[:3, :3], axis=0)
    row, column, _ = (lps[:3, :3] / edges).T
    plan = Plan(slices=data.shape[2], size=data.shape[1::-1])
    slices = classic_series(plan, **header)
    for number, ds in enumerate(slices):
        ds.ImageOrientationPatient = [float(f"{v:.8f}") for v in (*row, *column)]
        ds.ImagePositionPatient = [float(f"{v:.6f}") for v in (lps @ [0, 0, number, 1])[:3]]
        ds.PixelSpacing = [float(f"{edges[1]:.8f}"), float(f"{edges[0]:.8f}")]
        ds.PixelData = data[:, :, number].T.astype(np.uint16).tobytes()
    return slices


def _item(**values):
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return Sequence([ds])


def enhanced_object(plan=None, times=1, **header):
    """One multi-frame object, its frames in shuffled order, each with its own rescale slope."""
    plan = plan or Plan()
    ds = _common(plan, generate_uid(), {"EchoTime": None, "InversionTime": None, **header})
    ds.SOPClassUID, ds.SOPInstanceUID = EnhancedMRImageStorage, generate_uid()
    row, column, _ = plan.axes()
    shared = Dataset()
    shared.PlaneOrientationSequence = _item(
        ImageOrientationPatient=[float(f"{v:.8f}") for v in (*row, *column)]
    )
    shared.PixelMeasuresSequence = _item(PixelSpacing=list(plan.spacing))
    shared.MREchoSequence = _item(EffectiveEchoTime=3.0)
    shared.MRModifierSequence = _item(InversionTimes=[950.0], InversionRecovery="YES")
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames, pixels = [], []
    order = np.random.default_rng(3).permutation(plan.slices * times)
    for time, slice_ in ((int(n) // plan.slices, int(n) % plan.slices) for n in order):
        frame, slope = Dataset(), 0.5 if slice_ % 2 else 1.0
        position = [float(f"{v:.6f}") for v in plan.position(slice_)]
        frame.PlanePositionSequence = _item(ImagePositionPatient=position)
        frame.FrameContentSequence = _item(TemporalPositionIndex=time + 1)
        frame.PixelValueTransformationSequence = _item(
            RescaleSlope=slope, RescaleIntercept=float(time), RescaleType="US"
        )
        frames.append(frame)
        pixels.append((plan.pixels(slice_) / slope).astype(np.uint16))
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.NumberOfFrames = len(frames)
    ds.PixelData = np.stack(pixels).tobytes()
    return ds


def save(datasets, folder, shuffled=True):
    """Write objects under names that tell nothing."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    start = len(list(folder.iterdir()))
    names = np.random.default_rng(len(datasets)).permutation(len(datasets))
    for ds, name in zip(datasets, names if shuffled else range(len(datasets)), strict=True):
        ds.save_as(folder / f"x{start + int(name):04d}", enforce_file_format=True)
    return folder


def small_results(folder, image):
    """Objects of the kinds of our results, beside an image's study; UIDs follow from the study."""
    folder.mkdir(parents=True)
    for name, modality, kind in RESULT_KINDS:
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.PatientName, ds.PatientID = image.PatientName, image.PatientID
        ds.StudyInstanceUID, ds.Modality, ds.SOPClassUID = image.StudyInstanceUID, modality, kind
        ds.SeriesInstanceUID = generate_uid(entropy_srcs=[image.StudyInstanceUID, name, "series"])
        ds.SOPInstanceUID = generate_uid(entropy_srcs=[image.StudyInstanceUID, name])
        ds.save_as(folder / f"{name}.dcm", enforce_file_format=True)
    return folder


RESULT_KINDS = (
    ("lesions-seg", "SEG", SegmentationStorage),
    ("measurements-sr", "SR", Comprehensive3DSRStorage),
    ("report-pdf", "DOC", EncapsulatedPDFStorage),
)
