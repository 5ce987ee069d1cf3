"""DCE: from a T1-weighted dynamic series to Ktrans, ve and vp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vasotype.findings import Finding
from vasotype.perfusion.bolus import count_baseline
from vasotype.perfusion.checks import as_map, brain_curves, check_series, needed
from vasotype.perfusion.dce_input import Conversion, plasma_curve
from vasotype.perfusion.fit import KineticFit
from vasotype.perfusion.quality import Quality, with_unsure_scale
from vasotype.perfusion.regions import fit_regions
from vasotype.perfusion.series import (
    DceSettings,
    DynamicSeries,
    FlipAngleImages,
    Floats,
    InputCurve,
    assumed_t1,
)
from vasotype.perfusion.signal import SpoiledGradientEcho, spgr_concentration
from vasotype.perfusion.t1 import r1_nonlinear
from vasotype.stages import Array, Grid, Labels, Mask

LEAST_FRAMES = 10
LEAST_R_SQUARED = 0.6
VESSEL_VP = 0.3
"""Plasma volume above which half of a voxel is blood: a vessel, not tissue. Ours."""


@dataclass(frozen=True)
class DceMaps:
    """Maps on the series' grid, float32 [X, Y, Z], NaN where there is no value.

    ``ve`` and ``vp`` are fractions; where the uint8 map ``model`` says Patlak (2) and not extended
    Tofts (1), ``ktrans_per_min`` is Patlak's slope and ve is NaN. ``residual_to_noise`` is the
    fit's RMSE over the noise before contrast, ``relative_error`` the standard error of Ktrans over
    Ktrans. ``quality`` holds the bits of :class:`~vasotype.perfusion.quality.Quality`: with both
    T1 and the input assumed the scale is unsure. ``delays_s`` are the delays behind the input of
    each lesion (0: the rest of the brain), ``settings`` those that were used.
    """

    ktrans_per_min: Array
    ve: Array
    vp: Array
    r1_per_s: Array
    r_squared: Array
    residual_to_noise: Array
    relative_error: Array
    model: Labels
    quality: Labels
    delays_s: Mapping[int, float]
    settings: DceSettings
    baseline_frames: int
    grid: Grid
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class DceInputs:
    """What may be known beside the series; everything on the series' grid.

    ``flip_angles`` give T1; ``aif`` is a curve in blood or plasma, or a mask [X, Y, Z] of vessel
    voxels; ``lesions`` [X, Y, Z] numbers the lesions, 0 elsewhere: each has its own delay.
    ``b1`` [X, Y, Z] is the flip angle over the nominal one, not above 0 where it isn't known.
    """

    flip_angles: FlipAngleImages | None = None
    aif: InputCurve | Mask | None = None
    lesions: NDArray[np.integer] | None = None
    b1: Array | None = None


def analyse_dce(
    series: DynamicSeries,
    brain: Mask,
    inputs: DceInputs | None = None,
    settings: DceSettings | None = None,
) -> DceMaps:
    """Fit the extended Tofts model, or Patlak's where return can't be measured, to every voxel.

    ``brain`` bool [X, Y, Z]. Negative concentrations are noise and stay.

    Raises StudyError ``series-too-short``, ``series-times``, ``series-parameter``, ``no-bolus``,
    ``series-shuffled``, ``baseline-too-short``, ``perfusion-mask``, ``aif-kind``,
    ``aif-not-found`` or ``aif-saturated``.
    """
    inputs, settings = inputs or DceInputs(), settings or DceSettings()
    check_series(series, LEAST_FRAMES)
    sequence = SpoiledGradientEcho(
        needed(series.repetition_time_s, "RepetitionTimeExcitation", series.name),
        needed(series.flip_angle_deg, "FlipAngle", series.name),
        settings.relaxivity_per_s_mm,
    )
    signal = brain_curves(series, brain)
    frames = count_baseline(signal.mean(axis=0), 1, series.name)
    known = Conversion(sequence, settings, settings.t1 or assumed_t1(series.field_t), inputs.b1)
    r10, findings = _r10(series, inputs.flip_angles, brain, known)
    curves = spgr_concentration(signal, frames, r10, known.turned(known.share(brain)))
    plasma, noted = plasma_curve(series, inputs.aif, frames, known)

    labels = np.zeros(len(curves), int) if inputs.lesions is None else inputs.lesions[brain]
    fit, model, delays = fit_regions(curves, plasma, series.times_s, labels)
    noise = curves[:, 1:frames].std(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual_to_noise = fit.rmse_mm / noise
    quality = _labels(_quality(fit), brain, int(Quality.NO_VALUE))
    if inputs.flip_angles is None and inputs.aif is None:
        quality = with_unsure_scale(quality)
    return DceMaps(
        ktrans_per_min=as_map(fit.ktrans_per_min, brain),
        ve=as_map(fit.ve, brain),
        vp=as_map(fit.vp, brain),
        r1_per_s=as_map(r10, brain),
        r_squared=as_map(fit.r_squared, brain),
        residual_to_noise=as_map(residual_to_noise, brain),
        relative_error=as_map(fit.relative_error, brain),
        model=_labels(model, brain, 0),
        quality=quality,
        delays_s=delays,
        settings=replace(settings, t1=known.t1),
        baseline_frames=frames,
        grid=series.grid,
        findings=(*findings, *noted),
    )


def _r10(
    series: DynamicSeries, images: FlipAngleImages | None, brain: Mask, known: Conversion
) -> tuple[Floats, list[Finding]]:
    """R1 [V] before contrast, measured or assumed."""
    if images is None:
        at = "3 T, as the field is not known" if series.field_t is None else f"{series.field_t:g} T"
        message = f"{series.name}: T1 before contrast taken as {known.t1.tissue_s:g} s ({at})"
        r10 = np.full(int(brain.sum()), 1 / known.t1.tissue_s)
        return r10, [Finding("t1-assumed", message)]
    angles = np.radians(images.flip_angles_deg)[:, None] * known.share(brain)
    signal = images.signal[:, brain].astype(np.float64)
    return r1_nonlinear(signal, angles, images.repetition_time_s), []


def _quality(fit: KineticFit) -> NDArray[np.integer]:
    bits = np.where(np.isnan(fit.ktrans_per_min), Quality.NO_VALUE, 0)
    bits |= np.where(fit.r_squared < LEAST_R_SQUARED, Quality.POOR_FIT, 0)
    bits |= np.where(fit.at_bound, Quality.AT_BOUND, 0)
    bits |= np.where(fit.vp > VESSEL_VP, Quality.VESSEL, 0)
    bits |= np.where(np.nan_to_num(fit.ve) + np.nan_to_num(fit.vp) > 1, Quality.IMPOSSIBLE, 0)
    return bits


def _labels(values: NDArray[np.integer], brain: Mask, outside: int) -> Labels:
    whole = np.full(brain.shape, outside, np.uint8)
    whole[brain] = values
    return whole
