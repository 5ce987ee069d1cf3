"""Real and simulated tumors in the same real brains, and the same tissue before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from vasotype_models.contract import ET, NETC

from vasotype_training.data import draw_box
from vasotype_training.realism.features import (
    AROUND_MM,
    Features,
    tissue_features,
    tumor_features,
)
from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.simulate.look import draw_look
from vasotype_training.simulate.plan import Population, draw_metastases
from vasotype_training.simulate.render import add_lesions
from vasotype_training.simulate.scene import start_scene
from vasotype_training.simulate.shape import Outline

CROP = (80, 80, 80)
DIAMETER_MM = (6.0, 45.0)
"""Equivalent diameters that are compared: smaller tumors have no inside, larger ones no like."""
MARGIN = 12
POPULATION = Population(log_uniform_mm=(8.0, 40.0), ring_centre_mm=16.0, cluster_share=0.0)
"""Sizes as those of gliomas rather than metastases: size is not what is asked about."""


@dataclass(frozen=True)
class Example:
    """Features of one tumor or piece of tissue; ``kind`` says what it is, ``patient`` of whom."""

    kind: str
    patient: str
    diameter_mm: float
    features: Features


REAL, SIMULATED, UNTOUCHED, PASTED = "real", "simulated", "untouched", "pasted"


def real_tumors(anatomy: Anatomy) -> Iterator[Example]:
    """Core components of a labelled case."""
    if anatomy.tumor is None:
        return
    core, count = ndimage.label(np.isin(anatomy.tumor, (NETC, ET)), np.ones((3, 3, 3)))
    boxes = ndimage.find_objects(core)
    for number in range(1, count + 1):
        where = tuple(
            slice(max(0, s.start - MARGIN), min(n, s.stop + MARGIN))
            for s, n in zip(boxes[number - 1], anatomy.shape, strict=True)
        )
        own = core[where] == number
        diameter = _diameter(int(own.sum()))
        if DIAMETER_MM[0] <= diameter <= DIAMETER_MM[1]:
            images = {c: image[where].astype(np.float32) for c, image in anatomy.images.items()}
            found = tumor_features(images, anatomy.tumor[where], own)
            yield Example(REAL, anatomy.name, diameter, found)


def simulated_tumors(
    anatomy: Anatomy, crops: int, outlines: Sequence[Outline], rng: np.random.Generator
) -> Iterator[Example]:
    """One new tumor in each of ``crops`` places away from a real one; the surroundings twice.

    Nothing is acquired anew: noise and resolution are those of the real images.
    """
    for _ in range(crops):
        box = draw_box(anatomy, CROP, rng)
        inner = tuple(slice(s.start + 20, s.stop - 20) for s in box)
        plans = draw_metastases(
            anatomy, (inner[0], inner[1], inner[2]), 1, POPULATION, outlines, rng
        )
        scene = start_scene(anatomy, box, rng, with_maps=False)
        before = {channel: image.copy() for channel, image in scene.images.items()}
        already = scene.tissue.copy()
        look = draw_look(anatomy, rng, (3.0, 8.0))
        scene = add_lesions(anatomy, scene, box, plans, look)
        own = np.isin(scene.tissue, (NETC, ET)) & ~np.isin(already, (NETC, ET))
        diameter = _diameter(int(own.sum()))
        if not DIAMETER_MM[0] <= diameter <= DIAMETER_MM[1]:
            continue
        found = tumor_features(scene.images, scene.tissue, own)
        yield Example(SIMULATED, anatomy.name, diameter, found)
        away = ndimage.distance_transform_edt(~own)
        around = scene.mask & (scene.tissue == 0) & (away > AROUND_MM[0]) & (away <= AROUND_MM[1])
        for kind, images in ((UNTOUCHED, before), (PASTED, scene.images)):
            yield Example(kind, anatomy.name, diameter, tissue_features(images, around))


def _diameter(voxels: int) -> float:
    """Of the ball of equal volume, mm."""
    return float((6 * voxels / np.pi) ** (1 / 3))
