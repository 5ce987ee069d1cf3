"""Figures of lesion readings: discrimination, honesty, coverage, novelty; intervals by patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import MODES

from vasotype_training.evaluate.figures import Figure
from vasotype_training.evaluate.metrics import (
    auroc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
)
from vasotype_training.evaluate.summary import Measure
from vasotype_training.lesion_evaluation.readings import READERS, Floats, Integers, Readings

ANGIOGENIC, CO_OPTION = MODES.index("angiogenic"), MODES.index("co_option")

Rows = NDArray[np.int64]
AUROC = Measure("auroc", "higher", 0.02)


def population_figures(population: str, tier: str, readings: Readings) -> list[Figure]:
    """All figures of one population in one tier."""
    figures: list[Figure] = []

    def add(reader: str, measure: Measure, rows: Rows, statistic: Callable[[Rows], float]) -> None:
        groups = by_patient(readings.patient, rows)
        estimate = bootstrap(groups, lambda picked: statistic(np.concatenate(picked)))
        placed = {"cohort": population, "variant": f"{tier}, {reader}"}
        figures.extend(f.model_copy(update=placed) for f in measure.of(len(rows), estimate))

    everyone = np.arange(len(readings.mode))
    pure = everyone[readings.mode != MODES.index("intermediate")]
    middle = _middle_tertile(readings, pure)
    for reader in READERS:
        p = readings.probabilities[reader]
        add(reader, AUROC, pure, partial(_reader_auroc, p, readings.mode))
        if len(middle):
            add(
                reader,
                Measure("auroc_middle_enhancement", "higher", 0.03),
                middle,
                partial(_reader_auroc, p, readings.mode),
            )
        add(
            reader,
            Measure("balanced_accuracy", "higher", 0.02),
            everyone,
            partial(_reader_accuracy, p, readings.mode),
        )
        if reader != "rules":  # they state no probability
            add(
                reader,
                Measure("calibration_error", "lower", 0.02),
                everyone,
                partial(_reader_error, p, readings.mode),
            )
    answered = everyone[~readings.abstained]
    for k, mode in enumerate(MODES):
        own = answered[readings.mode[answered] == k]
        if len(own):
            add(
                "fused",
                Measure(f"coverage_{mode}", "near", 0.03),
                own,
                lambda rows: float(readings.in_set[rows].mean()),
            )
    shares = {
        "set_size": (answered, readings.set_size.astype(float)),
        "coverage": (answered, readings.in_set.astype(float)),
        "abstained": (everyone, readings.abstained.astype(float)),
    }
    for metric, (rows, values) in shares.items():
        if len(rows):
            add(
                "fused",
                Measure(metric, "near", 0.05),
                rows,
                partial(_mean_of, values),
            )
    return figures


def _reader_auroc(p: Floats, mode: Integers, rows: Rows) -> float:
    return _pure_auroc(p[rows], mode[rows])


def _reader_accuracy(p: Floats, mode: Integers, rows: Rows) -> float:
    return balanced_accuracy(p[rows].argmax(axis=1), mode[rows])


def _reader_error(p: Floats, mode: Integers, rows: Rows) -> float:
    return calibration_error(p[rows], mode[rows])


def _mean_of(values: Floats, rows: Rows) -> float:
    return float(values[rows].mean())


def novelty_figure(usual: Readings, shifted: Readings) -> Figure:
    """How well the score of novelty tells shifted lesions from usual ones."""
    score = np.concatenate([usual.novelty, shifted.novelty])
    odd = np.repeat([False, True], [len(usual.novelty), len(shifted.novelty)])
    patient = np.concatenate([usual.patient, shifted.patient + usual.patient.max() + 1])
    groups = by_patient(patient, np.arange(len(score)))
    estimate = bootstrap(
        groups, lambda picked: auroc(score[np.concatenate(picked)], odd[np.concatenate(picked)])
    )
    (figure,) = Measure("auroc_novelty", "higher", 0.03).of(len(score), estimate)
    return figure.model_copy(update={"cohort": "shifted", "variant": "both, fused"})


def by_patient(patient: Integers, rows: Rows) -> list[Rows]:
    """Rows of each patient that has any."""
    own = patient[rows]
    order = np.argsort(own, kind="stable")
    starts = np.flatnonzero(np.diff(own[order], prepend=-1))
    groups: list[Rows] = np.split(rows[order], starts[1:])
    return groups


def _pure_auroc(probabilities: Floats, modes: Integers) -> float:
    """AUROC of angiogenic against co-option by their ratio."""
    first, second = probabilities[:, ANGIOGENIC], probabilities[:, CO_OPTION]
    return auroc(first / np.maximum(first + second, 1e-12), modes == ANGIOGENIC)


def _middle_tertile(readings: Readings, rows: Rows) -> Rows:
    """Those of ``rows`` in the middle third of all lesions' enhancement."""
    known = readings.enhancement[np.isfinite(readings.enhancement)]
    if not len(known):
        return rows[:0]
    low, high = np.quantile(known, (1 / 3, 2 / 3))
    value = readings.enhancement[rows]
    return rows[(value >= low) & (value <= high)]


def cell(figures: Sequence[Figure], population: str, variant: str, metric: str) -> Figure | None:
    """One figure, None where there is none."""
    return next(
        (f for f in figures if (f.cohort, f.variant, f.metric) == (population, variant, metric)),
        None,
    )
