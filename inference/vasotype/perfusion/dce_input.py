"""The plasma curve that drives a DCE analysis: assumed, given, or measured in a vessel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.series import DynamicSeries, Floats, InputCurve
from vasotype.perfusion.signal import SpoiledGradientEcho, spgr_concentration
from vasotype.stages import Mask


@dataclass(frozen=True)
class DceSettings:
    """What a DCE series does not say. T1 values are of 3 T and used where nothing is measured."""

    relaxivity_per_s_mm: float = 4.5
    haematocrit: float = 0.42
    tissue_t1_s: float = 1.4
    blood_t1_s: float = 1.6
    dose_mmol_per_kg: float = 0.1


def plasma_curve(
    series: DynamicSeries,
    aif: InputCurve | Mask | None,
    frames: int,
    known: tuple[SpoiledGradientEcho, DceSettings],
) -> tuple[Floats, list[Finding]]:
    """Plasma concentration [T], mM, of the input."""
    sequence, settings = known
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
    mean = series.signal[aif].astype(np.float64).mean(axis=0)
    blood = spgr_concentration(mean, frames, np.array(1 / settings.blood_t1_s), sequence)
    if not np.isfinite(blood).all():
        raise StudyError(
            "aif-saturated",
            f"{series.name}: the vessel's signal is larger than this sequence can give in "
            f"{int((~np.isfinite(blood)).sum())} volumes (inflow, or a wrong flip angle)",
        )
    return plasma_from_blood(blood, settings.haematocrit), []
