"""Measure the lesions of a population, patient by patient, and pair them with the usual ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vasotype import __version__
from vasotype.engine import Engine
from vasotype.phenotype.features import lesion_features
from vasotype.phenotype.reading import MEASURED_BY

from vasotype_training.evaluate.figures import CohortRecord
from vasotype_training.identity import files_digest, runtime_digest
from vasotype_training.lesion_crops import CropStream
from vasotype_training.lesion_evaluation.populations import PLANS, PopulationPlan
from vasotype_training.lesion_store import LesionStore
from vasotype_training.measured_lesions import TIERS, MeasuredLesion, measure_crop
from vasotype_training.simulate.shape import Outline

SIMULATED_BY = (
    "vasotype_training.simulate",
    "vasotype_training.lesion_crops",
    "vasotype_training.lesion_evaluation.populations",
    "vasotype_training.measured_lesions",
)
"""What makes and measures lesions beside the runtime."""

LEAST_PATIENTS = 2
"""Of every population, however few the usual ones are."""

Lesions = Sequence[MeasuredLesion]


@dataclass(frozen=True)
class Bench:
    """What lesions are measured with: a model, the anatomies that they grow in, a place to keep
    them; ``progress`` is called with patients done and wanted.
    """

    engine: Engine
    places: Sequence[Path]
    outlines: Sequence[Outline]
    store: Path
    seed: int
    progress: Callable[[int, int], None] | None = None

    def measure(self, patients: int) -> dict[str, list[MeasuredLesion]]:
        """The lesions of every population, of ``patients`` in the usual one."""
        wanted = {plan.name: patients_of(plan, patients) for plan in PLANS}
        done, measured = 0, {}
        for plan in PLANS:
            stream, store = self._stream(plan), self._store(plan)
            found: list[MeasuredLesion] = []
            for number in range(wanted[plan.name]):
                found += store.patient(number, partial(self._measured, plan, stream, number))
                done += 1
                if self.progress is not None:
                    self.progress(done, sum(wanted.values()))
            measured[plan.name] = found
        return measured

    def _measured(
        self, plan: PopulationPlan, stream: CropStream, number: int
    ) -> Iterator[MeasuredLesion]:
        return measure_crop(self.engine, stream.crop(number), number, pet=plan.pet)

    def _stream(self, plan: PopulationPlan) -> CropStream:
        part = 0 if plan.paired else 1
        return CropStream(self.places, self.outlines, plan.options, (self.seed, part))

    def _store(self, plan: PopulationPlan) -> LesionStore:
        rules = self.engine.contract.inference.model_dump_json()
        model = (self.engine.identity.sha256, rules)
        made_by = (__version__, runtime_digest(*SIMULATED_BY))
        grown_in = (files_digest(self.places), _outlines_digest(self.outlines), self.seed)
        return LesionStore.of(self.store, model, made_by, grown_in, plan.name)


def patients_of(plan: PopulationPlan, usual: int) -> int:
    """How many patients a population has where the usual one has ``usual``."""
    return max(min(LEAST_PATIENTS, usual), round(plan.share * usual))


def record(name: str, lesions: Lesions) -> CohortRecord:
    """Which lesions a population came to; the digest is over where they were found."""
    total = hashlib.sha256()
    for lesion in lesions:
        total.update(repr((lesion.patient, lesion.mode, lesion.lesion.centroid_ras_mm)).encode())
    patients = len({lesion.patient for lesion in lesions})
    return CohortRecord(name=name, digest=total.hexdigest(), studies=patients, simulated=True)


def _outlines_digest(outlines: Sequence[Outline]) -> str:
    """Digest of real outlines in their order."""
    total = hashlib.sha256()
    for outline in outlines:
        total.update(repr((outline.distance.shape, outline.radius_mm)).encode())
        total.update(outline.distance.tobytes())
    return total.hexdigest()


def in_tier(lesion: MeasuredLesion, tier: str, name: str) -> bool:
    """Whether the runtime would read a lesion in a tier: its maps gave this lesion a value.

    ``name`` is that of the numbers that its answer in this tier is read with.
    """
    if name not in lesion.answers:
        return False
    features = lesion_features(lesion.biomarkers, lesion.answers[name])
    return all(MEASURED_BY[c] in features for c in TIERS[tier] if c in MEASURED_BY)


def matched(usual: Lesions, changed: Lesions) -> tuple[list[MeasuredLesion], list[MeasuredLesion]]:
    """The true lesions that were found in both, in one order."""
    there = {(lesion.patient, lesion.truth): lesion for lesion in changed}
    kept = [lesion for lesion in usual if (lesion.patient, lesion.truth) in there]
    return kept, [there[lesion.patient, lesion.truth] for lesion in kept]
