"""Measured lesions kept as files, one a simulated patient, so that a run that stopped goes on.

What is kept depends on the network and on the simulation alone: a new calibration reads the same
lesions anew.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from vasotype.phenotype.pooling import NetworkAnswer
from vasotype.result import BiomarkerRecord
from vasotype.stages import Lesion

from vasotype_training.measured_lesions import MeasuredLesion

DIGEST_LENGTH = 16


@dataclass(frozen=True)
class LesionStore:
    """A folder of measured lesions; ``key`` names all that they depend on."""

    folder: Path

    @classmethod
    def of(cls, root: Path, *key: object) -> LesionStore:
        """The store at ``root`` for everything that ``key`` spells out."""
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:DIGEST_LENGTH]
        return cls(root / digest)

    def patient(
        self, number: int, measure: Callable[[], Iterable[MeasuredLesion]]
    ) -> Sequence[MeasuredLesion]:
        """The lesions of a patient, from its file or else measured now and kept."""
        path = self.folder / f"{number:05d}.json.gz"
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as stream:
                return [_lesion(record) for record in json.load(stream)]
        lesions = list(measure())
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with gzip.open(partial, "wt", encoding="utf-8") as stream:
            json.dump([_record(lesion) for lesion in lesions], stream)
        partial.replace(path)
        return lesions


def _record(lesion: MeasuredLesion) -> dict[str, Any]:
    answers = {
        name: {**asdict(answer), "mode_logits": answer.mode_logits.tolist()}
        for name, answer in lesion.answers.items()
    }
    return {
        **{name: getattr(lesion, name) for name in ("patient", "mode", "mimicry", "truth")},
        "lesion": asdict(lesion.lesion),
        "answers": answers,
        "biomarkers": [b.model_dump() for b in lesion.biomarkers],
        "images": dict(lesion.images),
    }


def _lesion(record: dict[str, Any]) -> MeasuredLesion:
    plain = record["lesion"]
    ends = tuple(tuple(point) for point in plain["longest_ends_ras_mm"])
    placed = {"centroid_ras_mm": tuple(plain["centroid_ras_mm"]), "longest_ends_ras_mm": ends}
    answers = {
        name: NetworkAnswer(**{**answer, "mode_logits": np.array(answer["mode_logits"])})
        for name, answer in record["answers"].items()
    }
    own = {
        "lesion": Lesion(**{**plain, **placed}),
        "answers": answers,
        "biomarkers": tuple(BiomarkerRecord.model_validate(b) for b in record["biomarkers"]),
    }
    return MeasuredLesion(**{**record, **own})
