"""Lesions and visits made by hand: what a follow-up sees of them, without a network."""

from __future__ import annotations

import numpy as np
import pytest
from vasotype.followup.align import Head, Motion
from vasotype.followup.changes import compare
from vasotype.followup.limits import read_limits
from vasotype.followup.record import Observation
from vasotype.followup.treatment import Treatment
from vasotype.followup.visit import Visit
from vasotype.prepare.registration import Registration
from vasotype.result import (
    AcquisitionReport,
    BiomarkerRecord,
    HeaderFacts,
    Input,
    LesionRecord,
    MimicrySuspicion,
    ModelIdentity,
    ModeProbabilities,
    PerfusionRecord,
    PhenotypeRecord,
    Result,
    SequenceRecord,
    SeriesRecord,
    VolumeMl,
)
from vasotype.stages import Grid
from vasotype_models.contract import ET, HABITATS, SNFH

LIMITS = read_limits()
UNTREATED = Treatment(anti_vegf=False, steroids=False, radiotherapy=False)
FEATURES = {
    "rcbv_mean": 3.5,
    "ktrans_tumor_mean": 0.14,
    "enhancement_mean": 1.2,
    "edema_ratio": 2.5,
    "border_width": 3.0,
}
SHAPE = (72, 84, 64)
ORIGIN = np.array([-36.0, -42.0, -32.0])
PROBABILITIES = {
    "angiogenic": (0.6, 0.3, 0.1),
    "intermediate": (0.25, 0.5, 0.25),
    "co_option": (0.1, 0.3, 0.6),
    None: (0.34, 0.33, 0.33),
}


def phenotype(label, tier="both"):
    values = dict(
        zip(("angiogenic", "intermediate", "co_option"), PROBABILITIES[label], strict=True)
    )
    return PhenotypeRecord(
        probabilities=ModeProbabilities(**values),
        mimicry_suspicion=MimicrySuspicion(level="no", score=0.1),
        label=label,
        label_supported=False,
        prediction_set=tuple(values),
        abstained=label is None,
        reason=None if label else "FLAIR is missing",
        tier=tier,
        low_permeability_share=0.2,
    )


def biomarker(name, value):
    return BiomarkerRecord(
        id="FE-10", name=name, value=value, unit="1", available=True, quality="good", note=None
    )


def lesion(number, voxel=(36, 42, 32), radius=6.0, *, label="angiogenic", **features):
    """A round lesion; ``minimal``, ``tier`` and ``edema_ml`` aside, keywords are biomarkers."""
    minimal, tier = features.pop("minimal", False), features.pop("tier", "both")
    edema_ml = features.pop("edema_ml", 8.0)
    centre = ORIGIN + voxel
    half = np.array([radius, 0, 0])
    return LesionRecord(
        id=number,
        centroid_ras_mm=tuple(centre),
        volume_ml=VolumeMl(enhancing=4.19e-3 * radius**3, non_enhancing_core=0.0, edema=edema_ml),
        longest_diameter_mm=2 * radius,
        perpendicular_diameter_mm=2 * radius - 1,
        longest_ends_ras_mm=(tuple(centre - half), tuple(centre + half)),
        enhancement_pattern="minimal" if minimal else "nodular",
        confidence=0.9,
        edema_shared=False,
        phenotype=phenotype(label, tier),
        biomarkers=tuple(biomarker(name, value) for name, value in features.items()),
    )


def acquisition(**settings):
    """How a T1c was acquired; what is not named is not known."""
    unknown = dict.fromkeys(HeaderFacts.model_fields)
    return AcquisitionReport(
        protocol="ours",
        sources={},
        contrast="seen",
        sequences=(
            SequenceRecord(
                name="t1c.nii.gz",
                kind="t1c",
                channel="t1c",
                reasons=(),
                spacing_mm=(1.0, 1.0, 1.0),
                times=1,
                contrast_given=True,
                header=HeaderFacts(**unknown | settings),
            ),
        ),
        quality=(),
        checks=(),
    )


def dsc(**settings):
    """What perfusion rests on: one DSC series."""
    usual = {"echo_time_s": 0.03, "repetition_time_s": 1.5, "flip_angle_deg": 60.0}
    series = SeriesRecord(
        kind="dsc",
        name="dsc.nii.gz",
        shape=SHAPE,
        spacing_mm=(2.0, 2.0, 4.0),
        volumes=60,
        step_s=1.5,
        baseline_volumes=8,
        arterial_input="none",
        t1_source=None,
        **usual | settings,
    )
    return PerfusionRecord(series=(series,), white_matter_ml=100.0, rcbv_factor=1.0)


def result(
    lesions,
    name="patient",
    channels=("t1c", "flair"),
    spacing=1.0,
    acquisition=None,
    perfusion=None,
):
    return Result(
        vasotype_version="0",
        study=name,
        created="2026-01-01T00:00:00+00:00",
        model=ModelIdentity(name="default", version="1", sha256="0" * 64),
        provider="CPUExecutionProvider",
        reference="t1c",
        inputs=tuple(
            Input(
                channel=channel,
                file=f"{channel}.nii.gz",
                sha256="0" * 64,
                shape=SHAPE,
                spacing_mm=(1.0, 1.0, spacing),
                orientation="RAS",
            )
            for channel in channels
        ),
        missing=(),
        findings=(),
        labels={"enhancing": ET},
        habitat_channels=HABITATS,
        total_volume_ml=VolumeMl(enhancing=1.0, non_enhancing_core=0.0, edema=2.0),
        lesions=tuple(lesions),
        acquisition=acquisition,
        perfusion=perfusion,
        timings_s={},
    )


def visit(lesions, edema_at=None, **options):
    """An ellipsoid brain with smooth texture in which each lesion is a bright ball.

    ``edema_at`` is the voxel of a ball of edema without a lesion; keywords are the result's.
    """
    index = np.indices(SHAPE).astype(np.float32)
    middle = (np.array(SHAPE, np.float32) - 1) / 2
    away = sum(((i - m) / (m - 3)) ** 2 for i, m in zip(index, middle, strict=True))
    mask = away < 1
    image = 300 + 60 * np.sin(index[0] / 5) + 50 * np.cos(index[1] / 7) + 40 * np.sin(index[2] / 4)
    tissue, instances = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint16)
    for record in lesions:
        centre = np.subtract(record.centroid_ras_mm, ORIGIN)
        radius = record.longest_diameter_mm / 2
        distance = np.sqrt(sum((i - c) ** 2 for i, c in zip(index, centre, strict=True)))
        tissue[(distance <= radius + 3) & (tissue == 0)] = SNFH
        tissue[distance <= radius], instances[distance <= radius] = ET, record.id
        image[distance <= radius] = 800
    if edema_at is not None:
        distance = np.sqrt(sum((i - c) ** 2 for i, c in zip(index, edema_at, strict=True)))
        tissue[(distance <= 6) & (tissue == 0)] = SNFH
    affine = np.eye(4)
    affine[:3, 3] = ORIGIN
    head = Head((image * mask).astype(np.float32), mask, Grid(SHAPE, affine))
    answer = result(lesions, **options)
    thickness = options.get("spacing", 1.0)
    slices = {one.id: round(one.longest_diameter_mm / thickness) for one in lesions}
    return Visit(answer, head, tissue, instances, slices)


@pytest.fixture(scope="session")
def lesion_of():
    return lesion


def observation(label="angiogenic", *, core_ml=2.0, edema_ml=5.0, **features):
    """What a track held at one timepoint; keywords are biomarkers, ``minimal`` and ``tier``."""
    minimal, tier = features.pop("minimal", False), features.pop("tier", "both")
    return Observation(
        lesions=(1,),
        core_ml=core_ml,
        enhancing_ml=core_ml,
        edema_ml=edema_ml,
        longest_diameter_mm=16.0,
        perpendicular_diameter_mm=14.0,
        slices=16,
        minimal_enhancement=minimal,
        label=label,
        probabilities=None,
        tier=tier,
        features=FEATURES | features,
    )


@pytest.fixture(scope="session")
def seen():
    return observation


@pytest.fixture(scope="session")
def change():
    """The change from one observation to another, by default of an untreated patient."""

    def of(after, treatment=UNTREATED, *, before=None, limits=LIMITS):
        return compare((0, 1), before or observation(), after, treatment, limits)

    return of


@pytest.fixture(scope="session")
def acquired():
    return acquisition


@pytest.fixture(scope="session")
def dsc_of():
    return dsc


@pytest.fixture(scope="session")
def visit_of():
    return visit


@pytest.fixture(scope="module")
def lying_still():
    """Every head lies where the baseline's does, so that nothing need be registered."""
    found = Registration(np.eye(4), 2.0, 0.0, 0.0, 0.0, 1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "vasotype.followup.align.align", lambda visit, baseline: Motion(np.eye(4), 1.0, found)
        )
        yield
