"""Paint the four structural sequences onto label maps or tissue probabilities.

Every painting draws tissue relaxation, protocol, texture and vessel enhancement anew, so one label
map gives many brains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.simulate.anatomy import Anatomy, RawBrain, build_anatomy
from vasotype_training.simulate.fields import along_axes, slice_profile, smooth_field
from vasotype_training.simulate.physics import (
    CSF,
    GREY,
    WHITE,
    Sequences,
    Tissue,
    at_field,
    draw_sequences,
    flair_weighted,
    relaxed,
    t1_weighted,
    t2_weighted,
)

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]

BLOOD = Tissue(1.65, 0.020, 0.80)
"""Flowing blood: long T1; the short T2 stands for its flow void on spin echoes."""
LESION = Tissue(1.3, 0.130, 0.85)
"""White-matter lesion of age."""

JITTER = np.array([[0.03], [0.06], [0.03]])
"""Spread of ln T1, ln T2 and ln density; with more, spin echoes show grey matter above white."""

WHITE_LABELS = (2, 41, 7, 46, 16, 28, 60, 85, 72)
CORTEX_LABELS = (3, 42, 8, 47)
DEEP_LABELS = (10, 11, 12, 13, 17, 18, 26, 49, 50, 51, 52, 53, 54, 58, 136, 137, 163, 164)
VENTRICLE_LABELS = (4, 5, 14, 15, 43, 44)
FLUID_LABELS = (*VENTRICLE_LABELS, 24)
LESION_LABELS = (25, 57)
VESSEL_LABELS = (30, 62, 202, 214)
"""FreeSurfer numbers; 202 and 214 are SynthSeg's arteries and dural sinuses."""


@dataclass(frozen=True)
class PaintedLabels:
    """Source that paints a label map (FreeSurfer and SynthSeg numbers, [X, Y, Z], 1 mm RAS)."""

    name: str
    labels: Labels
    affine: NDArray[np.float64]

    def draw(self, rng: np.random.Generator) -> Anatomy:
        """A newly painted brain."""
        labels = self.labels
        brain = np.isin(labels, (*WHITE_LABELS, *CORTEX_LABELS, *DEEP_LABELS, *LESION_LABELS))
        brain |= np.isin(labels, (*VENTRICLE_LABELS, 30, 62))
        rim = rng.uniform(1.0, 4.0)
        near = ndimage.distance_transform_edt(~brain) <= rim
        mask = ndimage.binary_fill_holes(brain | (near & np.isin(labels, (24, 202, 214))))
        groups = [WHITE_LABELS, CORTEX_LABELS, DEEP_LABELS, FLUID_LABELS, LESION_LABELS]
        table = np.full(256, 3, np.uint8)
        for number, group in enumerate([*groups, VESSEL_LABELS]):
            table[list(group)] = number
        classes = table[labels]
        plexus = np.isin(labels, (4, 43)) & (smooth_field(labels.shape, 5, rng) > 1.1)
        classes[plexus & ndimage.binary_dilation(~np.isin(labels, (4, 43)), iterations=3)] = 6
        deep = _between(GREY, WHITE, rng.uniform(0.3, 0.6))
        tissues = [WHITE, GREY, deep, CSF, LESION, BLOOD, Tissue(1.4, 0.09, 0.85)]
        enhancing = [0.01, 0.02, 0.02, 0.0, 0.01, rng.uniform(0.3, 1.2), rng.uniform(0.2, 0.7)]
        images = _paint(classes, mask, tissues, enhancing, rng)
        white = _soften(np.isin(classes, (0, 4)) & mask)
        csf = _soften((classes == 3) & mask)
        grey = np.clip(mask - white - csf, 0, 1).astype(np.float32)
        raw = RawBrain(self.name, self.affine, images, mask, (csf, grey, white))
        return build_anatomy(raw)


@dataclass(frozen=True)
class PaintedProbabilities:
    """Source that paints soft grey and white matter maps ([X, Y, Z], 0-1, 1 mm RAS)."""

    name: str
    grey: Array
    white: Array
    mask: NDArray[np.bool_]
    affine: NDArray[np.float64]

    def draw(self, rng: np.random.Generator) -> Anatomy:
        """A newly painted brain."""
        # A sharpened template looks less like an average of many brains.
        noise = 0.12 * smooth_field(self.mask.shape, 2.5, rng)
        fluid = np.clip(1 - self.grey - self.white, 0, 1)
        odds = np.stack([self.white + noise, self.grey, fluid - noise])
        classes = np.array([0, 1, 3], np.uint8)[odds.argmax(axis=0)]
        surface = ndimage.distance_transform_edt(self.mask)
        sinus = (surface < 2.5) & (smooth_field(self.mask.shape, 6, rng) > 1.5)
        classes[sinus & self.mask] = 5
        tissues = [WHITE, GREY, GREY, CSF, LESION, BLOOD]
        enhancing = [0.01, 0.02, 0.02, 0.0, 0.01, rng.uniform(0.3, 1.2)]
        images = _paint(classes, self.mask, tissues, enhancing, rng)
        csf, grey, white = (
            (_soften(classes == k) * self.mask).astype(np.float32) for k in (3, 1, 0)
        )
        raw = RawBrain(self.name, self.affine, images, self.mask, (csf, grey, white))
        return build_anatomy(raw)


def _between(first: Tissue, second: Tissue, share: float) -> Tissue:
    pairs = zip(
        (first.t1, first.t2, first.density), (second.t1, second.t2, second.density), strict=True
    )
    t1, t2, density = ((1 - share) * a + share * b for a, b in pairs)
    return Tissue(t1, t2, density)


def _soften(region: NDArray[np.bool_]) -> Array:
    smooth: Array = ndimage.gaussian_filter(region.astype(np.float32), 0.7)
    return smooth


def _paint(
    classes: Labels,
    mask: NDArray[np.bool_],
    tissues: list[Tissue],
    enhancing: list[float],
    rng: np.random.Generator,
) -> dict[str, Array]:
    """Signals of the four sequences; ``enhancing`` is each class's concentration in mM."""
    sequences: Sequences = draw_sequences(rng, (3, 8))
    jitter = np.exp(rng.normal(0, JITTER, (3, len(tissues))))
    tissues = [at_field(tissue, sequences) for tissue in tissues]
    t1 = np.array([t.t1 for t in tissues], np.float32) * jitter[0].astype(np.float32)
    t2 = np.array([t.t2 for t in tissues], np.float32) * jitter[1].astype(np.float32)
    density = np.array([t.density for t in tissues], np.float32) * jitter[2].astype(np.float32)
    contrast = relaxed(t1, np.array(enhancing, np.float32), sequences)
    tables = {
        "t1": t1_weighted(t1, t2, density, sequences),
        "t1c": t1_weighted(contrast, t2, density, sequences),
        "t2": t2_weighted(t1, t2, density, sequences),
        "flair": flair_weighted(t1, t2, density, sequences),
    }
    shared = 0.05 * smooth_field(classes.shape, rng.uniform(3, 8), rng)
    psf = tuple(slice_profile(n, rng.uniform(0.45, 0.8), 1.0, 0.0) for n in classes.shape)
    images = {}
    for channel, table in tables.items():
        own = 0.02 * smooth_field(classes.shape, 1.5, rng)
        signal = table.astype(np.float32)[classes] * (1 + shared + own)
        images[channel] = along_axes(signal * mask, (psf[0], psf[1], psf[2]))
    return images
