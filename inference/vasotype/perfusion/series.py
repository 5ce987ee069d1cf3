"""The values that perfusion analysis takes: a dynamic series, flip-angle images, an input curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vasotype.stages import Array, Grid, Mask, Volume

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DynamicSeries:
    """A 4-D series as it was measured.

    ``signal`` float32 [X, Y, Z, T] in scanner units, ``times_s`` float64 [T] increasing, start of
    each volume. ``repetition_time_s`` is the time between excitations (of a DCE series a few
    milliseconds), not between volumes. ``name`` is the file name, for messages; ``field_t`` the
    scanner's field strength, where it is known.
    """

    signal: Array
    grid: Grid
    times_s: Floats
    name: str
    echo_time_s: float | None = None
    repetition_time_s: float | None = None
    flip_angle_deg: float | None = None
    field_t: float | None = None


@dataclass(frozen=True)
class FlipAngleImages:
    """Spoiled gradient echo images of several flip angles on one grid, for T1.

    ``signal`` float32 [A, X, Y, Z]; ``flip_angles_deg`` [A].
    """

    signal: Array
    grid: Grid
    flip_angles_deg: Floats
    repetition_time_s: float


@dataclass(frozen=True)
class InputCurve:
    """An arterial input given by the user: ``values`` [N] at ``times_s`` [N].

    ``kind`` says what the values are: concentration in whole blood or in plasma (mM), or a change
    of R2* (1/s). Blood and plasma differ by 1 - haematocrit, 40 %.
    """

    times_s: Floats
    values: Floats
    kind: Literal["blood", "plasma", "delta_r2star"]

    def at(self, times_s: Floats) -> Floats:
        """Values at other times, linear between samples, the first and last held outside."""
        return np.interp(times_s, self.times_s, self.values)


class AssumedT1(NamedTuple):
    """T1 before contrast, s, of tumor and of blood, where it isn't measured."""

    tissue_s: float
    blood_s: float


T1_AT_3_T = AssumedT1(1.4, 1.6)
"""Our choice; blood after Lu 2004 (1.62 s)."""
T1_AT_1_5_T = AssumedT1(1.12, 1.44)
"""Tissue: 0.8 of that at 3 T, our assumption; blood after Stanisz 2005 (1.44 s)."""
BETWEEN_FIELDS_T = 2.25


def assumed_t1(field_t: float | None) -> AssumedT1:
    """T1 at the nearer of 1.5 and 3 T; at 3 T where the field isn't known."""
    return T1_AT_3_T if field_t is None or field_t > BETWEEN_FIELDS_T else T1_AT_1_5_T


@dataclass(frozen=True)
class DceSettings:
    """What a DCE series does not say.

    ``t1`` is used where nothing is measured; None takes that of the field strength. The dose
    scales Parker's population curve and nothing else.
    """

    relaxivity_per_s_mm: float = 4.5
    haematocrit: float = 0.42
    dose_mmol_per_kg: float = 0.1
    t1: AssumedT1 | None = None


DEFAULT_SETTINGS = DceSettings()


@dataclass(frozen=True)
class PerfusionSeries:
    """The dynamic series of a study and what belongs to them; None where there is none.

    ``dsc_input`` and ``dce_input`` are arterial inputs given by the user, a curve or a mask
    [X, Y, Z] of vessel voxels on the grid of the series. ``ps`` is a given map of the
    permeability-surface product, mL/100 mL/min. ``b1`` float32 [X, Y, Z] is the flip angle over the
    nominal one on the grid of the DCE series, ``dce_settings`` what else is known of that.
    """

    dsc: DynamicSeries | None = None
    dce: DynamicSeries | None = None
    flip_angles: FlipAngleImages | None = None
    dsc_input: InputCurve | Mask | None = None
    dce_input: InputCurve | Mask | None = None
    ps: Volume | None = None
    b1: Array | None = None
    dce_settings: DceSettings = DEFAULT_SETTINGS
