"""Small DICOM series of a phantom whose value tells the place: what is read is where it was."""

import functools
import itertools
import os
import shutil
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
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
from vasotype.lesions.boxes import crop
from vasotype.lesions.diameters import axial_diameters
from vasotype.outputs import OutputOptions
from vasotype.outputs.dicom import write_dicom
from vasotype.pipeline import Analysis
from vasotype.result import (
    LesionRecord,
    MimicrySuspicion,
    ModelIdentity,
    ModeProbabilities,
    PhenotypeRecord,
    Result,
    VolumeMl,
)
from vasotype.stages import LesionSet, Maps, Prepared
from vasotype.study.dicom import read_series
from vasotype_models.contract import CHANNELS

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
HOOK_MM = 30.0
"""No part of the hook lies further from its centre along any axis."""
CENTRE_LPS_MM = np.array([10.0, -12.0, 20.0])


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


class Kit:
    """What the tests build DICOM with."""

    Plan = Plan
    sequences = SEQUENCES
    secret = SECRET
    place_value = staticmethod(place_value)
    classic = staticmethod(classic_series)
    enhanced = staticmethod(enhanced_object)
    of_volume = staticmethod(series_of_volume)
    analysis_of = staticmethod(lambda *args, **more: analysis_of(*args, **more))
    save = staticmethod(save)
    small_results = staticmethod(small_results)


@pytest.fixture(scope="session")
def kit():
    return Kit


def hook(x, y, z, centre):
    """Tissue labels and instance numbers of a phantom without symmetry, by LPS mm (broadcast).

    Lesion 1 is a hook of three arms that differ in length, with a dead end and edema around it;
    lesion 2 is a small ball.
    """
    points = np.stack(np.broadcast_arrays(x, y, z), axis=-1) - centre
    corners = np.array([[0, 0, 0], [12, 0, 0], [12, 9, 0], [12, 9, 6]], float)
    arms = [_along(points, a, b) for a, b in itertools.pairwise(corners)]
    core = np.min(arms, axis=0) <= 4
    small = np.linalg.norm(points - [-13, 10, -8], axis=-1) <= 3.2
    tissue = np.where(np.linalg.norm(points, axis=-1) <= 9, 2, 0)
    tissue[core] = 3
    tissue[np.linalg.norm(points - [-1, 0, 0], axis=-1) <= 2.6] = 1
    tissue[small] = 3
    instances = np.where(small, 2, np.where((tissue == 1) | (tissue == 3), 1, 0))
    return tissue.astype(np.uint8), instances.astype(np.uint16)


def _along(points, a, b):
    """Distance of points to the line between two others."""
    share = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    return np.linalg.norm(points - a - share[..., None] * (b - a), axis=-1)


def centred_plan(orientation="axial", slices=22, size=(30, 36), spacing=(1.8, 1.6), step=2.4):
    """A plan whose middle is the middle of the hook."""
    plan = Plan(orientation, slices, size, spacing, step, (0.0, 0.0, 0.0))
    row, column, normal = plan.axes()
    half = (np.array([size[1] * spacing[1], size[0] * spacing[0], slices * step]) - 1) / 2
    middle = half[0] * row + half[1] * column + half[2] * normal
    aside = np.array([2.0, 2.0, 0.0])
    return replace(plan, origin=tuple(CENTRE_LPS_MM + aside - middle))


def analysis_of(series, lesions=True, centre=CENTRE_LPS_MM):
    """What a perfect chain would have said of one series of the phantom around ``centre``."""
    volume = series.read()
    grid = volume.grid
    tissue, instances = np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint16)
    to_index = np.linalg.inv(grid.affine)
    middle = to_index[:3, :3] @ (centre * [-1, -1, 1]) + to_index[:3, 3]
    around = [HOOK_MM / edge for edge in grid.spacing_mm]
    box = tuple(
        slice(max(0, int(at - half)), int(at + half) + 1)
        for at, half in zip(middle, around, strict=True)
    )
    part = crop(grid, tuple(slice(*s.indices(n)) for s, n in zip(box, grid.shape, strict=True)))
    index = np.indices(part.shape).reshape(3, -1)
    ras = (part.affine[:3, :3] @ index + part.affine[:3, 3:]).reshape(3, *part.shape)
    tissue[box], instances[box] = hook(-ras[0], -ras[1], ras[2], centre)
    if not lesions:
        tissue, instances = np.zeros_like(tissue), np.zeros_like(instances)
    probability = np.stack([np.where(tissue == label, 0.9, 0.1 / 3) for label in range(4)])
    image = np.zeros((7, *grid.shape), np.float32)
    image[1] = volume.data
    maps = Maps(probability.astype(np.float32), np.zeros((5, *grid.shape), np.float32), "CPU")
    mask = np.ones(grid.shape, bool)
    present = tuple(channel == "t1c" for channel in CHANNELS)
    prepared = Prepared("made", image, mask, present, np.ones((7, 2), np.float32), grid, volume)
    records = tuple(_record(instances == n, tissue, grid, n) for n in (1, 2)) if lesions else ()
    found = LesionSet((), tissue, instances, tissue, instances, instances)
    values = {
        "prepared": prepared,
        "maps": maps,
        "lesions": found,
        "result": _result(records, tissue, grid),
    }
    return Analysis(**{f.name: values.get(f.name) for f in fields(Analysis)})


def _record(mask, tissue, grid, number):
    axes = axial_diameters(mask, grid.affine)
    centre = grid.affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + grid.affine[:3, 3]
    volumes = [float((tissue[mask] == label).sum() * grid.voxel_ml) for label in (3, 1)]
    modes = ModeProbabilities(angiogenic=0.7, intermediate=0.2, co_option=0.1)
    return LesionRecord(
        id=number,
        centroid_ras_mm=tuple(centre),
        volume_ml=VolumeMl(enhancing=volumes[0], non_enhancing_core=volumes[1], edema=0.5),
        longest_diameter_mm=axes.longest_mm,
        perpendicular_diameter_mm=axes.perpendicular_mm,
        longest_ends_ras_mm=axes.ends,
        enhancement_pattern="nodular",
        confidence=0.9,
        edema_shared=False,
        phenotype=PhenotypeRecord(
            probabilities=modes,
            mimicry_suspicion=MimicrySuspicion(level="no", score=0.25),
            label=None if number == 2 else "angiogenic",
            label_supported=number == 1,
            prediction_set=() if number == 2 else ("angiogenic",),
            abstained=number == 2,
            reason="below 5 mm" if number == 2 else None,
            tier="structural",
            low_permeability_share=0.2,
        ),
    )


def _result(records, tissue, grid):
    volume = VolumeMl(enhancing=1.0, non_enhancing_core=0.1, edema=1.0)
    model = ModelIdentity(name="default", version="1", sha256="a" * 64)
    return Result(
        vasotype_version="0.1.0",
        study="made",
        created="2026-01-01T00:00:00+00:00",
        model=model,
        provider="CPUExecutionProvider",
        reference="t1c",
        inputs=(),
        missing=("t1", "t2", "flair"),
        findings=(),
        labels={"non_enhancing_core": 1, "edema": 2, "enhancing": 3},
        habitat_channels=(),
        total_volume_ml=volume,
        lesions=records,
        timings_s={},
    )


@pytest.fixture(scope="session")
def results_of(tmp_path_factory):
    """Writes a phantom's results: ``results_of(orientation, kind, seg=..., ...)`` -> Results.

    Each combination is written once a session.
    """
    return functools.cache(functools.partial(_write_results, tmp_path_factory))


@dataclass(frozen=True)
class Results:
    """Objects by name, where they lie, the source they refer to, and what should be in them."""

    folder: Path
    sources: Path
    analysis: Analysis
    findings: tuple

    def read(self, name):
        return pydicom.dcmread(self.folder / f"{name}.dcm")

    @property
    def names(self):
        return sorted(path.stem for path in self.folder.iterdir())


def _write_results(
    tmp_path_factory, orientation="axial", kind="classic", lesions=True, header=(), **options
):
    home = tmp_path_factory.mktemp("results")
    make = {"classic": classic_series, "enhanced": lambda *a, **k: [enhanced_object(*a, **k)]}[kind]
    objects = make(centred_plan(orientation), **dict(header))
    sources = save(objects, home / "source")
    [series] = read_series(sources).series
    analysis = analysis_of(series, lesions)
    source = analysis.prepared.native.source
    findings = write_dicom(analysis, source, home / "dicom", OutputOptions(**options))
    return Results(home / "dicom", sources, analysis, findings)


@pytest.fixture(scope="session")
def tool():
    """Path of a program of another project: ``tool("dciodvfy")``; skipped where it is missing."""

    def find(name):
        beside = Path(sys.executable).parent
        found = shutil.which(name) or shutil.which(name, path=f"{beside}{os.pathsep}/usr/sbin")
        if found is None and os.environ.get("VASOTYPE_REQUIRE_TOOLS"):
            pytest.fail(f"{name} is required here, but not installed")
        return found or pytest.skip(f"{name} is not installed")

    return find
