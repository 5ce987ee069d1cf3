"""Tumor-free (or tumor-sparing) brains that lesions are placed in.

An :class:`Anatomy` is a brain on a 1 mm RAS grid with its structural images in *normalised units*
((x - median) / ((p95 - p5) / 3.3) over the brain), soft tissue classes and the place where
lesions may grow. Real brains are one; label maps and tissue probabilities become one by painting
(:mod:`vasotype_training.simulate.painting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.cohorts import LesionTruth

Array = NDArray[np.float32]
Half = NDArray[np.float16]
Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]

TUMOR_DISTANCE_MM = 10.0
"""No lesion reaches closer to a real tumor's label: its surroundings are not healthy."""

JUNCTION_SPREAD_MM = 2.0
"""Hemispheric sites fall off as exp(-d^2 / (2 s^2)) from the grey-white junction, s^2 = 4 mm^2."""


@dataclass(frozen=True)
class Anatomy:
    """A brain to place lesions in; all arrays [X, Y, Z] on one 1 mm RAS grid.

    ``images`` in normalised units (float16) with ``units`` location and scale of each to get back
    to scanner-like numbers; ``white``, ``grey``, ``csf`` soft classes 0-1; ``depth_mm`` distance
    to the outside of the mask; ``junction_mm`` distance to the grey-white junction; ``levels``
    median CSF, grey and white matter intensity of each image; ``allowed`` where lesions may be
    centred. A labelled case also has ``tumor`` (BraTS-METS values) with ``tumor_mm``, the distance
    to it (None without any), and, where they are known, ``instances``, ``lesions`` and quantitative
    ``maps`` in their own units.
    """

    name: str
    affine: NDArray[np.float64]
    images: Mapping[str, Half]
    units: Mapping[str, tuple[float, float]]
    mask: Mask
    white: Half
    grey: Half
    csf: Half
    depth_mm: Half
    junction_mm: Half
    levels: Mapping[str, tuple[float, float, float]]
    allowed: Mask
    tumor: Labels | None = None
    tumor_mm: Half | None = None
    instances: NDArray[np.uint16] | None = None
    lesions: tuple[LesionTruth, ...] = ()
    maps: Mapping[str, Half] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        x, y, z = self.mask.shape
        return x, y, z

    def has_room(self, at: tuple[NDArray[np.int64], ...], radius_mm: float) -> Mask:
        """Where among the voxel indices ``at`` [3] lesions of ``radius_mm`` may be centred."""
        free: Mask = self.allowed[at]
        if self.tumor_mm is not None:
            free = free & (self.tumor_mm[at] >= TUMOR_DISTANCE_MM + radius_mm)
        return free


class Source(Protocol):
    """Something that gives anatomies: the same each time, or newly painted."""

    @property
    def name(self) -> str:
        """Name of the anatomy."""
        ...

    def draw(self, rng: np.random.Generator) -> Anatomy:
        """An anatomy to simulate in."""
        ...


@dataclass(frozen=True)
class RealBrain:
    """A source that always gives the same, real anatomy."""

    anatomy: Anatomy

    @property
    def name(self) -> str:
        """Name of the anatomy."""
        return self.anatomy.name

    def draw(self, rng: np.random.Generator) -> Anatomy:  # noqa: ARG002 - the protocol's signature
        """The anatomy itself."""
        return self.anatomy


def robust_units(image: Array, mask: Mask) -> tuple[float, float]:
    """Location and scale over the brain where it was imaged: median and (p95 - p5) / 3.3."""
    low, middle, high = np.percentile(image[mask & (image != 0)], (5, 50, 95))
    return float(middle), float(max(high - low, 1e-6) / 3.3)


def classify_tissue(
    images: Mapping[str, Array], mask: Mask, exclude: Mask | None = None
) -> tuple[Half, Half, Half]:
    """Soft CSF, grey and white matter (0-1) by a Gaussian mixture over the given sequences.

    ``images`` in normalised units; T1c and FLAIR take part only where there is neither T1 nor T2:
    FLAIR hardly tells grey from white matter. ``exclude`` (a tumor) is left out of the fit. The
    classes are started from tissue contrast: in
    T1 CSF is dark and white matter bright, in T2 and FLAIR the other way round.
    """
    use = [c for c in ("t1", "t2") if c in images] or list(images)
    fit = mask if exclude is None else mask & ~exclude
    step = max(1, int(fit.sum()) // 60_000)
    samples = np.stack([images[c][fit][::step] for c in use], axis=1).astype(np.float64)
    samples = np.clip(samples, -5, 8)
    lead = samples[:, 0] if use[0] in ("t1", "t1c") else -samples[:, 0]
    low, high = np.quantile(lead, (0.15, 0.55))
    resp = np.stack([lead < low, (lead >= low) & (lead < high), lead >= high], axis=1) * 1.0
    weight = mean = spread = np.zeros(0)
    for _ in range(15):
        total = resp.sum(axis=0) + 1e-9
        weight = total / total.sum()
        mean = resp.T @ samples / total[:, None]
        spread = np.sqrt(resp.T @ samples**2 / total[:, None] - mean**2 + 0.02)
        resp = _responsibilities(samples, weight, mean, spread)
    values = np.stack([images[c][mask] for c in use], axis=1).astype(np.float64)
    resp = _responsibilities(np.clip(values, -5, 8), weight, mean, spread)
    classes = []
    for k in range(3):
        volume = np.zeros(mask.shape, np.float32)
        volume[mask] = resp[:, k]
        classes.append((ndimage.gaussian_filter(volume, 0.6) * mask).astype(np.float16))
    return classes[0], classes[1], classes[2]


def _responsibilities(
    samples: NDArray[np.float64],
    weight: NDArray[np.float64],
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> NDArray[np.float64]:
    log = [
        np.log(weight[k])
        - np.log(spread[k]).sum()
        - 0.5 * (((samples - mean[k]) / spread[k]) ** 2).sum(axis=1)
        for k in range(len(weight))
    ]
    stacked = np.stack(log, axis=1)
    stacked -= stacked.max(axis=1, keepdims=True)
    likelihood = np.exp(stacked)
    resp: NDArray[np.float64] = likelihood / likelihood.sum(axis=1, keepdims=True)
    return resp


@dataclass(frozen=True)
class RawBrain:
    """Images of one brain as read: scanner units, 1 mm RAS, with its mask."""

    name: str
    affine: NDArray[np.float64]
    images: Mapping[str, Array]
    mask: Mask
    tissue: tuple[Array, Array, Array] | None = None
    """Soft CSF, grey and white matter if known; estimated from the images otherwise."""
    tumor: Labels | None = None
    instances: NDArray[np.uint16] | None = None
    lesions: tuple[LesionTruth, ...] = ()
    maps: Mapping[str, Array] = field(default_factory=dict)


def build_anatomy(raw: RawBrain) -> Anatomy:
    """Normalise, classify tissue and find where lesions may grow."""
    units = {c: robust_units(image, raw.mask) for c, image in raw.images.items()}
    images = {
        c: ((image - units[c][0]) / units[c][1] * raw.mask).clip(-20, 60).astype(np.float32)
        for c, image in raw.images.items()
    }
    sick = None if raw.tumor is None else raw.tumor > 0
    tissue = raw.tissue or classify_tissue(images, raw.mask, sick)
    csf, grey, white = (t.astype(np.float16) for t in tissue)
    depth = ndimage.distance_transform_edt(np.pad(raw.mask, 1))[1:-1, 1:-1, 1:-1]
    junction = (np.abs(white.astype(np.float32) - 0.5) < 0.25) & (depth > 2)
    to_junction = ndimage.distance_transform_edt(~junction)
    allowed = raw.mask & (csf < 0.5)
    to_tumor = None
    if sick is not None and sick.any():
        to_tumor = ndimage.distance_transform_edt(~sick).astype(np.float16)
        allowed &= to_tumor >= TUMOR_DISTANCE_MM
    return Anatomy(
        name=raw.name,
        affine=raw.affine,
        images={c: image.astype(np.float16) for c, image in images.items()},
        units=units,
        mask=raw.mask,
        white=white,
        grey=grey,
        csf=csf,
        depth_mm=depth.astype(np.float16),
        junction_mm=to_junction.astype(np.float16),
        levels=_levels(images, (csf, grey, white), raw.mask if sick is None else raw.mask & ~sick),
        allowed=allowed,
        tumor=raw.tumor,
        tumor_mm=to_tumor,
        instances=raw.instances,
        lesions=raw.lesions,
        maps={name: values.astype(np.float16) for name, values in raw.maps.items()},
    )


def _levels(
    images: Mapping[str, Array], tissue: tuple[Half, Half, Half], healthy: Mask
) -> dict[str, tuple[float, float, float]]:
    pure = [healthy & (t > 0.85) for t in tissue]
    levels = {}
    for channel, image in images.items():
        csf, grey, white = (
            float(np.median(image[region])) if region.sum() > 50 else float("nan")
            for region in pure
        )
        levels[channel] = (csf, grey, white)
    return levels
