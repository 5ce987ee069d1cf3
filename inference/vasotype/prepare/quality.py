"""What makes an answer worse: findings about a study on its way to the model's grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from vasotype_models.contract import CHANNELS, QUANTITATIVE, STRUCTURAL

from vasotype.findings import Finding
from vasotype.stages import Array, Grid, Mask, Volume
from vasotype.study.agreement import file_name

THICK_SLICE_MM = 3.0
SPACING_ROUNDING_MM = 0.05
SMALLEST_BRAIN_ML, LARGEST_BRAIN_ML = 900.0, 2000.0
MINIMAL_COVERAGE = 0.9
MINIMAL_CONTRAST = 2.5
"""Scales by which the 99.9th percentile of T1c - T1 exceeds 0. Measured: brains with contrast agent
reach 5 at least, tumor or not, by their vessels; a T1 moved by 1 mm against itself 2.3."""
NOTHING_ENHANCES = "nothing-enhances"
"""The finding on a T1c in which nothing is brighter than in T1."""
NEGATIVE_SHARE = 0.05
KTRANS_LIMIT_PER_MIN = 5.0


def thick_slices(volumes: Mapping[str, Volume]) -> list[Finding]:
    """Structural sequences in which a small lesion can fall between slices."""
    findings = []
    for channel in STRUCTURAL:
        if channel in volumes:
            spacing = max(volumes[channel].grid.spacing_mm)
            if spacing > THICK_SLICE_MM + SPACING_ROUNDING_MM:
                message = f"{file_name(volumes[channel], channel)}: slices of {spacing:.1f} mm"
                findings.append(Finding("thick-slices", message))
    return findings


def partial_coverage(covered: Mapping[str, Mask], mask: Mask) -> list[Finding]:
    """Structural channels that are empty in more than a tenth of the brain."""
    size = int(mask.sum())
    shares = {channel: float(inside.sum()) / size for channel, inside in covered.items()}
    return [
        Finding("partial-coverage", f"{channel} covers {share:.0%} of the brain")
        for channel, share in shares.items()
        if share < MINIMAL_COVERAGE
    ]


def brain_size(mask: Mask, grid: Grid) -> list[Finding]:
    """A brain mask of a size that brains don't have."""
    size_ml = float(mask.sum()) * grid.voxel_ml
    if SMALLEST_BRAIN_ML <= size_ml <= LARGEST_BRAIN_ML:
        return []
    message = (
        f"the brain mask holds {size_ml:.0f} mL; {SMALLEST_BRAIN_ML:.0f} to "
        f"{LARGEST_BRAIN_ML:.0f} mL are usual"
    )
    return [Finding("implausible-brain-volume", message)]


def contrast(image: Array, stats: Array, covered: Mapping[str, Mask]) -> list[Finding]:
    """T1c in which nothing, not even a vessel, is brighter than in T1 (stripped brains only)."""
    if "t1" not in covered or "t1c" not in covered:
        return []
    both = covered["t1"] & covered["t1c"]
    t1, t1c = (
        (image[i][both] - stats[i, 0]) / stats[i, 1] for i in map(CHANNELS.index, ("t1", "t1c"))
    )
    gain = float(np.percentile(t1c - t1, 99.9)) if both.any() else np.inf
    if gain >= MINIMAL_CONTRAST:
        return []
    return [Finding(NOTHING_ENHANCES, "T1c shows no voxel clearly brighter than T1")]


def implausible_maps(image: Array, mask: Mask, volumes: Mapping[str, Volume]) -> list[Finding]:
    """Quantitative maps that hold impossible values in the brain."""
    findings = []
    for channel in QUANTITATIVE:
        if channel not in volumes:
            continue
        values = image[CHANNELS.index(channel)][mask]
        negative = float((values < 0).mean())
        doubt = None
        if not values.any():
            doubt = "0 everywhere in the brain"
        elif negative > NEGATIVE_SHARE:
            doubt = f"negative in {negative:.0%} of the brain"
        elif channel == "ktrans" and np.percentile(values, 99) > KTRANS_LIMIT_PER_MIN:
            doubt = f"above {KTRANS_LIMIT_PER_MIN:g} per min in more than 1 % of the brain"
        if doubt:
            message = f"{file_name(volumes[channel], channel)}: {doubt}"
            findings.append(Finding("implausible-map", message))
    return findings
