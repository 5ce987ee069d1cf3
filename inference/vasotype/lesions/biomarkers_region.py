"""Where the biomarkers of one lesion are read, and what a number of voxels is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import ndimage
from vasotype_models.contract import CHANNELS, ET, NETC, SNFH

from vasotype.boxes import Box, crop
from vasotype.clinical import PetTracer
from vasotype.perfusion.quality import ENOUGH_VOXELS, LEAST_SHARE, LEAST_VOXELS
from vasotype.result import BiomarkerRecord, BiomarkerValue, ValueQuality
from vasotype.stages import Array, Grid, Labels, Lesion, LesionSet, Mask, Prepared

RIM_MM = 2.0
FRONT_MM = 5.0
"""Depth of the tumor's rim, and reach of the infiltrative front outside it (FE-15)."""
MARGIN = 8
"""Voxels around the tumor: the front and the profiles across the border lie within."""
CLOSING = 2
"""Voxels by which gaps of a tumor are closed."""


@dataclass(frozen=True)
class ScanFacts:
    """What bears on a biomarker and no voxel tells; None is not known.

    ``minutes_after_contrast`` are those from the injection to T1c.
    """

    minutes_after_contrast: float | None = None
    pet_tracer: PetTracer | None = None


@dataclass(frozen=True)
class Region:
    """One lesion in its box of the prepared grid: masks [X, Y, Z] and the images there.

    ``front`` is brain within 5 mm of the tumor, ``outside`` all brain beyond it; neither holds
    other lesions. ``voxel_ml`` gives the native voxel of each channel, mL. Maps that were computed
    from series stand among the images, with NaN for no value and their ``quality`` flags.
    """

    lesion: Lesion
    grid: Grid
    images: Mapping[str, Array]
    tumor: Mask
    enhancing: Mask
    necrotic: Mask
    edema: Mask
    rim: Mask
    front: Mask
    outside: Mask
    voxel_ml: Mapping[str, float]
    quality: Mapping[str, Labels] = field(default_factory=dict)
    facts: ScanFacts = ScanFacts()

    @classmethod
    def of(
        cls,
        prepared: Prepared,
        lesions: LesionSet,
        lesion: Lesion,
        tight: Box,
        voxel_ml: Mapping[str, float],
    ) -> Region:
        """Cut a lesion, whose tumor fills the box ``tight``, out of a study."""
        box = _widened(tight, prepared.mask.shape)
        grid = crop(prepared.grid, box)
        tissue, owner = lesions.tissue[box], lesions.owner[box]
        tumor = lesions.instances[box] == lesion.id
        depth = ndimage.distance_transform_edt(tumor, sampling=grid.spacing_mm)
        distance = ndimage.distance_transform_edt(~tumor, sampling=grid.spacing_mm)
        outside = prepared.mask[box] & (lesions.instances[box] == 0)
        return cls(
            lesion=lesion,
            grid=grid,
            images={c: prepared.image[(CHANNELS.index(c), *box)] for c in prepared.channels}
            | {name: computed.values[box] for name, computed in prepared.computed.items()},
            tumor=tumor,
            enhancing=tumor & (tissue == ET),
            necrotic=tumor & (tissue == NETC),
            edema=(tissue == SNFH) & (owner == lesion.id),
            rim=tumor & (depth <= RIM_MM),
            front=outside & (distance <= FRONT_MM),
            outside=outside,
            voxel_ml={name: computed.voxel_ml for name, computed in prepared.computed.items()}
            | dict(voxel_ml),
            quality={name: computed.quality[box] for name, computed in prepared.computed.items()},
        )

    @cached_property
    def enclosed(self) -> Mask:
        """The tumor and what it encloses [X, Y, Z], small gaps closed."""
        padded = np.pad(self.tumor, CLOSING + 1)
        closed = ndimage.binary_closing(padded, iterations=CLOSING)
        inner = slice(CLOSING + 1, -(CLOSING + 1))
        return np.asarray(ndimage.binary_fill_holes(closed)[inner, inner, inner])

    def samples(self, voxels: int, *channels: str) -> float:
        """How many native voxels of the coarsest of ``channels`` so many voxels stand for.

        Resampling makes many voxels of one; only the acquired ones are evidence.
        """
        own = self.grid.voxel_ml
        coarsest = max(self.voxel_ml.get(channel, own) for channel in channels)
        return voxels * own / max(own, coarsest)


def rate(samples: float, valid_share: float = 1.0) -> tuple[ValueQuality, str | None]:
    """What a value from so many acquired voxels is worth, and why it is worth less.

    Half of the region and 20 voxels make a good value, 5 to 19 a low one, fewer none.
    """
    if samples < LEAST_VOXELS:
        return "none", f"{samples:.1f} acquired voxels; at least {LEAST_VOXELS} are needed"
    if valid_share < LEAST_SHARE:
        return "none", f"only {valid_share:.0%} of the region has a value"
    if samples < ENOUGH_VOXELS:
        return "low", f"only {samples:.0f} acquired voxels"
    return "good", None


def given(
    code: str,
    name: str,
    unit: str,
    value: BiomarkerValue,
    quality: ValueQuality = "good",
    note: str | None = None,
) -> BiomarkerRecord:
    """A biomarker that was measured."""
    return BiomarkerRecord(
        id=code, name=name, unit=unit, value=value, available=True, quality=quality, note=note
    )


def lacking(code: str, name: str, unit: str, reason: str) -> BiomarkerRecord:
    """A biomarker without a value, and why there is none."""
    return BiomarkerRecord(
        id=code, name=name, unit=unit, value=None, available=False, quality="none", note=reason
    )


def rated(
    code: str, name: str, unit: str, value: float | None, worth: tuple[ValueQuality, str | None]
) -> BiomarkerRecord:
    """A biomarker whose worth :func:`rate` tells; none where that, or the value, is none."""
    quality, note = worth
    if quality == "none" or value is None or not np.isfinite(value):
        return lacking(code, name, unit, note or "undefined for these values")
    return given(code, name, unit, float(value), quality, note)


def _widened(box: Box, shape: tuple[int, ...]) -> Box:
    x, y, z = (
        slice(max(0, side.start - MARGIN), min(length, side.stop + MARGIN))
        for side, length in zip(box, shape, strict=True)
    )
    return x, y, z
