"""What the voxels of a study's structural sequences tell: quality, and whether contrast shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from vasotype_models.contract import STRUCTURAL

from vasotype.acquisition.measure import (
    STACKED,
    covered_share,
    ghosting,
    noise,
    slice_shift_mm,
)
from vasotype.prepare.brain import otsu
from vasotype.result import ImageQuality
from vasotype.stages import Mask, Volume
from vasotype.study.identify.enhancement import ENHANCED, NOT_ENHANCED, RISE, bright_share

Shown = Literal["seen", "not seen", "unclear", "no T1c"]


def assess(volumes: Mapping[str, Volume], reference: str) -> tuple[ImageQuality, ...]:
    """Quality of each structural sequence; coverage is that of the head on ``reference``."""
    heads = {c: head_of(volumes[c]) for c in STRUCTURAL if c in volumes}
    if not heads:
        return ()
    home = volumes[reference].grid
    shares = {c: covered_share(heads[reference], home, volumes[c].grid) for c in heads}
    return tuple(
        _quality(channel, volumes[channel], head, shares[channel])
        for channel, head in heads.items()
    )


def head_of(volume: Volume) -> Mask:
    """Voxels brighter than the background, by Otsu's threshold; all where none is."""
    head = np.asarray(volume.data > otsu(volume.data))
    return head if head.any() else np.ones_like(head)


def contrast_shown(volumes: Mapping[str, Volume]) -> Shown:
    """Whether contrast agent shows in the T1c: by what is bright deep in the head.

    Between both limits a T1 decides, where there is one.
    """
    if "t1c" not in volumes:
        return "no T1c"
    share = bright_share(volumes["t1c"])
    if share is None:
        return "unclear"
    if share >= ENHANCED:
        return "seen"
    if share <= NOT_ENHANCED:
        return "not seen"
    before = bright_share(volumes["t1"]) if "t1" in volumes else None
    return "seen" if before is not None and share >= RISE * before else "unclear"


def _quality(channel: str, volume: Volume, head: Mask, covered: float) -> ImageQuality:
    spacing = volume.grid.spacing_mm
    slices = _slice_axis(volume)
    normalised = float(volume.data.min()) < 0  # such values have no zero to measure signal from
    sigma = None if normalised else noise(volume.data, head, spacing)
    return ImageQuality(
        channel=channel,
        slice_mm=max(spacing),
        anisotropy=max(spacing) / min(spacing),
        covered=covered,
        snr=float(np.median(volume.data[head])) / sigma if sigma else None,
        ghosting=None if normalised else ghosting(volume.data, head, spacing, slices),
        slice_shift_mm=slice_shift_mm(head, spacing, slices),
    )


def _slice_axis(volume: Volume) -> int:
    """The longest edge of stacked slices; in 3-D images the axis closest to head-feet."""
    spacing = volume.grid.spacing_mm
    if max(spacing) >= STACKED * min(spacing):
        return int(np.argmax(spacing))
    return int(np.argmax(np.abs(volume.grid.affine[2, :3]) / spacing))
