"""Parts of the body that are no head, so that the network learns to see no brain in them.

Limbs and trunks out of cylinders, drawn anew each time: skin, fat, muscles parted by fat, bones
with marrow and joints, organs and cavities. They need not be anatomy; they must only be round,
layered and bright inside like a head, without a brain's folds. Sizes are ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vasotype_training.brain.heads import KINDS, Head, Kinds
from vasotype_training.simulate.fields import smooth_field

Array = NDArray[np.float32]

SHAPE = (160, 160, 200)
ORGANS = ("soft_tissue", "mucosa", "cavity", "csf", "vein")


def draw_body(rng: np.random.Generator) -> Head:
    """One or two limbs or a trunk, 1 mm, running from bottom to top through the whole map."""
    kinds = np.full(SHAPE, KINDS.index("air"), np.uint8)
    x, y = (np.arange(n, dtype=np.float32) - n / 2 for n in SHAPE[:2])
    pair = rng.random() < 0.3
    for side in (-1, 1) if pair else (0,):
        radius = rng.uniform(25, 38) if pair else rng.uniform(35, 72)
        _add_cylinder(kinds, (x[:, None] - side * 40, y[None, :]), radius, rng)
    for face in (kinds[0], kinds[-1], kinds[:, 0], kinds[:, -1]):  # what lies beyond is air
        face[:] = KINDS.index("air")
    if rng.random() < 0.3:  # a limb may lie along any axis of its image
        kinds = np.ascontiguousarray(np.swapaxes(kinds, int(rng.integers(0, 2)), 2))
    empty = np.zeros(kinds.shape, bool)
    centre = np.array([n / 2 for n in kinds.shape])
    return Head("body", kinds, brain=empty, intracranial=empty, centre=centre)


def _add_cylinder(
    kinds: Kinds, across: tuple[Array, Array], radius: float, rng: np.random.Generator
) -> None:
    """Skin, fat, muscle and what lies in it, into ``kinds`` around the axis of ``across``."""
    height = kinds.shape[2]
    along = np.linspace(0, 2 * np.pi, height, dtype=np.float32)
    swell = 1 + rng.uniform(0, 0.25) * np.sin(along * rng.uniform(0.3, 1.5) + rng.uniform(0, 6))
    flat = np.exp(rng.normal(0, 0.15))
    away = np.hypot(across[0] * flat, across[1] / flat)[..., None] / swell  # mm, from the axis
    away = away + rng.uniform(0, 4) * smooth_field(kinds.shape, 20, rng)
    fat_mm = rng.uniform(2, 0.35 * radius)
    septa = np.abs(smooth_field(kinds.shape, rng.uniform(12, 25), rng)) < rng.uniform(0.02, 0.15)
    muscle = away < radius - fat_mm
    for name, where in (
        ("skin", away < radius),
        ("fat", away < radius - 2),
        ("muscle", muscle),
        ("fat", muscle & septa),
    ):
        kinds[where] = KINDS.index(name)
    inner = radius - fat_mm
    for _ in range(int(rng.integers(0, 5))):
        _add_organ(kinds, muscle, str(rng.choice(ORGANS)), rng)
    for _ in range(int(rng.integers(1, 4))):
        turn, off = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.6) * inner
        place = (across[0] - off * np.cos(turn), across[1] - off * np.sin(turn))
        _add_bone(kinds, muscle, place, rng.uniform(0.12, 0.45) * inner, rng)


def _add_bone(
    kinds: Kinds,
    muscle: NDArray[np.bool_],
    across: tuple[Array, Array],
    radius: float,
    rng: np.random.Generator,
) -> None:
    """A long bone; it may widen towards a joint."""
    z = np.arange(kinds.shape[2], dtype=np.float32)
    joint = rng.uniform(0, kinds.shape[2])
    widening = rng.uniform(0, 1.2) * np.exp(-(((z - joint) / rng.uniform(12, 40)) ** 2))
    away = np.hypot(*across)[..., None] - radius * (1 + widening)
    bone = (away < 0) & muscle
    kinds[bone] = KINDS.index("bone")
    kinds[bone & (away < -rng.uniform(1, 5))] = KINDS.index("marrow")
    if rng.random() < 0.6:
        gap = np.abs(z - joint) < rng.uniform(1, 4)
        kinds[bone & gap] = KINDS.index(str(rng.choice(("csf", "soft_tissue"))))


def _add_organ(
    kinds: Kinds, muscle: NDArray[np.bool_], name: str, rng: np.random.Generator
) -> None:
    """An ellipsoid of one kind, with a wall."""
    centre = [rng.uniform(0.2, 0.8) * n for n in kinds.shape]
    radii = rng.uniform(8, 35, 3)
    axes = [
        ((np.arange(n, dtype=np.float32) - c) / r) ** 2
        for n, c, r in zip(kinds.shape, centre, radii, strict=True)
    ]
    inside = (axes[0][:, None, None] + axes[1][:, None] + axes[2] < 1) & muscle
    kinds[inside] = KINDS.index("soft_tissue")
    kinds[ndimage.binary_erosion(inside, iterations=2)] = KINDS.index(name)
