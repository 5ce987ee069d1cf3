"""The stage: Study -> Prepared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from vasotype_models.contract import CHANNELS, STRUCTURAL

from vasotype.findings import Finding
from vasotype.prepare import quality
from vasotype.prepare.brain import Foreground, brain_mask, coverage, find_foreground
from vasotype.prepare.grid import brain_box, field_of_view
from vasotype.prepare.intensity import intensity_stats
from vasotype.prepare.resample import lowpass, resample, window
from vasotype.stages import Array, Grid, Mask, Prepared, Study


def prepare(study: Study, *, multiple: int = 16) -> Prepared:
    """Put all sequences on the model's grid and find the brain.

    The grid has 1 mm voxels along the reference sequence's own axes, ordered and directed closest
    to R, A, S, and is cut to the brain with a margin, sides a multiple of ``multiple`` voxels.
    Images of 1 mm are reordered, never interpolated; others linearly, after smoothing where they
    are finer. Beyond a sequence's field of view lies its background value.

    Raises StudyError ``grids-disagree`` when sequences show the brain in different places.
    """
    volumes = study.volumes
    grounds = {c: find_foreground(volumes[c]) for c in STRUCTURAL if c in volumes}
    stripped = any(ground.stripped for ground in grounds.values())
    field = field_of_view(volumes[study.reference].grid)
    whole = _find_brain(study, grounds, field, stripped=stripped)
    start, grid = brain_box(whole, field, multiple)
    mask = window(whole, start, grid.shape)
    image = _image(study, grounds, grid)
    covered = {
        channel: mask & coverage(ground, volumes[channel].grid, grid)
        for channel, ground in grounds.items()
    }
    stats = intensity_stats(image, covered)
    findings = [
        *quality.thick_slices(volumes),
        *quality.partial_coverage(covered, mask),
        *quality.implausible_maps(image, mask, volumes),
    ]
    if stripped:
        findings += quality.brain_size(mask, grid) + quality.contrast(image, stats, covered)
    else:
        findings.append(Finding("not-skull-stripped", "the images show the whole head"))
    return Prepared(
        name=study.name,
        image=image,
        mask=mask,
        present=tuple(channel in volumes for channel in CHANNELS),
        stats=stats,
        grid=grid,
        native=volumes[study.reference],
        findings=study.findings + tuple(findings),
    )


def _find_brain(
    study: Study, grounds: Mapping[str, Foreground], field: Grid, *, stripped: bool
) -> Mask:
    """Mask of the brain on ``field``, from the sequences that agree about where it is."""
    # Where one sequence is stripped, heads of the others say nothing about the brain.
    voting = {
        channel: resample(ground.mask, study.volumes[channel].grid, field, order=0)
        for channel, ground in grounds.items()
        if ground.stripped == stripped
    }
    home = study.reference if study.reference in voting else next(iter(voting))
    least = quality.MINIMAL_BRAIN_OVERLAP if stripped else quality.MINIMAL_HEAD_OVERLAP
    quality.check_overlap(voting, study.volumes, home, least)
    return brain_mask(voting, home)


def _image(study: Study, grounds: Mapping[str, Foreground], grid: Grid) -> Array:
    """All channels on ``grid``, float32 [7, X, Y, Z]; absent ones are 0."""
    image = np.zeros((len(CHANNELS), *grid.shape), dtype=np.float32)
    for index, channel in enumerate(CHANNELS):
        if channel not in study.volumes:
            continue
        volume = study.volumes[channel]
        fill = grounds[channel].background if channel in grounds else 0.0
        smooth = lowpass(volume.data, volume.grid, grid)
        image[index] = resample(smooth, volume.grid, grid, fill=fill)
    return image
