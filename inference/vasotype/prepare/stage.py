"""The stage: Study -> Prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from vasotype_models.contract import CHANNELS, STRUCTURAL

from vasotype.engine.providers import usable_cores
from vasotype.findings import Finding
from vasotype.prepare import quality
from vasotype.prepare.align import align
from vasotype.prepare.bias import correct_bias
from vasotype.prepare.brain import Foreground, brain_mask, coverage, find_foreground
from vasotype.prepare.extraction import extract_brain
from vasotype.prepare.extraction_checks import check_extraction
from vasotype.prepare.grid import brain_box, field_of_view
from vasotype.prepare.intensity import intensity_stats
from vasotype.prepare.resample import lowpass, resample, window
from vasotype.stages import Array, Grid, Mask, Prepared, Study

Stage = Callable[[str], AbstractContextManager[object]]
"""Called with a step's name, gives the context in which the step runs, e.g. to take its time."""


def prepare(
    study: Study, *, multiple: int = 16, threads: int | None = None, stage: Stage = nullcontext
) -> Prepared:
    """Put all sequences on the model's grid and find the brain.

    Sequences are registered to the reference where they don't lie there already, the brain is
    extracted from whole heads, and their shading evened out. The grid has 1 mm voxels along the
    reference sequence's own axes, ordered and directed closest to R, A, S, and is cut to the brain
    with a margin, sides a multiple of ``multiple`` voxels. Every image is interpolated at most
    once: those of 1 mm that weren't moved are reordered only; others linearly, after smoothing
    where they are finer. Beyond a sequence's field of view lies its background value.

    The steps are ``extract``, ``register``, ``prepare`` and ``bias``, the first and last for
    whole heads only; ``threads`` is the number of cores that they may use, None for all.

    Raises StudyError ``grids-disagree`` when nothing can be aligned with the reference.
    """
    grounds = {
        channel: find_foreground(study.volumes[channel])
        for channel in STRUCTURAL
        if channel in study.volumes
    }
    native = study.volumes[study.reference]
    own = grounds[study.reference]
    brain, doubts = own.mask, list[Finding]()
    if not own.stripped:
        with stage("extract"):
            extraction = extract_brain(native, threads)
            brain, doubts = extraction.mask, check_extraction(extraction, native)
    with stage("register"):
        aligned = align(study, grounds, brain, threads or usable_cores())
    volumes = aligned.study.volumes
    grounds = {channel: ground for channel, ground in grounds.items() if channel in volumes}

    with stage("prepare"):
        field = field_of_view(native.grid)
        whole = _find_brain(aligned.study, grounds, brain, field)
        start, grid = brain_box(whole, field, multiple)
        mask = window(whole, start, grid.shape)
        image = _image(aligned.study, grounds, grid)
        covered = {
            channel: mask & coverage(ground, volumes[channel].grid, grid)
            for channel, ground in grounds.items()
        }
    heads = [channel for channel, ground in grounds.items() if not ground.stripped]
    if heads:
        with stage("bias"):
            for channel in heads:
                index = CHANNELS.index(channel)
                image[index] = correct_bias(image[index], covered[channel], grid)
    stats = intensity_stats(image, covered)
    findings = [
        *aligned.findings,
        *quality.thick_slices(volumes),
        *quality.partial_coverage(covered, mask),
        *(quality.brain_size(mask, grid) if own.stripped else doubts),
        *quality.contrast(image, stats, covered),
        *quality.implausible_maps(image, mask, volumes),
    ]
    if len(heads) == len(grounds):
        findings.append(Finding("not-skull-stripped", "whole heads; the brain was extracted"))
    return Prepared(
        name=study.name,
        image=image,
        mask=mask,
        present=tuple(channel in volumes for channel in CHANNELS),
        stats=stats,
        grid=grid,
        native=native,
        findings=study.findings + tuple(findings),
        alignments=aligned.motions,
    )


def _find_brain(study: Study, grounds: Mapping[str, Foreground], brain: Mask, field: Grid) -> Mask:
    """Mask of the brain on ``field``: what skull-stripped sequences say, or else ``brain``, which
    was extracted on the reference's grid."""
    voting = {
        channel: resample(ground.mask, study.volumes[channel].grid, field, order=0)
        for channel, ground in grounds.items()
        if ground.stripped
    }
    if not voting:
        voting = {
            study.reference: resample(brain, study.volumes[study.reference].grid, field, order=0)
        }
    home = study.reference if study.reference in voting else next(iter(voting))
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
