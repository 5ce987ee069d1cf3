"""Lesions of known mode as the runtime sees them: network answers by tier, biomarkers, images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from vasotype.engine import Engine
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.phenotype.answers import lesion_views
from vasotype.phenotype.novelty import image_statistics
from vasotype.phenotype.pooling import NetworkAnswer, pool
from vasotype.phenotype.reading import LEAST_DIAMETER_MM
from vasotype.result import BiomarkerRecord
from vasotype.stages import Lesion, Prepared
from vasotype_models.contract import CHANNELS, MODES, STRUCTURAL

from vasotype_training.lesion_crops import Crop

TIERS: dict[str, tuple[str, ...]] = {
    "structural": STRUCTURAL,
    "dsc": (*STRUCTURAL, "rcbv"),
    "dce": (*STRUCTURAL, "ktrans"),
    "both": (*STRUCTURAL, "rcbv", "ktrans"),
}
"""Channels of each input tier of the phenotype."""


@dataclass(frozen=True)
class MeasuredLesion:
    """One found lesion of at least 5 mm whose mode is known.

    ``patient`` numbers its crop or study, ``truth`` the true lesion there; ``mode`` is an index
    into ``MODES``, ``mimicry`` 1, 0 or -1 (unknown); ``answers`` are the network's by tier;
    ``biomarkers`` were measured with all maps; ``images`` are the statistics of the images about
    it.
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
    engine: Engine, crop: Crop, patient: int, tiers: Sequence[str] = tuple(TIERS)
) -> Iterator[MeasuredLesion]:
    """Run the chain from the network to the biomarkers on a crop, and match lesions to the truth.

    A found lesion belongs to the true one that most of its voxels lie in; where two belong to the
    same, the larger counts.
    """
    prepared = crop.prepared
    maps = engine.predict(_only(prepared, STRUCTURAL))
    habitats = {"structural": maps.habitat}
    habitats |= {t: engine.habitat(prepared, TIERS[t]) for t in tiers if t != "structural"}
    lesions = find_lesions(prepared, maps, engine.contract.inference)
    voxel_ml = dict.fromkeys(CHANNELS, prepared.grid.voxel_ml)
    biomarkers = measure_biomarkers(prepared, lesions, voxel_ml)
    truths = {truth.id: truth for truth in crop.scene.truth if truth.mode is not None}
    seen: set[int] = set()
    for view, measured in zip(
        lesion_views(lesions, engine.contract.inference.viable_enhancing_share),
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
            answers={
                t: pool(h[(slice(None), *view.box)], view.viable) for t, h in habitats.items()
            },
            biomarkers=measured,
            images=image_statistics(prepared, view.box, view.core),
            truth=truth.id,
        )


def _only(prepared: Prepared, channels: Sequence[str]) -> Prepared:
    return replace(prepared, present=tuple(c in channels for c in CHANNELS))
