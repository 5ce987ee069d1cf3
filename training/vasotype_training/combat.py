"""ComBat: take scanner effects out of biomarkers while biology stays.

Johnson, Li and Rabinovic, Biostatistics 8 (2007) 118-127; for images Fortin et al., NeuroImage 167
(2018) 104-120. Fitted on training sites only, then applied to rows of those sites.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]

LEAST_ROWS = 3
"""Rows of a site below which its variance can't be told."""
CONVERGED = 1e-4
"""Largest relative change of a site's parameters at which the iteration ends (as in Johnson's)."""


class SiteEffect(BaseModel):
    """Shift and scale of one site in each feature, in pooled standard deviations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    shift: tuple[float, ...]
    variance: tuple[float, ...]


class Combat(BaseModel):
    """A fitted harmonisation of V features.

    ``mean`` and ``deviation`` [V] are of all sites together; ``effects`` [C, V] of the biological
    covariates, which are preserved. ``categories`` holds the levels of each column of words: all
    but the first, which they are held against, stand among the covariates as ``column=level``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...]
    covariates: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    effects: tuple[tuple[float, ...], ...]
    sites: dict[str, SiteEffect]
    categories: dict[str, tuple[str, ...]] = {}

    def apply(self, values: Floats, sites: Sequence[str], covariates: Floats) -> Floats:
        """Harmonised ``values`` [N, V] of rows at ``sites`` [N] with ``covariates`` [N, C].

        Raises ValueError naming a site that the fit did not see: nothing is known of its scanner.
        """
        if unknown := sorted(set(sites) - set(self.sites)):
            raise ValueError(f"site {', '.join(unknown)} was not among the fitted ones")
        deviation = np.array(self.deviation)
        expected = np.array(self.mean) + covariates @ np.array(self.effects).reshape(
            len(self.covariates), len(self.features)
        )
        shift = np.array([self.sites[site].shift for site in sites])
        scale = np.sqrt(np.array([self.sites[site].variance for site in sites]))
        harmonised: Floats = (
            (values - expected) / deviation - shift
        ) / scale * deviation + expected
        return harmonised


def fit_combat(
    values: Floats,
    sites: Sequence[str],
    covariates: Floats,
    features: Sequence[str],
    names: Sequence[str] = (),
) -> Combat:
    """Fit on ``values`` [N, V] at ``sites`` [N] with biological ``covariates`` [N, C].

    Raises ValueError with fewer than two sites, a site of fewer than three rows, a value that is
    missing, or covariates that the sites determine.
    """
    levels = sorted(set(sites))
    member = np.array([[site == level for level in levels] for site in sites], np.float64)
    counts = member.sum(axis=0)
    _check(values, levels, counts, np.hstack([member, covariates]))
    design = np.hstack([member, covariates])
    weights = np.linalg.lstsq(design, values, rcond=None)[0]
    mean = counts / counts.sum() @ weights[: len(levels)]
    effects = weights[len(levels) :]
    deviation = np.sqrt(np.mean((values - design @ weights) ** 2, axis=0))
    deviation = np.maximum(deviation, 1e-12)
    z = (values - mean - covariates @ effects) / deviation
    found = {}
    for k, level in enumerate(levels):
        shift, variance = _shrunken(z[member[:, k] > 0])
        found[level] = SiteEffect(rows=int(counts[k]), shift=tuple(shift), variance=tuple(variance))
    return Combat(
        features=tuple(features),
        covariates=tuple(names),
        mean=tuple(mean),
        deviation=tuple(deviation),
        effects=tuple(tuple(row) for row in effects),
        sites=found,
    )


def _check(values: Floats, levels: Sequence[str], counts: Floats, design: Floats) -> None:
    if len(levels) < 2:
        raise ValueError("harmonisation needs at least two sites")
    if counts.min() < LEAST_ROWS:
        small = levels[int(counts.argmin())]
        raise ValueError(f"site {small} has {int(counts.min())} rows; {LEAST_ROWS} are needed")
    if not np.isfinite(values).all():
        raise ValueError("a value is missing or not finite")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("the covariates follow from the site, so they can't be kept apart")


def _shrunken(z: Floats) -> tuple[Floats, Floats]:
    """Shift and variance [V] of one site's rows [n, V], drawn towards what its features share.

    A normal prior of the shifts and an inverse gamma prior of the variances are read from all
    features (empirical Bayes); with one feature there is nothing to share.
    """
    rows, width = z.shape
    shift, variance = z.mean(axis=0), z.var(axis=0, ddof=1)
    if width < 2 or variance.var(ddof=1) == 0:
        return shift, variance
    centre, spread = shift.mean(), shift.var(ddof=1)
    level, scatter = variance.mean(), variance.var(ddof=1)
    a, b = (2 * scatter + level**2) / scatter, (level * scatter + level**3) / scatter
    best_shift, best_variance = shift, variance
    for _ in range(1000):
        new_shift = (spread * rows * shift + best_variance * centre) / (
            spread * rows + best_variance
        )
        squares = ((z - new_shift) ** 2).sum(axis=0)
        new_variance = (squares / 2 + b) / (rows / 2 + a - 1)
        change = max(
            float((np.abs(new_shift - best_shift) / np.maximum(np.abs(best_shift), 1e-12)).max()),
            float((np.abs(new_variance - best_variance) / best_variance).max()),
        )
        best_shift, best_variance = new_shift, new_variance
        if change < CONVERGED:
            break
    return best_shift, best_variance
