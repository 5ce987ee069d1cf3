"""Simulated heads of any contrast with the truth about their brain: draw parameters, then render.

Each head is a label map, turned, scaled and bent, painted, given lesions, and imaged. Numpy and
scipy only; a head of 80 x 96 x 80 voxels takes about a tenth of a second on an idle core.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation
from scipy.special import ndtri

from vasotype_training.brain.acquire import Acquisition, acquire, draw_acquisition
from vasotype_training.brain.contrast import Contrast, draw_contrast
from vasotype_training.brain.heads import (
    CSF_KINDS,
    GREY_KINDS,
    KINDS,
    WHITE_KINDS,
    Head,
    kind,
)
from vasotype_training.brain.lesions import Blob, add_blob, draw_blobs
from vasotype_training.simulate.fields import smooth_field

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Shape = tuple[int, int, int]

LOOKS = ((-1, -1, 1), (1, 0, -1), (0, 1, 0))
"""Where in each voxel its label is looked up, in thirds of a voxel from its centre: partial volume
at a fraction of the cost of painting at 1 mm."""
BULGE_MM = 2.5
"""A lesion bulges out of the brain by no more than this: what is wider pushes the brain aside."""
BRAIN_BIT, INNER_BIT = 32, 64
"""Flags beside the kind of tissue (below 32) in the packed map."""


@dataclass(frozen=True)
class Plan:
    """Everything drawn about one head except its lesions' places; lengths in mm.

    ``matrix`` and ``shift`` carry grid positions about the grid's centre to positions about the
    brain's centre; ``bend`` and ``bend_scale`` are amplitude and knot distance (voxels) of the
    elastic displacement.
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    bend: float
    bend_scale: float
    contrast: Contrast
    fat_share: float
    texture: float
    acquisition: Acquisition
    lesions: bool
    surface: bool
    seed: int


@dataclass(frozen=True)
class Population:
    """What heads are drawn: voxels of ``spacing_mm``; ``lesion_share`` of them with lesions, of
    which ``surface_share`` at the brain's surface; ``any_share`` of entirely random contrast."""

    spacing_mm: float = 2.5
    lesion_share: float = 0.4
    surface_share: float = 0.5
    any_share: float = 0.5


@dataclass(frozen=True)
class Sample:
    """A simulated head on a grid of ``spacing_mm``; arrays [X, Y, Z], axes towards R, A, S.

    ``image`` in arbitrary units; ``brain`` the share of each voxel that is brain or lesion;
    ``tissue`` [3, X, Y, Z] the shares of CSF, grey and white matter, all 0 where that is unknown
    (lesions, vessels); ``tumor`` the lesions' voxels inside the field of view.
    """

    image: Array
    brain: Array
    tissue: Array
    tumor: Mask


def draw_plan(rng: np.random.Generator, population: Population) -> Plan:
    """Parameters of one head: turned by up to 20 degrees, scaled by up to 20 %."""
    angles = rng.uniform(-20, 20, 3) * (rng.random(3) < 0.8)
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    scale = np.exp(rng.uniform(-0.12, 0.12) + rng.uniform(-0.07, 0.07, 3))
    mirror = np.array([-1.0 if rng.random() < 0.5 else 1.0, 1.0, 1.0])
    shear = np.eye(3) + np.triu(rng.uniform(-0.06, 0.06, (3, 3)), 1)
    return Plan(
        matrix=rotation @ shear @ np.diag(scale * mirror),
        shift=rng.normal(0, (6, 10, 12)),
        bend=rng.uniform(0, 5.0),
        bend_scale=rng.uniform(10, 24),
        contrast=draw_contrast(rng, population.any_share),
        fat_share=rng.uniform(0.3, 0.9),
        texture=rng.uniform(1.5, 4.0),
        acquisition=draw_acquisition(rng, population.spacing_mm),
        lesions=bool(rng.random() < population.lesion_share),
        surface=bool(rng.random() < population.surface_share),
        seed=int(rng.integers(2**31)),
    )


def render(head: Head, plan: Plan, shape: Shape, spacing_mm: float) -> Sample:
    """The head that ``plan`` describes, on a grid of ``shape``."""
    rng = np.random.default_rng(plan.seed)
    image, brain, inner, tissue = _paint(head, plan, (shape, spacing_mm), rng)
    tumor = np.zeros(shape, bool)
    if plan.lesions:
        solid = brain > 0.5
        reach = ndimage.binary_dilation(solid, iterations=max(1, round(BULGE_MM / spacing_mm)))
        blobs: tuple[Blob, ...] = draw_blobs(
            solid, rng, spacing_mm=spacing_mm, surface=plan.surface
        )
        for blob in blobs:
            image, filled = add_blob(image, inner * reach, blob)
            tumor |= filled
        brain = np.maximum(brain, tumor)
        tissue = np.where(tumor[None], np.float32(0), tissue)
    seen_image, seen = acquire(image, brain > 0.5, plan.acquisition)
    return Sample(
        image=seen_image.astype(np.float32),
        brain=(brain * seen).astype(np.float32),
        tissue=(tissue * seen).astype(np.float32),
        tumor=tumor & seen,
    )


def _paint(
    head: Head, plan: Plan, grid: tuple[Shape, float], rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Clean image, shares of brain and of intracranial space, and of three tissues."""
    shape, spacing_mm = grid
    places = _positions(head, plan, grid, rng)
    packed = head.kinds + head.brain * np.uint8(BRAIN_BIT) + head.intracranial * np.uint8(INNER_BIT)
    flat = packed.ravel()
    strides = (packed.shape[1] * packed.shape[2], packed.shape[2], 1)
    soft, fat = kind("soft_tissue", "fat")
    is_fat = smooth_field(shape, 3.0, rng) > ndtri(1 - plan.fat_share)
    sums = np.zeros((7, *shape), np.float32)
    table = _lookup(plan.contrast)
    for look in LOOKS:
        index = np.zeros(shape, np.int64)
        for axis, (place, stride) in enumerate(zip(places, strides, strict=True)):
            at = np.rint(place + np.float32(look[axis] * spacing_mm / 3)).astype(np.int32)
            index += np.clip(at, 0, packed.shape[axis] - 1).astype(np.int64) * stride
        code = np.take(flat, index)
        code = np.where((code == soft) & is_fat, np.uint8(fat), code)
        for row, values in enumerate(table):
            sums[row] += np.take(values, code)
    sums /= len(LOOKS)
    mean, spread, brain, inner = sums[:4]
    grain = rng.standard_normal(shape, dtype=np.float32)
    coarse = smooth_field(shape, plan.texture, rng)
    image = np.maximum(mean + spread * (0.6 * grain + 0.8 * coarse), 0)
    return image, brain, inner, sums[4:]


def _positions(
    head: Head, plan: Plan, grid: tuple[Shape, float], rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Voxel coordinates of the label map at each voxel of the grid, one array an axis."""
    shape, spacing_mm = grid
    axes = [(np.arange(n) - (n - 1) / 2) * spacing_mm for n in shape]
    x, y, z = np.meshgrid(*(a.astype(np.float32) for a in axes), indexing="ij", sparse=True)
    matrix = plan.matrix.astype(np.float32)
    start = (head.centre + plan.shift).astype(np.float32)
    # A field of unit variance reaches about twice its amplitude.
    bends = [np.float32(plan.bend / 2) * smooth_field(shape, plan.bend_scale, rng) for _ in shape]
    first, second, third = (
        matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2] * z + start[axis] + bends[axis]
        for axis in range(3)
    )
    return first, second, third


def _lookup(contrast: Contrast) -> Array:
    """What a packed code stands for [7, 128]: mean, spread, brain, intracranial, three tissues."""
    code = np.arange(128)
    kinds = np.minimum(code % BRAIN_BIT, len(KINDS) - 1)
    brain = (code & BRAIN_BIT) > 0
    rows = [
        contrast.mean[kinds],
        contrast.spread[kinds],
        brain,
        (code & INNER_BIT) > 0,
        *(np.isin(kinds, kind(*names)) & brain for names in (CSF_KINDS, GREY_KINDS, WHITE_KINDS)),
    ]
    return np.array(rows, dtype=np.float32)
