"""``result.json``: the stage values of a study, gathered into one record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nibabel as nib
import numpy as np
from vasotype_models.contract import CHANNELS, ET, NETC, SNFH, sha256

from vasotype import __version__
from vasotype.engine import Engine
from vasotype.findings import Finding, Severity
from vasotype.result import (
    AfterTreatment,
    BiomarkerRecord,
    CalibrationIdentity,
    FindingRecord,
    Input,
    LesionRecord,
    PhenotypeRecord,
    Result,
    RuleReading,
    VolumeMl,
)
from vasotype.stages import Lesion, LesionSet, Prepared, Study, Volume


@dataclass(frozen=True)
class Reading:
    """What was read of one lesion: the model's answer, the biomarkers, and what rules say."""

    phenotype: PhenotypeRecord
    biomarkers: tuple[BiomarkerRecord, ...]
    by_rules: RuleReading
    after_treatment: AfterTreatment


def make_result(
    engine: Engine,
    study: Study,
    prepared: Prepared,
    lesions: LesionSet,
    readings: Sequence[Reading],
    timings_s: Mapping[str, float],
) -> Result:
    """The record of a study; ``readings`` stand in the order of the lesions."""
    findings = (*prepared.findings, *engine.findings, *lesions.findings)
    return Result(
        vasotype_version=__version__,
        study=study.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=engine.identity,
        calibration=CalibrationIdentity(
            source=engine.calibration.source,
            basis=engine.calibration.basis,
            coverage=engine.calibration.coverage,
        ),
        provider=engine.provider,
        reference=study.reference,
        inputs=tuple(_input(channel, volume) for channel, volume in study.volumes.items()),
        missing=tuple(channel for channel in CHANNELS if channel not in prepared.channels),
        findings=tuple(_finding(finding) for finding in dict.fromkeys(findings)),
        labels=engine.contract.labels,
        habitat_channels=engine.contract.habitats,
        total_volume_ml=_total(lesions, prepared.native.grid.voxel_ml),
        lesions=tuple(
            _lesion(lesion, reading)
            for lesion, reading in zip(lesions.lesions, readings, strict=True)
        ),
        clinical=study.clinical,
        timings_s=dict(timings_s),
    )


def write_record(result: Result, write_s: float, path: Path) -> None:
    """Write the record, with the seconds that the files before it took added to its timings."""
    timings = {**result.timings_s, "write": write_s}
    timed = result.model_copy(update={"timings_s": timings})
    path.write_text(timed.model_dump_json(indent=2) + "\n", encoding="utf-8")


def with_findings(result: Result, findings: Sequence[Finding]) -> Result:
    """The record with findings that were made in writing."""
    return result.model_copy(
        update={"findings": (*result.findings, *(_finding(finding) for finding in findings))}
    )


def _input(channel: str, volume: Volume) -> Input:
    axes = nib.aff2axcodes(volume.grid.affine)
    return Input(
        channel=channel,
        file=volume.name,
        sha256=_digest(volume),
        shape=volume.grid.shape,
        spacing_mm=volume.grid.spacing_mm,
        orientation="".join(axes),
    )


def _digest(volume: Volume) -> str:
    """Digest of the file, or of the voxel values where they came from no single file."""
    if volume.path is not None and volume.path.is_file():
        return sha256(volume.path)
    return hashlib.sha256(np.ascontiguousarray(volume.data).tobytes()).hexdigest()


def _finding(finding: Finding) -> FindingRecord:
    return FindingRecord(
        code=finding.code,
        severity="warning" if finding.severity is Severity.WARNING else "note",
        message=finding.message,
        remedy=finding.remedy,
    )


def _total(lesions: LesionSet, voxel_ml: float) -> VolumeMl:
    """Volumes of the whole label map; its edema includes what no lesion owns."""
    voxels = np.bincount(lesions.native_tissue.ravel(), minlength=ET + 1)
    return VolumeMl(
        enhancing=float(voxels[ET]) * voxel_ml,
        non_enhancing_core=float(voxels[NETC]) * voxel_ml,
        edema=float(voxels[SNFH]) * voxel_ml,
    )


def _lesion(lesion: Lesion, reading: Reading) -> LesionRecord:
    return LesionRecord.model_validate(
        {
            "id": lesion.id,
            "centroid_ras_mm": lesion.centroid_ras_mm,
            "volume_ml": VolumeMl(
                enhancing=lesion.enhancing_ml,
                non_enhancing_core=lesion.non_enhancing_core_ml,
                edema=lesion.edema_ml,
            ),
            "longest_diameter_mm": lesion.longest_diameter_mm,
            "perpendicular_diameter_mm": lesion.perpendicular_diameter_mm,
            "longest_ends_ras_mm": lesion.longest_ends_ras_mm,
            "enhancement_pattern": lesion.enhancement_pattern,
            "confidence": lesion.confidence,
            "edema_shared": lesion.edema_shared,
            "phenotype": reading.phenotype,
            "biomarkers": reading.biomarkers,
            "rule_reading": reading.by_rules,
            "after_treatment": reading.after_treatment,
        }
    )
