"""Vascular biology of a lesion: latent variables of the three modes and of mimicry.

Medians, spreads and correlations of the modes are assumptions read from the literature,
not measurements. Scores on this simulator measure how well a model recovers these assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import MODES

LATENTS = ("rcbv", "ktrans", "edema", "width", "tbr", "low_permeability")
"""Order of the latent variables; all on a logarithmic scale but the last (logit)."""

MEDIANS = {
    "angiogenic": (3.4, 0.135, 2.3, 0.95, 2.8, 0.15),
    "intermediate": (2.55, 0.082, 1.8, 1.22, 2.55, 0.28),
    "co_option": (1.9, 0.050, 1.4, 1.55, 2.3, 0.45),
}
SPREADS = np.array([0.42, 0.60, 0.85, 0.65, 0.28, 1.0])

_PAIRS = {
    (0, 1): 0.30,
    (0, 2): 0.15,
    (1, 2): 0.35,
    (0, 4): 0.35,
    (1, 4): 0.25,
    (2, 3): -0.10,
    (1, 5): -0.45,
    (0, 5): -0.15,
    (2, 5): -0.15,
    (4, 5): -0.10,
    (3, 5): 0.10,
}

LOW_KTRANS_PER_MIN = 0.005
"""Permeability of vessels with an intact barrier."""


def covariance() -> NDArray[np.float64]:
    """Covariance [6, 6] of the latents on their scales, the same in every mode."""
    correlation = np.eye(len(LATENTS))
    for (i, j), value in _PAIRS.items():
        correlation[i, j] = correlation[j, i] = value
    return correlation * np.outer(SPREADS, SPREADS)


def means(mode: str) -> NDArray[np.float64]:
    """Mean [6] of a mode's latents on their scales."""
    values = np.array(MEDIANS[mode])
    scaled = np.log(values)
    scaled[5] = np.log(values[5] / (1 - values[5]))
    return scaled


@dataclass(frozen=True)
class Primary:
    """What a primary tumor changes in all its metastases, whatever their mode.

    ``share`` of all patients; ``rcbv_shift`` of ln rCBV (after Kremer 2003); ``hemorrhage``
    probability in a lesion up to ``HEMORRHAGE_MM`` without mimicry (melanoma: Ghia 2014);
    ``mimicry`` its probability. Shares and all else are assumptions.
    """

    share: float
    rcbv_shift: float
    hemorrhage: float
    mimicry: float


PRIMARIES = {
    "lung": Primary(0.45, 0.0, 0.12, 0.37),
    "breast": Primary(0.20, 0.0, 0.10, 0.25),
    "melanoma": Primary(0.12, 0.45, 0.23, 0.50),
    "renal": Primary(0.07, 0.80, 0.25, 0.30),
    "other": Primary(0.16, 0.0, 0.12, 0.25),
}

HEMORRHAGE_MM = 15.0
"""Above this diameter the odds of hemorrhage grow by half with every doubling (assumption)."""
MIMICRY_EDEMA = 1.6
"""Factor of edema in vasculogenic mimicry (an assumption)."""


def draw_primary(rng: np.random.Generator) -> str:
    """Primary tumor of a patient."""
    return str(rng.choice(list(PRIMARIES), p=[p.share for p in PRIMARIES.values()]))


@dataclass(frozen=True)
class Biology:
    """Latent variables of one lesion: the truth that the phenotype head should recover.

    ``ktrans_per_min`` is the lesion mean, ``low_permeability`` the share of its voxels behind an
    intact barrier, ``edema_ratio`` edema over tumor volume, ``width_mm`` the infiltration width.
    """

    mode: str
    rcbv: float
    ktrans_per_min: float
    edema_ratio: float
    width_mm: float
    tbr: float
    low_permeability: float
    ve: float
    mimicry: bool
    hemorrhage: bool


SHARED_EDEMA = 0.6
"""Share of the edema's own variance that all lesions of a patient have in common: in labelled
metastases edema differs more between patients than between lesions of one (an assumption)."""


def patient_score(shared: float, rng: np.random.Generator) -> float:
    """Standard normal score of a lesion whose patient has the score ``shared``."""
    return float(np.sqrt(SHARED_EDEMA) * shared + np.sqrt(1 - SHARED_EDEMA) * rng.normal())


def draw_latents(mode: str, shared: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Latents [6]; what of edema the others don't explain is shared within a patient."""
    order = np.array([0, 1, 3, 4, 5, 2])
    root = np.linalg.cholesky(covariance()[np.ix_(order, order)])
    score = np.append(rng.standard_normal(5), patient_score(shared, rng))
    latents = means(mode)
    latents[order] += root @ score
    return latents


def draw_biology(
    rng: np.random.Generator, shared: float, primary: str, mode: str | None = None
) -> Biology:
    """Draw the mode, each as probable as the others unless ``mode`` fixes it, and its latents.

    ``shared`` is the patient's standard normal tendency to edema. Blood is drawn later, by size:
    see :func:`bleeds`.
    """
    origin = PRIMARIES[primary]
    mode = str(rng.choice(MODES)) if mode is None else mode
    latent = draw_latents(mode, shared, rng)
    mimicry = bool(rng.random() < origin.mimicry)
    return Biology(
        mode=mode,
        rcbv=float(np.clip(np.exp(latent[0] + origin.rcbv_shift), 0.3, 25)),
        ktrans_per_min=float(np.clip(np.exp(latent[1]), 0.006, 1.0)),
        edema_ratio=float(np.exp(latent[2]) * (MIMICRY_EDEMA if mimicry else 1.0)),
        width_mm=float(np.clip(np.exp(latent[3]), 0.2, 6)),
        tbr=float(np.clip(np.exp(latent[4]), 1.0, 8)),
        low_permeability=float(np.clip(1 / (1 + np.exp(-latent[5])), 0.005, 0.95)),
        ve=float(np.clip(np.exp(rng.normal(np.log(0.25), 0.35)), 0.08, 0.7)),
        mimicry=mimicry,
        hemorrhage=False,
    )


def bleeds(biology: Biology, primary: str, diameter_mm: float, rng: np.random.Generator) -> bool:
    """Whether a lesion holds blood: by primary tumor, mimicry and size."""
    share = PRIMARIES[primary].hemorrhage
    odds = share / (1 - share) * (3.0 if biology.mimicry else 1.0)
    odds *= 1.5 ** max(0.0, float(np.log2(diameter_mm / HEMORRHAGE_MM)))
    return bool(rng.random() < odds / (1 + odds))
