"""Lesions of known mode as the runtime sees them: network answers by tier, biomarkers, images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from vasotype.engine import Engine
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.lesions.biomarkers_region import ScanFacts
from vasotype.perfusion.stage import measure_perfusion
from vasotype.phenotype.answers import lesion_views
from vasotype.phenotype.fusion import numbers_name
from vasotype.phenotype.novelty import image_statistics
from vasotype.phenotype.pooling import NetworkAnswer
from vasotype.phenotype.reading import LEAST_DIAMETER_MM
from vasotype.result import BiomarkerRecord
from vasotype.stages import Array, Lesion, Maps, Prepared, Study
from vasotype_models.contract import MODES, STRUCTURAL

from vasotype_training.lesion_crops import Crop

TIERS: dict[str, tuple[str, ...]] = {
    "structural": STRUCTURAL,
    "dsc": (*STRUCTURAL, "rcbv"),
    "dce": (*STRUCTURAL, "ktrans"),
    "both": (*STRUCTURAL, "rcbv", "ktrans"),
}
"""Channels of each input tier of the phenotype."""
SIMULATED = ScanFacts(pet_tracer="fet")
"""The ratios of PET are drawn as those of FET."""


@dataclass(frozen=True)
class MeasuredLesion:
    """One found lesion of at least 5 mm whose mode is known.

    ``patient`` numbers its crop or study, ``truth`` the true lesion there; ``mode`` is an index
    into ``MODES``, ``mimicry`` 1, 0 or -1 (unknown); ``answers`` are the network's by the name of
    the numbers they are read with; ``biomarkers`` were measured with all maps; ``images`` are the
    statistics of the images about it.
    """

    patient: int
    mode: int
    mimicry: int
    lesion: Lesion
    answers: Mapping[str, NetworkAnswer]
    biomarkers: tuple[BiomarkerRecord, ...]
    images: Mapping[str, float]
    truth: int = 0


def measure_crop(
    engine: Engine, crop: Crop, patient: int, *, pet: bool = False
) -> Iterator[MeasuredLesion]:
    """Run the chain from the network to the biomarkers on a crop, and match lesions to the truth.

    A found lesion belongs to the true one that most of its voxels lie in; where two belong to the
    same, the larger counts. Answers are those of the tiers whose channels are there, by the names
    of the numbers that the runtime reads them with; with ``pet`` the network sees PET in each.
    """
    given = crop.prepared
    voxel_ml = dict.fromkeys(given.channels, given.grid.voxel_ml)
    inference = engine.contract.inference
    maps = engine.segment(given)
    lesions = find_lesions(given, maps, inference)
    prepared = given
    if crop.series is not None:
        prepared, _ = measure_perfusion(Study("crop", {}, perfusion=crop.series), given, lesions)
    habitats = dict(_habitats(engine, prepared, maps, pet=pet))
    biomarkers = measure_biomarkers(prepared, lesions, voxel_ml, SIMULATED)
    truths = {truth.id: truth for truth in crop.scene.truth if truth.mode is not None}
    seen: set[int] = set()
    for view, measured in zip(
        lesion_views(lesions, prepared.mask, inference),
        biomarkers,
        strict=True,
    ):
        overlap = np.bincount(crop.scene.instances[view.box][view.core])
        overlap[0] = 0
        truth = truths.get(int(overlap.argmax())) if overlap.any() else None
        small = view.lesion.model_diameter_mm < LEAST_DIAMETER_MM
        if truth is None or truth.mode is None or truth.id in seen or small:
            continue
        seen.add(truth.id)
        yield MeasuredLesion(
            patient=patient,
            mode=MODES.index(truth.mode),
            mimicry=-1 if truth.mimicry is None else int(truth.mimicry),
            lesion=view.lesion,
            answers={t: view.answer(h, inference) for t, h in habitats.items()},
            biomarkers=measured,
            images=image_statistics(prepared, view.box, view.core),
            truth=truth.id,
        )


def _habitats(
    engine: Engine, prepared: Prepared, maps: Maps, *, pet: bool
) -> Iterator[tuple[str, Array]]:
    """Name of the numbers and habitat logits [5, X, Y, Z] of each tier that can be had."""
    for tier, wanted in TIERS.items():
        quantitative = set(wanted) - set(STRUCTURAL)
        if not quantitative <= set(prepared.channels):
            continue
        name = numbers_name(tier, prepared.channels, pet=pet)
        if not quantitative and not pet:
            yield name, maps.habitat
        else:
            extra = ("tbr",) if pet else ()
            yield name, engine.habitat(prepared, (*prepared.structural, *quantitative, *extra))
