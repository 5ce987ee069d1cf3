"""What is drawn of things that are no metastasis: normal structures that enhance, and disease.

Every kind is a relation between sequences: what enhances is brighter in T1c than in T1, what does
not is as bright in both. Values are in normalised units; all ranges are our assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM, Anatomy
from vasotype_training.simulate.plan import CANDIDATES, Appearance, Lesion, draw_site
from vasotype_training.simulate.shape import Box, draw_shape

Range = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """One sort of look-alike: ``where`` it lies, its radius and its values in each sequence.

    ``share`` among single look-alikes; ``radius_mm`` of a ball of equal volume, of a tube or half a
    sheet's thickness, drawn evenly on a logarithmic scale; ``gain`` is T1c minus T1.
    """

    share: float
    where: str
    radius_mm: Range
    t1: Range
    t2: Range
    flair: Range
    gain: Range = (0.0, 0.0)


KINDS = {
    # Vessels are long and thin: what is short and thick is a metastasis.
    "vessel": Kind(0.20, "anywhere", (0.4, 1.3), (-1.4, 0.2), (-2.0, 0.0), (-2.0, 0.0), (0.8, 6.0)),
    "vein": Kind(0.12, "surface", (0.4, 1.3), (-1.4, 0.2), (-2.0, 0.0), (-2.0, 0.0), (0.8, 6.0)),
    "anomaly": Kind(0.05, "white", (0.5, 1.0), (-1.0, 0.2), (-1.5, 0.0), (-1.5, 0.0), (0.8, 4.0)),
    "dura": Kind(0.08, "surface", (0.4, 1.3), (-1.0, 0.2), (-1.5, 0.5), (-1.0, 0.5), (0.8, 4.0)),
    "falx": Kind(0.06, "midline", (0.4, 1.0), (-1.0, 0.2), (-1.5, 0.5), (-1.0, 0.5), (0.8, 3.0)),
    "plexus": Kind(0.07, "ventricle", (1.5, 4.0), (-1.5, -0.3), (0, 2.5), (-0.5, 1.0), (0.8, 4.0)),
    "midline": Kind(0.03, "midline", (1.5, 3.5), (-0.8, 0.3), (-0.5, 1.5), (-0.5, 1.0), (1.0, 4.0)),
    "plaque": Kind(0.15, "junction", (1.0, 9.0), (-1.0, 0.2), (0.6, 3.5), (0.6, 3.5)),
    "t1_bright": Kind(0.12, "junction", (1.0, 9.0), (1.2, 4.0), (-2.0, 3.0), (-1.5, 3.0)),
    "calcification": Kind(0.06, "anywhere", (0.8, 4.0), (-3.0, -1.0), (-3.0, -1.5), (-3.0, -1.5)),
    "cavity": Kind(0.06, "junction", (1.0, 8.0), (-2.8, -1.6), (2.5, 5.0), (-3.0, -1.0)),
    # Parts of a disease, never drawn alone.
    "ovoid": Kind(0.0, "beside_ventricle", (1.2, 5.5), (-1.6, 0.2), (0.6, 3.5), (0.8, 3.5)),
    "punctate": Kind(0.0, "white", (0.8, 2.5), (-0.6, 0.3), (0.4, 2.5), (0.6, 3.0)),
    "cap": Kind(0.0, "beside_ventricle", (4.0, 9.0), (-1.0, 0.2), (0.5, 2.5), (0.8, 3.0)),
    "lacune": Kind(0.0, "white", (1.2, 4.0), (-2.8, -1.6), (2.5, 5.0), (-2.5, -0.5)),
    "infarct": Kind(0.0, "surface", (9.0, 22.0), (-1.6, -0.2), (0.6, 3.5), (0.6, 3.5)),
    "gyral": Kind(0.0, "surface", (1.0, 2.0), (-0.8, 0.8), (0.3, 2.0), (0.3, 2.5), (0.5, 2.5)),
    "resection": Kind(0.0, "surface", (7.0, 16.0), (-1.2, -0.2), (0.5, 2.5), (0.3, 2.0), (0.4, 2)),
}
"""Look-alikes by name. ``anomaly`` is a developmental venous anomaly, ``midline`` stands for
pituitary and pineal gland, ``gyral`` for enhancing cortex over an infarct, and ``resection`` is a
cavity that opens to the surface, with a thin wall that enhances."""

SINGLE = tuple(kind for kind, drawn in KINDS.items() if drawn.share > 0)

DISEASES: dict[str, dict[str, tuple[int, int]]] = {
    "multiple_sclerosis": {"ovoid": (6, 30), "plaque": (2, 8)},
    "small_vessel_disease": {"cap": (2, 5), "punctate": (6, 30), "lacune": (0, 4)},
    "infarct": {"infarct": (1, 2), "gyral": (0, 2)},
    "resection": {"resection": (1, 1)},
}
"""Marks of diseases, least and most in a whole brain."""
DISEASE_SHARES = (0.35, 0.35, 0.20, 0.10)
DISEASED = 0.15
"""Share of the brains and regions that show one of them."""

LEAST_PART = 0.15
"""A region of a brain holds at least this part of a disease's marks."""


def draw_lookalikes(
    anatomy: Anatomy, box: Box, count: int, rng: np.random.Generator
) -> list[Lesion]:
    """Draw ``count`` single look-alikes with centres inside ``box``; some boxes show a disease."""
    shares = np.array([KINDS[kind].share for kind in SINGLE])
    kinds = [str(k) for k in rng.choice(SINGLE, count, p=shares / shares.sum())]
    if rng.random() < DISEASED:
        kinds += draw_marks(anatomy, box, rng)
    drawn = (draw_lookalike(anatomy, box, kind, rng) for kind in kinds)
    return [lesion for lesion in drawn if lesion is not None]


def draw_marks(anatomy: Anatomy, box: Box, rng: np.random.Generator) -> list[str]:
    """Kinds of look-alike that one disease, drawn by its share, leaves in a part of a brain."""
    disease = DISEASES[str(rng.choice(list(DISEASES), p=DISEASE_SHARES))]
    here = float(np.prod([s.stop - s.start for s in box]) / np.prod(anatomy.shape))
    marks: list[str] = []
    for kind, (least, most) in disease.items():
        count = int(rng.integers(least, most + 1))
        marks += [kind] * round(count * max(here, LEAST_PART))
    return marks


def draw_lookalike(
    anatomy: Anatomy, box: Box, kind: str, rng: np.random.Generator
) -> Lesion | None:
    """Draw one look-alike; None where the box has no place for it."""
    drawn = KINDS[kind]
    radius = float(np.exp(rng.uniform(*np.log(drawn.radius_mm))))
    centre = _site(anatomy, box, drawn.where, radius, rng)
    if centre is None:
        return None
    hollow = kind in ("plaque", "t1_bright") and radius > 3 and rng.random() < 0.25
    return Lesion(
        kind=kind,
        centre=centre,
        shape=draw_shape(radius, rng),
        rim_mm=float(rng.uniform(1, 3)) if hollow else _wall(kind, rng),
        edema_ml=0.0,
        edema_strength=0.0,
        core_t1_s=float(rng.uniform(2.5, 4.0) if kind == "resection" else rng.uniform(0.5, 3.0)),
        core_t2_s=float(rng.uniform(0.2, 0.4) if kind == "resection" else rng.uniform(0.06, 0.35)),
        biology=None,
        appearance=Appearance(
            t1=float(rng.uniform(*drawn.t1)),
            t2=float(rng.uniform(*drawn.t2)),
            flair=float(rng.uniform(*drawn.flair)),
            gain=float(np.exp(rng.uniform(*np.log(drawn.gain)))) if drawn.gain[1] > 0 else 0.0,
        ),
        seed=int(rng.integers(2**31)),
    )


def _wall(kind: str, rng: np.random.Generator) -> float | None:
    return float(rng.uniform(0.6, 1.2)) if kind == "resection" else None


def _site(
    anatomy: Anatomy, box: Box, where: str, radius_mm: float, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    """Voxel index of a centre; ``where`` says in what surroundings."""
    if where == "junction":
        return draw_site(anatomy, box, rng, radius_mm)
    x, y, z = (rng.integers(s.start, s.stop, CANDIDATES) for s in box)
    at = (x, y, z)
    fits = _surroundings(anatomy, where, at) & anatomy.mask[at]
    if anatomy.tumor_mm is not None:
        fits = fits & (anatomy.tumor_mm[at] >= TUMOR_DISTANCE_MM + radius_mm)
    found = np.flatnonzero(fits)
    if found.size == 0:
        return None
    pick = int(rng.choice(found))
    i, j, k = (float(axis[pick]) for axis in at)
    return i, j, k


def _surroundings(
    anatomy: Anatomy, where: str, at: tuple[NDArray[np.int64], ...]
) -> NDArray[np.bool_]:
    depth, csf, white = anatomy.depth_mm[at], anatomy.csf[at], anatomy.white[at]
    aside = np.abs(at[0] - midline(anatomy))
    places = {
        "anywhere": csf < 0.5,
        "surface": depth < 5,
        "white": white > 0.6,
        "ventricle": (csf > 0.6) & (depth > 15),
        "beside_ventricle": (csf > 0.02) & (csf < 0.5) & (depth > 12),
        "midline": (aside < 3) & (csf > 0.15),
    }
    fits: NDArray[np.bool_] = places[where]
    return fits


def midline(anatomy: Anatomy) -> float:
    """Index along x of the plane between the hemispheres: the middle of the brain's box."""
    return (anatomy.shape[0] - 1) / 2
