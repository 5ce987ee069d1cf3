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


PRIMARY_SHIFT = {"melanoma": 0.45, "renal": 0.80}
"""Shift of ln rCBV by primary tumor (after Kremer 2003); other primaries: 0."""


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
    rng: np.random.Generator,
    shared: float,
    weights: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3),
) -> Biology:
    """Draw the mode by ``weights`` and the latents by mode.

    ``shared`` is the patient's standard normal tendency to edema.
    """
    mode = str(rng.choice(MODES, p=weights))
    latent = draw_latents(mode, shared, rng)
    mimicry = bool(rng.random() < 0.30)
    hemorrhage_odds = 0.14 / 0.86 * (3.0 if mimicry else 1.0)
    return Biology(
        mode=mode,
        rcbv=float(np.clip(np.exp(latent[0]), 0.3, 15)),
        ktrans_per_min=float(np.clip(np.exp(latent[1]), 0.006, 1.0)),
        edema_ratio=float(np.exp(latent[2]) * (1.6 if mimicry else 1.0)),
        width_mm=float(np.clip(np.exp(latent[3]), 0.2, 6)),
        tbr=float(np.clip(np.exp(latent[4]), 1.0, 8)),
        low_permeability=float(np.clip(1 / (1 + np.exp(-latent[5])), 0.005, 0.95)),
        ve=float(np.clip(np.exp(rng.normal(np.log(0.25), 0.35)), 0.08, 0.7)),
        mimicry=mimicry,
        hemorrhage=bool(rng.random() < hemorrhage_odds / (1 + hemorrhage_odds)),
    )
