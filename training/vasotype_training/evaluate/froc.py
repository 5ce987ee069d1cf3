"""Free-response ROC: how many lesions are found at how many false positives a study.

What a model drops for lack of confidence is not in it, so a curve ends where the model works.
Source: Bunch et al., J. Appl. Photogr. Eng. 4 (1978) 166-171.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.evaluate.score import StudyScore

Floats = NDArray[np.float64]

RATES = (0.25, 0.5, 1.0)
"""False positives a study at which sensitivity is told, on the way to the model's own."""


@dataclass(frozen=True)
class Froc:
    """One point for each least ``confidence`` [N], falling: what is found from there on.

    ``sensitivity`` 0-1 and ``false_positives`` a study, both rising.
    """

    confidence: Floats
    sensitivity: Floats
    false_positives: Floats

    def at(self, most: float) -> tuple[float, float]:
        """Highest sensitivity at no more than ``most`` false positives a study, and the least
        confidence there; 0 and 1 where every confidence gives more.
        """
        allowed = np.flatnonzero(self.false_positives <= most)
        if not len(allowed):
            return 0.0, 1.0
        return float(self.sensitivity[allowed[-1]]), float(self.confidence[allowed[-1]])


def froc(scores: Sequence[StudyScore], least_mm: float) -> Froc | None:
    """The curve for lesions of ``least_mm`` and more; None without any.

    Lesions and false positives without a confidence (no model's) count as 0.
    """
    wanted = [x for score in scores for x in score.lesions if x.diameter_mm >= least_mm]
    if not wanted:
        return None
    hits = np.array([x.confidence or 0.0 for x in wanted if x.found])
    strays = np.array([s.confidence or 0.0 for score in scores for s in score.strays])
    steps = np.unique(np.concatenate([hits, strays]))[::-1]

    def reached(values: Floats) -> Floats:
        counts: Floats = len(values) - np.searchsorted(np.sort(values), steps).astype(np.float64)
        return counts

    return Froc(steps, reached(hits) / len(wanted), reached(strays) / len(scores))


def sensitivity_at(scores: Sequence[StudyScore], least_mm: float, most: float) -> float:
    """Sensitivity at no more than ``most`` false positives a study; nan without lesions."""
    curve = froc(scores, least_mm)
    return math.nan if curve is None else curve.at(most)[0]
