"""Fit the small models of the calibration: fusion by logistic regression, edema by size, density.

All are a few lines of linear algebra on lesions as named numbers; the runtime reads the results
from ``calibration.json``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from vasotype.phenotype.features import LOW_PERMEABILITY, NETWORK, Features, transformed
from vasotype.phenotype.fusion import FARTHEST
from vasotype.phenotype.novelty import novelty_score
from vasotype_models.contract import (
    MODES,
    Density,
    EdemaSize,
    Feature,
    ModeModel,
    Term,
    Transform,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PENALTY = 30.0
"""Weight of half the sum of squared coefficients against the summed log-likelihood. Of 2, 10, 30,
60 and 120 the one with the least held-out loss in every tier, on 443 calibration lesions."""
SHRINKAGE = 0.05
"""Share of the identity in the density's covariance, so that it can always be inverted. Ours."""
DIGITS = 6

TRANSFORMS: dict[str, Transform] = {
    LOW_PERMEABILITY: "logit",
    "enhancement_cv": "log",
    "low_enhancement_fraction": "logit",
    "half_enhancement_fraction": "logit",
    "enhancement_patchiness": "log",
    "border_width": "log",
    "border_width_iqr": "log",
    "rcbv_mean": "log",
    "rcbv_p90": "log",
    "ktrans_tumor_mean": "log",
    "ktrans_tumor_p90": "log",
    "ktrans_below_0.02_fraction": "logit",
    "tbr_max": "log",
    **{f"{channel}_noise": "log" for channel in ("t1", "t1c", "t2", "flair")},
    **{f"{channel}_spread": "log" for channel in ("t1", "t1c", "t2", "flair")},
}
"""How each number comes near a normal distribution; the others as they are."""

MAPS = {
    "structural": (),
    "dsc": ("rcbv_mean", "rcbv_p90"),
    "dce": ("ktrans_tumor_mean", "ktrans_tumor_p90", "ktrans_below_0.02_fraction"),
}
MAPS["both"] = MAPS["dsc"] + MAPS["dce"]
"""What each tier's maps add."""

EDEMA = ("edema_ratio_size_adjusted", "edema_present")
DEGREE = ("enhancement_mean",)
PATTERN = (
    "enhancement_cv",
    "low_enhancement_fraction",
    "half_enhancement_fraction",
    "enhancement_patchiness",
)
SHAPE = ("sphericity",)
BORDER = ("border_width", "border_width_iqr")
LADDER: tuple[tuple[str, ...], ...] = (
    (*EDEMA, *SHAPE, *DEGREE, *PATTERN, *BORDER),
    (*EDEMA, *SHAPE, *DEGREE, *PATTERN),
    (*EDEMA, *SHAPE, *DEGREE),
    (*EDEMA, *SHAPE, *BORDER),
    (*EDEMA, *SHAPE),
    EDEMA,
)
"""Biomarkers of routine MRI that a tier's models need, from most to least: small lesions have no
measurable border, hardly enhancing ones no pattern, studies without T1 no degree."""

IMAGES = ("noise", "anisotropy", "spread", "tumor")
NOVELTY = (
    *(f"{channel}_{name}" for channel in ("t1", "t1c", "t2", "flair") for name in IMAGES),
    *DEGREE,
    *PATTERN,
    "edema_ratio_size_adjusted",
    *SHAPE,
    *BORDER,
    *MAPS["both"],
)
"""What the density of lesions looks at; network logits follow from these and are left out."""


Columns = dict[str, Floats]
"""Transformed features of N lesions, by name; nan where a lesion has none."""


def as_columns(lesions: Sequence[Features]) -> Columns:
    """All features that any model here looks at."""
    names = dict.fromkeys((*NETWORK, LOW_PERMEABILITY, *LADDER[0], *MAPS["both"], *NOVELTY))
    return {name: column(lesions, name) for name in names}


def column(lesions: Sequence[Features], name: str) -> Floats:
    """One feature of all lesions [N] after its transform, nan where a lesion has none."""
    return np.array([_value(lesion, name) for lesion in lesions])


def fit_ladder(
    columns: Columns, modes: Integers, tier: str, *, network: bool
) -> tuple[ModeModel, ...]:
    """The models of a tier, the one that needs most first; the last needs the network alone.

    Without ``network`` none looks at its answers, and there is no last one.
    """
    own = (*NETWORK, LOW_PERMEABILITY) if network else ()
    rungs = [(*own, *biomarkers, *MAPS[tier]) for biomarkers in LADDER]
    if network:
        rungs.append(NETWORK)
    return tuple(model for names in rungs if (model := fit_model(columns, modes, names)))


def fit_model(columns: Columns, modes: Integers, names: Sequence[str]) -> ModeModel | None:
    """Multinomial logistic regression with an L2 penalty on standardised features.

    Only lesions that have all of ``names`` take part; None where one of the modes has none.
    """
    table = np.stack([columns[name] for name in names], axis=1)
    complete = np.isfinite(table).all(axis=1)
    table, modes = table[complete], modes[complete]
    if any(not (modes == k).any() for k in range(len(MODES))):
        return None
    centre, spread = _middle(table)
    z = np.clip((table - centre) / spread, -FARTHEST, FARTHEST)
    intercepts, coefficients = fit_multinomial(z, modes)
    terms = tuple(
        Term(
            name=name,
            transform=TRANSFORMS.get(name, "identity"),
            centre=_short(centre[n]),
            spread=_short(spread[n]),
            coefficients=_three(coefficients[n]),
        )
        for n, name in enumerate(names)
    )
    return ModeModel(intercepts=_three(intercepts), terms=terms)


def fit_shift(offset: Floats, values: Floats, modes: Integers, name: str) -> ModeModel:
    """What one more feature adds to logits [N, 3] that stand already: intercepts and one term.

    ``values`` [N] are those of the feature ``name`` after its transform, all of them known.
    """
    middle, width = _middle(values[:, None])
    centre, spread = float(middle[0]), float(width[0])
    z = np.clip((values - centre) / spread, -FARTHEST, FARTHEST)
    intercepts, coefficients = fit_multinomial(z[:, None], modes, offset)
    term = Term(
        name=name,
        transform=TRANSFORMS.get(name, "identity"),
        centre=_short(centre),
        spread=_short(spread),
        coefficients=_three(coefficients[0]),
    )
    return ModeModel(intercepts=_three(intercepts), terms=(term,))


def fit_multinomial(
    z: Floats, modes: Integers, offset: Floats | float = 0.0
) -> tuple[Floats, Floats]:
    """Intercepts [3] and coefficients [P, 3] for standardised features [N, P] and modes [N].

    ``offset`` [N, 3] are logits to which they add.
    """
    count, width = z.shape
    truth = np.eye(len(MODES))[modes]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(width + 1, len(MODES))
        log_p = log_softmax(z @ weights[1:] + weights[0] + offset, axis=1)
        gap = np.exp(log_p) - truth
        slope = np.vstack([gap.sum(axis=0), z.T @ gap + PENALTY * weights[1:]])
        value = -float((log_p * truth).sum()) + 0.5 * PENALTY * float((weights[1:] ** 2).sum())
        return value / count, slope.ravel() / count

    start = np.zeros((width + 1) * len(MODES))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    weights = found.x.reshape(width + 1, len(MODES))
    return weights[0] - weights[0].mean(), weights[1:]


def fit_edema_size(log_ratio: Floats, tumor_ml: Floats) -> EdemaSize:
    """Least-squares line of ln((V_edema + 0.05) / V_tumor) [N] on ln V_tumor, mL [N]."""
    slope, intercept = np.polyfit(np.log(tumor_ml), log_ratio, 1)
    return EdemaSize(intercept=_short(intercept), slope=_short(slope))


def fit_density(columns: Columns) -> Density:
    """Mean and covariance of the lesions' features, each pair over the lesions that have both.

    Values are cut at four standard deviations for the covariance, and that is shrunk towards the
    identity and kept positive definite. The threshold lets
    everything pass: it comes from held-out lesions.
    """
    table = np.stack([columns[name] for name in NOVELTY], axis=1)
    usable = np.isfinite(table).sum(axis=0) > len(NOVELTY)
    names = [name for name, enough in zip(NOVELTY, usable, strict=True) if enough]
    table = table[:, usable]
    centre = np.nanmean(table, axis=0)
    spread = np.maximum(np.nanstd(table, axis=0), 1e-6)
    z = np.clip((table - centre) / spread, -4, 4)
    known = np.isfinite(z)
    filled = np.where(known, z, 0.0)
    pairs = np.maximum(known.T.astype(float) @ known, 1)
    covariance = (1 - SHRINKAGE) * (filled.T @ filled) / pairs + SHRINKAGE * np.eye(len(names))
    values, vectors = np.linalg.eigh(covariance)
    covariance = (vectors * np.maximum(values, SHRINKAGE)) @ vectors.T
    features = tuple(
        Feature(
            name=name,
            transform=TRANSFORMS.get(name, "identity"),
            centre=_short(centre[n]),
            spread=_short(spread[n]),
        )
        for n, name in enumerate(names)
    )
    rows = tuple(tuple(_short(v) for v in row) for row in covariance)
    return Density(features=features, covariance=rows, threshold=float(np.finfo(np.float32).max))


def novelty_scores(density: Density, lesions: Sequence[Features]) -> Floats:
    """Scores [N] of lesions; those without any of the features score 0."""
    return np.array([novelty_score(density, lesion) or 0.0 for lesion in lesions])


def _value(lesion: Features, name: str) -> float:
    """A feature after its transform; nan where the lesion has none."""
    if name not in lesion:
        return float("nan")
    moved = transformed(TRANSFORMS.get(name, "identity"), lesion[name])
    return float("nan") if moved is None else moved


def _middle(table: Floats) -> tuple[Floats, Floats]:
    """Median [P] of features [N, P], and half the width of their middle 68 %, one deviation of a
    normal distribution: neither heeds what lies far out. That width is 0 where few values differ,
    and the standard deviation stands for it.
    """
    low, centre, high = np.percentile(table, (16, 50, 84), axis=0)
    spread = np.where(high > low, (high - low) / 2, table.std(axis=0))
    return centre, np.maximum(spread, 1e-6)


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _three(values: Floats) -> tuple[float, float, float]:
    a, b, c = (_short(v) for v in values)
    return a, b, c
