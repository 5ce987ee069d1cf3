"""The plasma curve that drives a DCE analysis: assumed, given, or measured in a vessel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.series import (
    AssumedT1,
    DceSettings,
    DynamicSeries,
    Floats,
    InputCurve,
)
from vasotype.perfusion.signal import SpoiledGradientEcho, spgr_concentration
from vasotype.stages import Array, Mask


@dataclass(frozen=True)
class Conversion:
    """How signals become concentrations.

    ``b1`` [X, Y, Z] is the flip angle over the nominal one, not above 0 where it isn't known.
    """

    sequence: SpoiledGradientEcho
    settings: DceSettings
    t1: AssumedT1
    b1: Array | None = None

    def share(self, where: Mask) -> Floats:
        """Flip angle over the nominal one at voxels [V]; NaN where it isn't known."""
        if self.b1 is None:
            return np.ones(int(where.sum()))
        share = self.b1[where].astype(np.float64)
        return np.where(share > 0, share, np.nan)

    def turned(self, share: Floats) -> SpoiledGradientEcho:
        """The sequence at such shares of its flip angle."""
        return replace(self.sequence, flip_angle_deg=self.sequence.flip_angle_deg * share)


def plasma_curve(
    series: DynamicSeries, aif: InputCurve | Mask | None, frames: int, known: Conversion
) -> tuple[Floats, list[Finding]]:
    """Plasma concentration [T], mM, of the input."""
    settings = known.settings
    if aif is None:
        arrival_s = float(series.times_s[frames])
        blood = parker_blood(series.times_s, arrival_s, settings.dose_mmol_per_kg)
        dose = f"{settings.dose_mmol_per_kg:g} mmol/kg"
        message = f"{series.name}: Parker's input curve for {dose} was used"
        finding = Finding("aif-population", message)
        return plasma_from_blood(blood, settings.haematocrit), [finding]
    if isinstance(aif, InputCurve):
        if aif.kind == "delta_r2star":
            raise StudyError("aif-kind", f"{series.name}: the input curve is a change of R2*")
        values = aif.at(series.times_s)
        return (
            values if aif.kind == "plasma" else plasma_from_blood(values, settings.haematocrit)
        ), []
    if aif.shape != series.grid.shape or not aif.any():
        raise StudyError("aif-not-found", f"{series.name}: the vessel mask is empty or misplaced")
    share = known.share(aif)
    if not np.isfinite(share).any():
        raise StudyError("b1-unusable", f"{series.name}: the B1 map has no value in the vessel")
    mean = series.signal[aif].astype(np.float64).mean(axis=0)
    sequence = known.turned(np.array(np.nanmean(share)))
    blood = spgr_concentration(mean, frames, np.array(1 / known.t1.blood_s), sequence)
    if not np.isfinite(blood).all():
        raise StudyError(
            "aif-saturated",
            f"{series.name}: the vessel's signal is larger than this sequence can give in "
            f"{int((~np.isfinite(blood)).sum())} volumes (inflow, or a wrong flip angle)",
        )
    return plasma_from_blood(blood, settings.haematocrit), []
