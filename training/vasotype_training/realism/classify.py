"""Logistic regression on named features, cross-validated by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from vasotype_training.evaluate.metrics import Estimate, auroc, bootstrap
from vasotype_training.realism.crops import Example

Floats = NDArray[np.float64]

FOLDS = 5
PENALTY = 3.0
"""Weight of half the sum of squared coefficients against the summed log-likelihood. Ours."""


@dataclass(frozen=True)
class Told:
    """How well two kinds are told apart, by all features and by each alone.

    ``together`` is the AUROC of patients that the classifier never saw, with its interval over
    patients; ``alone`` maps a feature to its AUROC of the second kind, 0.5 for none.
    """

    counts: tuple[int, int]
    patients: int
    together: Estimate
    alone: dict[str, float]


def tell_apart(first: Sequence[Example], second: Sequence[Example]) -> Told:
    """How well ``second`` is told from ``first``. Raises ValueError where a kind has none."""
    if not first or not second:
        raise ValueError("both kinds need examples")
    examples = [*first, *second]
    truth = np.repeat([False, True], [len(first), len(second)])
    names = sorted(set.intersection(*(set(e.features) for e in examples)))
    table = np.array([[e.features[name] for name in names] for e in examples], np.float64)
    patients = np.array([e.patient for e in examples])
    scores = _out_of_fold(table, truth, patients)
    groups = [np.flatnonzero(patients == name) for name in np.unique(patients)]

    def score(picked: Sequence[NDArray[np.int64]]) -> float:
        rows = np.concatenate(list(picked))
        return auroc(scores[rows], truth[rows])

    alone = {}
    for column, name in enumerate(names):
        known = np.isfinite(table[:, column])
        alone[name] = auroc(table[known, column], truth[known])
    return Told((len(first), len(second)), len(groups), bootstrap(groups, score), alone)


def _out_of_fold(table: Floats, truth: NDArray[np.bool_], patients: NDArray[np.str_]) -> Floats:
    """Score of each example by a model that never saw its patient."""
    names = np.unique(patients)
    order = np.random.default_rng(0).permutation(len(names))
    fold_of = {names[place]: n % FOLDS for n, place in enumerate(order)}
    folds = np.array([fold_of[name] for name in patients])
    scores = np.zeros(len(truth))
    for fold in np.unique(folds):
        held = folds == fold
        scores[held] = _fit_and_score(table[~held], truth[~held], table[held])
    return scores


def _fit_and_score(train: Floats, truth: NDArray[np.bool_], test: Floats) -> Floats:
    """Log-odds of the second kind; features standardised, unknown ones at their mean."""
    centre, scale = np.nanmean(train, axis=0), np.nanstd(train, axis=0) + 1e-6
    seen, unseen = (np.nan_to_num((part - centre) / scale) for part in (train, test))
    sign = np.where(truth, 1.0, -1.0)
    # Both kinds weigh the same, however many there are.
    weight = np.where(truth, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))

    def loss(beta: Floats) -> tuple[float, Floats]:
        margin = sign * (seen @ beta[1:] + beta[0])
        value = float((weight * np.logaddexp(0, -margin)).sum())
        pull = -sign * weight / (1 + np.exp(np.clip(margin, -500, 500)))
        slope = np.concatenate([[pull.sum()], seen.T @ pull + PENALTY * beta[1:]])
        return value + 0.5 * PENALTY * float(beta[1:] @ beta[1:]), slope

    found = minimize(loss, np.zeros(seen.shape[1] + 1), jac=True, method="L-BFGS-B")
    return np.asarray(unseen @ found.x[1:] + found.x[0])
