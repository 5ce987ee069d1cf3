"""The stage: dynamic series and blood volume maps -> quantitative channels and maps.

It follows the first pass of the network, which says where the tumor is: perfusion needs normal
tissue to be relative to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from vasotype_models.contract import CHANNELS

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.dce import DceInputs, DceMaps, analyse_dce
from vasotype.perfusion.dsc import DscMaps, DscReference, analyse_dsc
from vasotype.perfusion.place import check_place, on_prepared, put_in_place, quantity_map, share_of
from vasotype.perfusion.quality import (
    ENOUGH_VOXELS,
    SURE_REFERENCE,
    Quality,
    valid_voxels,
    with_unsure_scale,
)
from vasotype.perfusion.series import DynamicSeries, InputCurve, PerfusionSeries
from vasotype.prepare.resample import resample
from vasotype.prepare.white_matter import WhiteMatterFinder
from vasotype.result import PerfusionRecord, SeriesRecord
from vasotype.stages import Array, Grid, LesionSet, Mask, Prepared, QuantityMap, Study, Volume

RCBV = CHANNELS.index("rcbv")
ML_PER_100_ML = 100.0
"""Of a fraction: the unit of volumes in results."""
RATIOS = ("rcbv", "rcbv_uncorrected")
"""Maps that are relative to normal white matter."""
PURE_SHARE, CLEAN_SHARE = 0.7, 0.05
"""Share of white matter from which a series' voxel is reference tissue, and share of labels below
which it may stand for brain without leakage. Ours."""


@dataclass(frozen=True)
class Perfusion:
    """What the dynamic series gave, on their own grids, and how it was measured."""

    dsc: DscMaps | None = None
    dce: DceMaps | None = None
    record: PerfusionRecord | None = None


@dataclass(frozen=True)
class _Scene:
    """A prepared study, its lesions, and its normal white matter [X, Y, Z]."""

    prepared: Prepared
    lesions: LesionSet
    white: Mask

    def share(self, mask: Mask, grid: Grid) -> Array:
        """Share of each voxel of a series' grid that a mask of the prepared grid fills."""
        return share_of(mask, self.prepared.grid, grid)


@dataclass(frozen=True)
class _Part:
    """What one series gave: its own maps, what the network sees, maps to measure, a record."""

    analysis: DscMaps | DceMaps
    channel: Array
    maps: Mapping[str, QuantityMap]
    record: SeriesRecord


def measure_perfusion(
    study: Study, prepared: Prepared, lesions: LesionSet
) -> tuple[Prepared, Perfusion]:
    """Compute maps from the study's series and make every rCBV relative to white matter.

    The prepared study comes back with ``rcbv`` and ``ktrans`` among its channels, all maps in
    ``computed``, and findings. A series that can't be analysed is left out with a finding; a map
    given by the user wins over a series. Where rCBV can't be made relative it is no channel, and
    its map only says why. Without series and rCBV nothing changes.
    """
    series = study.perfusion or PerfusionSeries()
    if study.perfusion is None and "rcbv" not in prepared.channels:
        return prepared, Perfusion()
    white = WhiteMatterFinder.of(prepared, lesions.tissue).reference(lesions.instances > 0)
    scene = _Scene(prepared, lesions, white)
    parts: dict[str, _Part] = {}
    findings: list[Finding] = []
    for channel, one, analyse in (("rcbv", series.dsc, _dsc), ("ktrans", series.dce, _dce)):
        if one is None:
            continue
        if channel in prepared.channels:
            message = f"{one.name}: not analysed, as a map of {channel} was given"
            findings.append(Finding("series-not-used", message))
            continue
        placed, noted = put_in_place(one, prepared)
        findings += noted
        try:
            parts[channel] = analyse(placed, series, scene)
            findings += parts[channel].analysis.findings
        except StudyError as error:
            findings.append(Finding("perfusion-failed", str(error)))
    enriched = _with(prepared, parts, series.ps)
    if "rcbv" in prepared.channels:
        enriched = _with_given_rcbv(enriched, study.volumes.get("rcbv"))
    enriched, factor, doubts = _relative_to_white(enriched, white)
    record = PerfusionRecord(
        series=tuple(part.record for part in parts.values()),
        white_matter_ml=float(white.sum()) * prepared.grid.voxel_ml,
        rcbv_factor=factor,
    )
    analyses = [part.analysis for part in parts.values()]
    return replace(enriched, findings=(*prepared.findings, *findings, *doubts)), Perfusion(
        dsc=next((maps for maps in analyses if isinstance(maps, DscMaps)), None),
        dce=next((maps for maps in analyses if isinstance(maps, DceMaps)), None),
        record=record,
    )


def _dsc(one: DynamicSeries, series: PerfusionSeries, scene: _Scene) -> _Part:
    brain = _brain(one, scene)
    labelled = scene.share(scene.lesions.tissue > 0, one.grid)
    reference = DscReference(
        nawm=brain & (scene.share(scene.white, one.grid) >= PURE_SHARE),
        non_enhancing=brain & (labelled < CLEAN_SHARE),
    )
    maps = analyse_dsc(one, brain, reference, series.dsc_input)
    usable, target = valid_voxels(maps.quality), scene.prepared.grid
    values = {"rcbv": maps.rcbv, "rcbv_uncorrected": maps.rcbv_uncorrected, "k2": maps.k2_per_s}
    source = "a curve, given"
    if not isinstance(series.dsc_input, InputCurve):
        count = 0 if maps.arteries is None else int(maps.arteries.sum())
        source = f"{count} arteries, {'found' if series.dsc_input is None else 'given'}"
    return _Part(
        analysis=maps,
        channel=on_prepared(maps.rcbv, brain, (one.grid, target)),
        maps={
            name: quantity_map(map_, maps.quality, usable, (one.grid, target))
            for name, map_ in values.items()
        },
        record=_record("dsc", one, maps.baseline_frames, (source, None)),
    )


def _dce(one: DynamicSeries, series: PerfusionSeries, scene: _Scene) -> _Part:
    brain = _brain(one, scene)
    prepared = scene.prepared
    owner = resample(scene.lesions.owner, prepared.grid, one.grid, order=0)
    inputs = DceInputs(series.flip_angles, series.dce_input, owner, series.b1)
    maps = analyse_dce(one, brain, inputs, series.dce_settings)
    usable = valid_voxels(maps.quality)
    values = {
        "ktrans": maps.ktrans_per_min,
        "vp": ML_PER_100_ML * maps.vp,
        "ve": ML_PER_100_ML * maps.ve,
    }
    source = f"Parker's population curve for {maps.settings.dose_mmol_per_kg:g} mmol/kg"
    if series.dce_input is not None:
        source = "given" if isinstance(series.dce_input, InputCurve) else "a vessel, given"
    t1 = "assumed" if series.flip_angles is None else "flip angles"
    if series.b1 is not None and series.flip_angles is not None:
        t1 += ", corrected by B1"
    # Noise makes values of tight tissue negative; the network has never seen such.
    channel = on_prepared(maps.ktrans_per_min, brain, (one.grid, prepared.grid))
    return _Part(
        analysis=maps,
        channel=np.maximum(channel, 0),
        maps={
            name: quantity_map(map_, maps.quality, usable, (one.grid, prepared.grid))
            for name, map_ in values.items()
        },
        record=_record("dce", one, maps.baseline_frames, (source, t1)),
    )


def _brain(one: DynamicSeries, scene: _Scene) -> Mask:
    """The brain on a series' grid; raises StudyError where the series shows it elsewhere."""
    brain = np.asarray(scene.share(scene.prepared.mask, one.grid) > 0.5)
    check_place(one, brain)
    return brain


def _record(
    kind: Literal["dsc", "dce"],
    one: DynamicSeries,
    baseline: int,
    sources: tuple[str, str | None],
) -> SeriesRecord:
    """How a series was acquired and analysed; ``sources`` are those of its input and of T1."""
    return SeriesRecord(
        kind=kind,
        name=one.name,
        shape=one.grid.shape,
        spacing_mm=one.grid.spacing_mm,
        volumes=len(one.times_s),
        step_s=float(np.median(np.diff(one.times_s))),
        echo_time_s=one.echo_time_s,
        repetition_time_s=one.repetition_time_s,
        flip_angle_deg=one.flip_angle_deg,
        baseline_volumes=baseline,
        arterial_input=sources[0],
        t1_source=sources[1],
    )


def _with(prepared: Prepared, parts: Mapping[str, _Part], ps: Volume | None) -> Prepared:
    """The study with the channels and maps of its series, and a given map of PS."""
    image = prepared.image.copy()
    present = list(prepared.present)
    computed: dict[str, QuantityMap] = dict(prepared.computed)
    for channel, part in parts.items():
        index = CHANNELS.index(channel)
        image[index], present[index] = part.channel * prepared.mask, True
        computed |= part.maps
    if ps is not None:
        good, everywhere = np.zeros(ps.data.shape, np.uint8), ps.data != 0
        computed["ps"] = quantity_map(ps.data, good, everywhere, (ps.grid, prepared.grid))
    return replace(prepared, image=image, present=tuple(present), computed=computed)


def _with_given_rcbv(prepared: Prepared, volume: Volume | None) -> Prepared:
    """The study with the user's rCBV as a map, too; its voxels are those of the ``volume``."""
    values = np.where(prepared.image[RCBV] == 0, np.nan, prepared.image[RCBV])
    flags = np.where(np.isfinite(values), 0, int(Quality.NO_VALUE)).astype(np.uint8)
    voxel_ml = (prepared if volume is None else volume).grid.voxel_ml
    given = QuantityMap(values, flags, voxel_ml)
    return replace(prepared, computed={**prepared.computed, "rcbv": given})


def _relative_to_white(
    prepared: Prepared, white: Mask
) -> tuple[Prepared, float | None, list[Finding]]:
    """Divide every rCBV by its median in white matter; also the factor of the channel.

    Without one the unit of the channel isn't known, so the network, which takes it for a ratio,
    doesn't see it.
    """
    if not prepared.present[RCBV]:
        return prepared, None, []
    computed = dict(prepared.computed)
    own_ml = prepared.grid.voxel_ml
    evidence = own_ml / max(own_ml, computed["rcbv"].voxel_ml)
    for name in RATIOS:
        if name in computed:
            computed[name] = _relative(computed[name], white, evidence)
    factor, _ = _median(prepared.image[RCBV], white, evidence)
    if factor is not None:
        prepared.image[RCBV] /= factor
        return replace(prepared, computed=computed), factor, []
    prepared.image[RCBV] = 0
    present = tuple(there and i != RCBV for i, there in enumerate(prepared.present))
    message = "rCBV was left out: there is too little normal white matter to divide it by"
    missing = Finding("rcbv-not-normalised", message)
    return replace(prepared, computed=computed, present=present), None, [missing]


def _relative(map_: QuantityMap, white: Mask, evidence: float) -> QuantityMap:
    """A map over its median in white matter; no value, and the flags for that, without one."""
    middle, acquired = _median(map_.values, white, evidence)
    if middle is None:
        nothing, lost = np.full_like(map_.values, np.nan), Quality.NO_VALUE | Quality.UNSURE_SCALE
        return replace(map_, values=nothing, quality=np.full_like(map_.quality, int(lost)))
    sure = acquired >= SURE_REFERENCE
    quality = map_.quality if sure else with_unsure_scale(map_.quality)
    return replace(map_, values=map_.values / middle, quality=quality)


def _median(values: Array, white: Mask, evidence: float) -> tuple[float | None, float]:
    """Median of a map in white matter, and how many acquired voxels it is of.

    ``evidence`` is how many of these a voxel stands for. None where they are too few, or hold no
    blood.
    """
    inside = values[white]
    inside = inside[np.isfinite(inside) & (inside != 0)]
    acquired = len(inside) * evidence
    middle = float(np.median(inside)) if acquired >= ENOUGH_VOXELS else 0.0
    return (middle if middle > 0 else None), acquired
