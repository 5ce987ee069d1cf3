"""What a perfect chain would say of a phantom with two lesions, and the objects written of it."""

import itertools
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pydicom
from dicom_series import Plan, classic_series, enhanced_object, save
from vasotype.boxes import crop
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

HOOK_MM = 30.0
"""No part of the hook lies further from its centre along any axis."""
CENTRE_LPS_MM = np.array([10.0, -12.0, 20.0])


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


def write_results(
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
