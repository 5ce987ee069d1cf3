"""DSC: from a T2*-weighted bolus series to relative blood volume, flow and leakage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.aif import SATURATED_SHARE, find_arteries
from vasotype.perfusion.bolus import count_baseline, first_pass_width
from vasotype.perfusion.checks import as_map, brain_curves, check_series, needed
from vasotype.perfusion.deconvolution import relative_flow
from vasotype.perfusion.leakage import LeakageCorrection, correct_leakage
from vasotype.perfusion.quality import (
    ENOUGH_VOXELS,
    SURE_REFERENCE,
    Quality,
    with_unsure_scale,
)
from vasotype.perfusion.series import DynamicSeries, Floats, InputCurve
from vasotype.perfusion.signal import baseline_mean, delta_r2star
from vasotype.stages import Array, Grid, Labels, Mask

LEAST_FRAMES = 20
LARGE_LEAKAGE, WIDE_PASS = 0.3, 1.5
"""Doubt where the correction changes blood volume by 30 %, or where the first pass is 1.5 times as
wide as in the reference: then the correction itself underestimates by 10-20 %."""
VESSEL_RCBV = 15.0
"""Blood volume, in medians of normal white matter (about 2 mL/100 mL), above which nearly a third
of a voxel is blood: a vessel, not tissue. Ours; metastases of renal cancer reach 11."""
_TISSUE_PEAKS = (0.2, 3.0)
"""Peaks, in medians of the reference, between which a voxel is tissue, not CSF and not vessel."""
_TAIL_SHARE = 0.1

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class DscMaps:
    """Maps on the series' grid, float32 [X, Y, Z], NaN where there is no value.

    ``rcbv`` (leakage-corrected), ``rcbv_uncorrected`` and ``rcbf`` are ratios to the median of the
    reference tissue (``reference``: normal-appearing white matter, or all normal brain where no
    white matter was given, which makes their scale unsure); ``rcbf`` is None without an input.
    ``k2_per_s`` > 0 is T1 leakage, < 0 T2* leakage. ``quality`` holds the bits of
    :class:`~vasotype.perfusion.quality.Quality`; ``arteries`` the voxels of the input, if found.
    """

    rcbv: Array
    rcbv_uncorrected: Array
    k2_per_s: Array
    rcbf: Array | None
    quality: Labels
    arteries: Mask | None
    reference: str
    baseline_frames: int
    grid: Grid
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class DscReference:
    """Tissue that the numbers are relative to, bool [X, Y, Z] on the series' grid.

    ``nawm`` is normal-appearing white matter; ``non_enhancing`` is brain without tumor, edema,
    vessels and CSF, for the leakage correction. What is None is found in the series, with a
    finding.
    """

    nawm: Mask | None = None
    non_enhancing: Mask | None = None


def analyse_dsc(
    series: DynamicSeries,
    brain: Mask,
    reference: DscReference | None = None,
    aif: InputCurve | Mask | None = None,
) -> DscMaps:
    """Relative blood volume with and without leakage correction, K2 and relative flow.

    ``brain`` bool [X, Y, Z]; ``aif`` is a curve, a mask of arteries, or None to find them. No
    absolute blood flow is given: deconvolution underestimates it by an unknown factor.

    Raises StudyError ``series-too-short``, ``series-times``, ``series-parameter``, ``no-bolus``,
    ``series-shuffled``, ``baseline-too-short``, ``perfusion-mask``, ``perfusion-reference``, and,
    for a mask of arteries, ``aif-saturated``. Where no artery is found, flow is left out with a
    finding.
    """
    check_series(series, LEAST_FRAMES)
    echo_time_s = needed(series.echo_time_s, "EchoTime", series.name)
    signal = brain_curves(series, brain)
    frames = count_baseline(signal.mean(axis=0), -1, series.name)
    curves = delta_r2star(signal, frames, echo_time_s)
    bolus = _Bolus(series, curves, _lowest_share(signal, frames), frames)

    tissue = reference or DscReference()
    steady, findings = _steady_brain(tissue.non_enhancing, brain, signal, bolus)
    mean_curve = curves[steady].mean(axis=0)
    leakage = correct_leakage(curves[:, frames:], mean_curve[frames:], series.times_s[frames:])
    normal, name, noted = _normal_tissue(tissue.nawm, brain, steady, series.name)
    normal &= np.isfinite(leakage.area)

    flow, arteries, doubts = _flow(bolus, aif, brain)
    rcbv = _ratio(leakage.area, normal, series.name)
    quality = _quality(bolus, leakage, mean_curve, brain)
    quality[as_map(rcbv, brain) > VESSEL_RCBV] |= int(Quality.VESSEL)
    if noted or int(normal.sum()) < SURE_REFERENCE:
        quality = with_unsure_scale(quality)
    return DscMaps(
        rcbv=as_map(rcbv, brain),
        rcbv_uncorrected=as_map(_ratio(leakage.uncorrected_area, normal, series.name), brain),
        k2_per_s=as_map(leakage.k2_per_s, brain),
        rcbf=None if flow is None else as_map(_ratio(flow, normal, series.name), brain),
        quality=quality,
        arteries=arteries,
        reference=name,
        baseline_frames=frames,
        grid=series.grid,
        findings=(*findings, *noted, *doubts),
    )


@dataclass(frozen=True)
class _Bolus:
    """Curves [V, T] of the brain, 1/s, lowest signal over baseline [V], frames before the bolus."""

    series: DynamicSeries
    curves: Floats
    lowest_share: Floats
    frames: int


def _lowest_share(signal: Floats, frames: int) -> Floats:
    base = baseline_mean(signal, frames)
    lowest: Floats = signal.min(axis=1)
    return np.asarray(np.divide(lowest, base, out=np.zeros_like(base), where=base > 0))


def _steady_brain(
    given: Mask | None, brain: Mask, signal: Floats, bolus: _Bolus
) -> tuple[Bools, list[Finding]]:
    """Which of the brain's voxels [V] hold no leaking tissue, no vessel and no CSF."""
    findings = []
    if given is not None:
        steady = given[brain]
    else:
        base = signal[:, 1 : bolus.frames]
        tail = signal[:, -max(3, round(_TAIL_SHARE * signal.shape[1])) :].mean(axis=1)
        steady = tail <= base.mean(axis=1) + base.std(axis=1)
        message = f"{bolus.series.name}: voxels whose signal doesn't rise after the bolus were used"
        findings.append(Finding("leakage-reference-found", message))
    steady = steady & np.isfinite(bolus.curves).all(axis=1)
    peak = bolus.curves.max(axis=1)
    middle = np.median(peak[steady]) if steady.any() else 0.0
    steady &= (peak > _TISSUE_PEAKS[0] * middle) & (peak < _TISSUE_PEAKS[1] * middle)
    if int(steady.sum()) < ENOUGH_VOXELS:
        raise StudyError(
            "perfusion-reference",
            f"{bolus.series.name}: {int(steady.sum())} voxels of normal brain for the leakage "
            f"correction, at least {ENOUGH_VOXELS} are needed",
        )
    return steady, findings


def _normal_tissue(
    nawm: Mask | None, brain: Mask, steady: Bools, name: str
) -> tuple[Bools, str, list[Finding]]:
    """Voxels [V] whose median is 1, what they are called, and what is doubtful about them."""
    chosen = np.zeros_like(steady) if nawm is None else nawm[brain]
    if int(chosen.sum()) >= ENOUGH_VOXELS:
        return chosen, "normal-appearing white matter", []
    message = f"{name}: {int(chosen.sum())} voxels of normal white matter; ratios are to all normal"
    finding = Finding("no-reference-tissue", f"{message} brain")
    return steady.copy(), "normal brain", [finding]


def _ratio(values: Floats, normal: Bools, name: str) -> Floats:
    middle = float(np.nanmedian(values[normal])) if normal.any() else 0.0
    if not middle > 0:
        raise StudyError(
            "perfusion-reference", f"{name}: the reference tissue shows no passage of contrast"
        )
    return np.asarray(values / middle)


def _flow(
    bolus: _Bolus, aif: InputCurve | Mask | None, brain: Mask
) -> tuple[Floats | None, Mask | None, list[Finding]]:
    """Flow [V] in arbitrary units, the voxels of the input, and why there is neither."""
    times, arteries = bolus.series.times_s, None
    if isinstance(aif, InputCurve):
        arterial = aif.at(times)
    else:
        try:
            chosen = _arteries(bolus, aif, brain)
        except StudyError as error:
            if aif is not None:
                raise
            return None, None, [Finding("no-flow", f"{bolus.series.name}: {error}")]
        arterial = bolus.curves[chosen].mean(axis=0)
        arteries = np.zeros(brain.shape, dtype=bool)
        arteries[tuple(axis[chosen] for axis in np.nonzero(brain))] = True
    step = float(np.median(np.diff(times)))
    return relative_flow(bolus.curves, arterial, step), arteries, []


def _arteries(bolus: _Bolus, mask: Mask | None, brain: Mask) -> NDArray[np.intp]:
    if mask is None:
        start = float(bolus.series.times_s[bolus.frames])
        return find_arteries(bolus.curves, bolus.lowest_share, bolus.series.times_s, start)
    chosen = np.flatnonzero(mask[brain] & np.isfinite(bolus.curves).all(axis=1))
    if not len(chosen):
        raise StudyError("aif-not-found", f"{bolus.series.name}: the artery mask misses the brain")
    lost = int((bolus.lowest_share[chosen] < SATURATED_SHARE).sum())
    if lost:
        raise StudyError(
            "aif-saturated",
            f"{bolus.series.name}: in {lost} of {len(chosen)} artery voxels the signal falls below "
            f"{SATURATED_SHARE:.0%} of its baseline",
        )
    return chosen


def _quality(bolus: _Bolus, leakage: LeakageCorrection, mean_curve: Floats, brain: Mask) -> Labels:
    times = bolus.series.times_s
    finite = np.isfinite(leakage.area)
    change = np.abs(leakage.area - leakage.uncorrected_area)
    width = first_pass_width(np.nan_to_num(bolus.curves), times)
    usual = first_pass_width(mean_curve[None], times)
    bits = np.where(finite, 0, Quality.NO_VALUE)
    bits |= np.where(
        finite & (change > LARGE_LEAKAGE * np.abs(leakage.area)), Quality.LARGE_LEAKAGE, 0
    )
    bits |= np.where(finite & (width > WIDE_PASS * usual), Quality.WIDE_FIRST_PASS, 0)
    whole = np.full(brain.shape, int(Quality.NO_VALUE), np.uint8)
    whole[brain] = bits
    return whole
