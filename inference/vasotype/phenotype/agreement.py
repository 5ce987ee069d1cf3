"""Agreement of predicted leanings with the modes that readers of the tissue gave (WF-07)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import MODES

from vasotype.result import Agreement, Result

LEAST_PATIENTS = 10
"""Patients from which on the interval comes from resampling them. Ours."""
RESAMPLES, SEED = 2000, 0
COVERAGE = 0.95

Counts = NDArray[np.int64]


def agreement(results: Iterable[Result]) -> Agreement | None:
    """Agreement over the lesions of one or more studies, one patient each.

    None where no lesion has a mode from pathology. Lesions without a leaning are counted apart.
    The interval of the agreeing share comes from a bootstrap over patients, or is Wilson's over
    lesions where fewer than ``LEAST_PATIENTS`` patients can be compared.
    """
    tables, silent = [], 0
    for result in results:
        labels = {lesion.id: lesion.phenotype.label for lesion in result.lesions}
        pairs = [(record.mode, labels[record.lesion]) for record in result.pathology if record.mode]
        table = np.zeros((len(MODES), len(MODES)), np.int64)
        for truth, label in pairs:
            if label is None:
                silent += 1
            else:
                table[MODES.index(truth), MODES.index(label)] += 1
        if pairs:
            tables.append(table)
    if not tables:
        return None
    return _summary(tables, silent)


def wilson(successes: int, n: int, coverage: float = COVERAGE) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    z2 = NormalDist().inv_cdf((1 + coverage) / 2) ** 2
    middle = (successes + z2 / 2) / (n + z2)
    half = (z2 * (successes * (n - successes) / n + z2 / 4)) ** 0.5 / (n + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def _summary(tables: Sequence[Counts], silent: int) -> Agreement:
    compared = [table for table in tables if table.any()]
    total = np.sum(tables, axis=0)
    n, agreeing = int(total.sum()), int(np.trace(total))
    resampled = len(compared) >= LEAST_PATIENTS
    return Agreement(
        patients=len(compared),
        n=n,
        agreeing=agreeing,
        share=agreeing / n if n else None,
        ci95=_bootstrap(compared) if resampled else wilson(agreeing, n),
        ci_method="bootstrap over patients" if resampled else "Wilson over lesions",
        table={
            truth: dict(zip(MODES, row, strict=True))
            for truth, row in zip(MODES, total.tolist(), strict=True)
        },
        without_leaning=silent,
    )


def _bootstrap(tables: Sequence[Counts]) -> tuple[float, float]:
    """Percentile interval of the agreeing share when patients are drawn anew."""
    agreeing = np.array([np.trace(table) for table in tables])
    sizes = np.array([table.sum() for table in tables])
    draws = np.random.default_rng(SEED).integers(len(tables), size=(RESAMPLES, len(tables)))
    shares = agreeing[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    tail = 50 * (1 - COVERAGE)
    low, high = np.percentile(shares, (tail, 100 - tail))
    return float(low), float(high)
