"""Between the prepared grid and a series' own: masks go there as shares, maps come back as means.

A series has far larger voxels than the prepared grid. What is smaller is averaged on the way there,
so that a reference voxel holds nothing but reference tissue.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from vasotype_models.contract import CHANNELS

from vasotype.findings import Finding, StudyError
from vasotype.perfusion.quality import Quality
from vasotype.perfusion.series import DynamicSeries
from vasotype.prepare.registration import register
from vasotype.prepare.resample import lowpass, resample
from vasotype.prepare.similarity import Probe, invert
from vasotype.stages import Array, Grid, Labels, Mask, Prepared, QuantityMap, Volume

LEAST_WEIGHT = 0.5
"""Share of an interpolated value that must come from valid voxels."""
LIT_SHARE, LEAST_LIT = 0.2, 0.6
"""Brain is lit where the mean signal exceeds a fifth of its 98th percentile; in a series that lies
where the brain is, at least 60 % of the mask is lit. Ours."""
CLEAR_RISE = 0.3
"""Rise of mutual information (nats) by a small motion, above which a header isn't believed. Ours;
that of structural images some 3 mm apart."""
LARGEST_SPREAD_MM, LARGEST_TURN_DEGREES = 3.0, 30.0
LEAST_DISTINCTNESS, LEAST_INSIDE = 1.3, 0.25
"""Limits of a registration that is believed, as for structural sequences. Ours."""
BASELINE_FRAMES = 3
"""First volumes, without the very first, whose mean shows the anatomy before contrast."""


def share_of(mask: Mask, source: Grid, target: Grid) -> Array:
    """Share of each voxel of ``target`` that a mask on the finer ``source`` fills, 0-1."""
    return resample(lowpass(mask.astype(np.float32), source, target), source, target)


def baseline_volume(series: DynamicSeries) -> Volume:
    """The mean image before contrast, by which a series can be registered."""
    mean = series.signal[..., 1 : 1 + BASELINE_FRAMES].mean(axis=-1)
    return Volume(mean.astype(np.float32), series.grid, label=series.name)


def put_in_place(series: DynamicSeries, prepared: Prepared) -> tuple[DynamicSeries, list[Finding]]:
    """The series where its anatomy lies in the prepared study, and what was done for it.

    Its header is believed unless a small motion would make both images agree far better; then its
    mean image before contrast is registered. A registration that can't be believed leaves the
    series where it is, with a finding.
    """
    channel = "t1c" if "t1c" in prepared.channels else prepared.structural[0]
    fixed = Volume(prepared.image[CHANNELS.index(channel)], prepared.grid)
    image = baseline_volume(series)
    if not np.ptp(image.data):  # shows nothing; the analysis will say so
        return series, []
    probe = Probe.draw(fixed, prepared.mask, image)
    if probe.possible_rise(np.eye(4)) < CLEAR_RISE:
        return series, []
    found = register(fixed, prepared.mask, image)
    if (
        found.spread_mm > LARGEST_SPREAD_MM
        or found.turned_degrees > LARGEST_TURN_DEGREES
        or found.inside < LEAST_INSIDE
        or found.distinctness < LEAST_DISTINCTNESS
    ):
        message = f"{series.name}: could not be registered to {channel}; its header was believed"
        return series, [Finding("series-not-aligned", message)]
    motion = invert(found.pose)
    grid = Grid(series.grid.shape, motion @ series.grid.affine)
    message = f"{series.name}: moved by {found.moved_mm:.1f} mm to fit {channel}"
    return replace(series, grid=grid), [Finding("series-moved", message)]


def check_place(series: DynamicSeries, brain: Mask) -> None:
    """Raise StudyError ``series-misplaced`` where the series is dark inside the mask ``brain``."""
    mean = series.signal.mean(axis=-1)
    lit = mean > LIT_SHARE * np.percentile(mean, 98)
    share = float(lit[brain].mean()) if brain.any() else 0.0
    if share < LEAST_LIT:
        raise StudyError(
            "series-misplaced",
            f"{series.name}: by its header only {share:.0%} of the brain lies where the series "
            f"shows tissue; at least {LEAST_LIT:.0%} is needed",
        )


def on_prepared(values: Array, usable: Mask, grids: tuple[Grid, Grid]) -> Array:
    """A map [x, y, z] of a series on the prepared grid, 0 where it has no value.

    ``grids`` are source and target. Values are means of the neighbouring ``usable`` voxels,
    weighted by nearness.
    """
    return np.nan_to_num(_placed(values, usable, grids), nan=0.0)


def quantity_map(
    values: Array, quality: Labels, usable: Mask, grids: tuple[Grid, Grid]
) -> QuantityMap:
    """:func:`on_prepared` with NaN for no value, and with the quality of the nearest voxel."""
    source, target = grids
    flags = resample(quality, source, target, order=0, fill=float(Quality.NO_VALUE))
    return QuantityMap(_placed(values, usable, grids), flags, source.voxel_ml)


def _placed(values: Array, usable: Mask, grids: tuple[Grid, Grid]) -> Array:
    own = usable & np.isfinite(values)
    weight = resample(own.astype(np.float32), *grids)
    total = resample(np.where(own, values, 0).astype(np.float32), *grids)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight >= LEAST_WEIGHT, total / weight, np.nan).astype(np.float32)
