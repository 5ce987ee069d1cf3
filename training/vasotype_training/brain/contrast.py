"""What each kind of tissue looks like: any contrast at all, or roughly T1, T1c, T2 or FLAIR.

Intensities are on a scale where 0 is air and 1 about the brightest tissue. The four tables are our
reading of ordinary clinical images; each head departs from them at random, and as many heads have
entirely random contrast (Billot et al., Med Image Anal 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.brain.heads import KINDS

Array = NDArray[np.float32]

SEQUENCES = ("t1", "t1c", "t2", "flair")
TABLE: dict[str, tuple[float, float, float, float]] = {
    "air": (0.01, 0.01, 0.01, 0.01),
    "csf": (0.15, 0.16, 0.95, 0.12),
    "ventricle": (0.15, 0.16, 0.95, 0.12),
    "white": (0.75, 0.75, 0.35, 0.45),
    "cortex": (0.50, 0.53, 0.52, 0.58),
    "deep_grey": (0.58, 0.60, 0.42, 0.54),
    "cerebellar_cortex": (0.50, 0.52, 0.52, 0.56),
    "cerebellar_white": (0.70, 0.70, 0.38, 0.46),
    "brain_stem": (0.68, 0.68, 0.38, 0.46),
    "diencephalon": (0.62, 0.63, 0.40, 0.48),
    "white_lesion": (0.52, 0.53, 0.68, 0.85),
    "perivascular": (0.35, 0.60, 0.70, 0.30),
    "artery": (0.40, 0.85, 0.12, 0.15),
    "vein": (0.35, 0.95, 0.25, 0.22),
    "eye": (0.18, 0.20, 0.95, 0.16),
    "soft_tissue": (0.45, 0.50, 0.24, 0.32),
    "muscle": (0.42, 0.55, 0.22, 0.30),
    "mucosa": (0.45, 0.88, 0.80, 0.70),
    "skin": (0.75, 0.78, 0.45, 0.50),
    "cord": (0.66, 0.66, 0.40, 0.48),
    "bone": (0.07, 0.07, 0.06, 0.07),
    "marrow": (0.68, 0.72, 0.40, 0.42),
    "cavity": (0.10, 0.12, 0.12, 0.10),
    "optic_nerve": (0.60, 0.62, 0.45, 0.50),
    "dura": (0.32, 0.62, 0.15, 0.35),
    "fat": (0.95, 0.95, 0.62, 0.68),
}
FATTY = ("fat", "marrow", "skin")


@dataclass(frozen=True)
class Contrast:
    """Mean and standard deviation of every kind of tissue [kinds]; ``sequence`` names the table
    that it follows, "any" for none."""

    sequence: str
    mean: Array
    spread: Array


def draw_contrast(rng: np.random.Generator, any_share: float) -> Contrast:
    """A contrast: ``any_share`` of them random, the rest near one of the four sequences."""
    count = len(KINDS)
    if rng.random() < any_share:
        sequence = "any"
        mean = rng.uniform(0, 1, count)
        if rng.random() < 0.9:  # air is bright in ratio images only
            mean[KINDS.index("air")] = rng.uniform(0, 0.06)
        if rng.random() < 0.6:  # bone gives hardly any signal, whatever the sequence
            mean[KINDS.index("bone")] = rng.uniform(0, 0.15)
        if rng.random() < 0.8:
            mean[KINDS.index("ventricle")] = mean[KINDS.index("csf")] + rng.normal(0, 0.03)
        spread = rng.uniform(0, 0.10, count)
    else:
        column = int(rng.integers(len(SEQUENCES)))
        sequence = SEQUENCES[column]
        mean = np.array([TABLE[name][column] for name in KINDS])
        mean = mean * np.exp(rng.normal(0, 0.13, count)) + rng.normal(0, 0.03, count)
        if rng.random() < 0.3:  # fat suppression
            mean[[KINDS.index(name) for name in FATTY]] *= rng.uniform(0.1, 0.5)
        spread = rng.uniform(0.01, 0.06, count)
    spread[KINDS.index("air")] = rng.uniform(0, 0.01)
    for name in ("soft_tissue", "mucosa", "marrow"):  # never as uniform as brain
        spread[KINDS.index(name)] += rng.uniform(0, 0.12)
    return Contrast(sequence, np.clip(mean, 0, 1.3).astype(np.float32), spread.astype(np.float32))
