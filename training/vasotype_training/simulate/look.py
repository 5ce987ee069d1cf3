"""How one study renders: its protocol and the line from signal to image intensity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.simulate import physics
from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.simulate.physics import Sequences, Tissue

Array = NDArray[np.float32]

ANCHORS = (physics.CSF, physics.GREY, physics.WHITE)
"""Tissues whose intensities in the host fix the line, in the order of ``Anatomy.levels``."""


@dataclass(frozen=True)
class Line:
    """Image intensity = offset + slope * signal."""

    offset: float
    slope: float

    def __call__(self, signal: Array | float) -> Array | float:
        """Intensity of a signal."""
        return self.offset + self.slope * signal


@dataclass(frozen=True)
class Look:
    """How one study renders: protocol, the line of each sequence, and its contrast factor."""

    sequences: Sequences
    lines: Mapping[str, Line]
    white: Mapping[str, float]
    contrast: Mapping[str, float]
    enhancement: float

    def intensity(self, channel: str, signal: Array | float) -> Array | float:
        """Intensity of a signal, its contrast to white matter scaled by the study's factor."""
        plain = self.lines[channel](signal)
        return self.white[channel] + (plain - self.white[channel]) * self.contrast[channel]


def draw_look(
    anatomy: Anatomy,
    rng: np.random.Generator,
    delay_min: tuple[float, float] = (3, 8),
    contrast_spread: float = 0.2,
) -> Look:
    """Draw a protocol and fit its signals to the anatomy's intensities.

    ``contrast_spread`` is that of the logarithm of each channel's contrast of lesions to brain.
    """
    sequences = physics.draw_sequences(rng, delay_min)
    lines, white, contrast = {}, {}, {}
    for channel in anatomy.images:
        signals = np.array([tissue_signal(channel, tissue, sequences) for tissue in ANCHORS])
        levels = np.array(anatomy.levels[channel])
        known = np.isfinite(levels)
        lines[channel] = _fit_line(signals[known], levels[known])
        white[channel] = float(levels[2]) if known[2] else 0.5
        contrast[channel] = float(np.exp(rng.normal(0, contrast_spread)))
    # T1 and T1c are one sequence twice: their tissue contrast must agree or blood would enhance.
    contrast["t1c"] = contrast.get("t1", 1.0)
    return Look(sequences, lines, white, contrast, float(np.exp(rng.normal(0, 0.12))))


def tissue_signal(channel: str, tissue: Tissue, sequences: Sequences) -> float:
    """Signal of a tissue in a structural sequence, arbitrary unit; T1c as before contrast."""
    weigh = {
        "t1": physics.t1_weighted,
        "t1c": physics.t1_weighted,
        "t2": physics.t2_weighted,
        "flair": physics.flair_weighted,
    }
    here = physics.at_field(tissue, sequences)
    return float(weigh[channel](here.t1, here.t2, here.density, sequences))


def _fit_line(signals: NDArray[np.float64], levels: NDArray[np.float64]) -> Line:
    if len(levels) >= 2 and np.ptp(signals) > 1e-6:
        slope = float(np.cov(signals, levels)[0, 1] / np.var(signals, ddof=1))
        # A host image whose contrast contradicts the physics still needs tumor brighter than not.
        slope = max(slope, 0.3 * float(np.ptp(levels)) / float(np.ptp(signals)))
        return Line(float(levels.mean() - slope * signals.mean()), slope)
    return Line(0.0, 5.0 / float(max(np.ptp(signals), 0.1)))
