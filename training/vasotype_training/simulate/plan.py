"""What grows where: the drawn parameters of every lesion and look-alike of one study.

A plan is the truth: it is drawn once, may be written down, and rendering it is deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from vasotype_training.simulate.anatomy import JUNCTION_SPREAD_MM, Anatomy
from vasotype_training.simulate.biology import (
    Biology,
    bleeds,
    draw_biology,
    draw_primary,
    patient_score,
)
from vasotype_training.simulate.shape import Box, Outline, Shape, draw_shape

CANDIDATES = 600
"""Random voxels that compete for a site."""

INTERIORS = ("plain", "broken", "septate", "mural")
"""How a core lies in a lesion: even wall, wall with gaps, several chambers, cyst with a nodule."""
INTERIOR_SHARES = (0.50, 0.15, 0.15, 0.20)
LAYERED_SHARE = 0.12
"""Cores with a fluid level."""

VisibleIn = Literal["either", "t1c"]
"""Where a rim has to stand out: in the better of T1c and T1c - T1, or in T1c itself."""

PUSHING_MM = 15.0
"""Lesions above this diameter may push their surroundings aside."""


@dataclass(frozen=True)
class Appearance:
    """Free contrast of a lesion without modelled biology, in normalised units of each sequence.

    ``gain`` is the enhancement of viable tumor above its T1 value.
    """

    t1: float
    t2: float
    flair: float
    gain: float


@dataclass(frozen=True)
class Patient:
    """What the metastases of a patient share: primary tumor and standard normal ``edema`` score."""

    primary: str
    edema: float


@dataclass(frozen=True)
class Lesion:
    """One metastasis (``kind``) or look-alike.

    ``centre`` in voxel indices; ``rim_mm`` the thickness of viable tumor around a core, None where
    solid; ``edema_ml`` the target volume; ``edema_strength`` 0-1; ``core_t1_s``, ``core_t2_s``
    relaxation of the core; exactly one of ``biology`` and ``appearance`` for a metastasis; ``seed``
    fixes its textures; ``interior`` one of ``INTERIORS``; ``layered`` a core with a fluid level;
    ``push_mm`` by how much tissue at the border is displaced; ``spread`` of the tumor's own T1 and
    T2 (of their logarithm); ``patient`` whose metastasis it is.
    """

    kind: str
    centre: tuple[float, float, float]
    shape: Shape
    rim_mm: float | None
    edema_ml: float
    edema_strength: float
    core_t1_s: float
    core_t2_s: float
    biology: Biology | None
    appearance: Appearance | None
    seed: int
    interior: str = "plain"
    layered: bool = False
    push_mm: float = 0.0
    spread: float = 0.08
    patient: Patient | None = None

    @property
    def diameter_mm(self) -> float:
        """Diameter of the sphere of equal volume."""
        return 2 * self.shape.radius_mm


@dataclass(frozen=True)
class Population:
    """Ranges that lesions are drawn from.

    ``free_share`` of the metastases have free contrast instead of modelled biology;
    ``ring_centre_mm`` the diameter at which half of the lesions have a core; ``faint_share`` the
    share of lesions with a rim contrast-to-noise ratio in ``FAINT_CNR``, the others lie above
    (:mod:`vasotype_training.simulate.visibility`; None leaves visibility as it comes), and
    ``visible_in`` the image that is asked for it;
    ``tumor_spread`` of the logarithm of a tumor's T1 and T2.
    """

    log_uniform_mm: tuple[float, float] | None = None
    log_normal_mm: tuple[float, float] = (7.0, 0.70)
    limits_mm: tuple[float, float] = (2.0, 50.0)
    free_share: float = 0.0
    ring_centre_mm: float = 20.0
    outline_share: float = 0.3
    cluster_share: float = 0.12
    faint_share: float | None = None
    visible_in: VisibleIn = "either"
    tumor_spread: float = 0.08


def draw_diameter(population: Population, rng: np.random.Generator) -> float:
    """Diameter of the equivalent sphere, mm."""
    if population.log_uniform_mm is not None:
        low, high = population.log_uniform_mm
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))
    median, spread = population.log_normal_mm
    return float(np.clip(np.exp(rng.normal(np.log(median), spread)), *population.limits_mm))


def draw_count(rng: np.random.Generator) -> int:
    """Metastases of a patient: half after Delattre 1988, half geometric of mean 8, at most 40."""
    if rng.random() < 0.5:
        few = int(rng.choice([1, 2, 3, 4, 5], p=[0.49, 0.21, 0.13, 0.06, 0.11]))
        return few if few < 5 else int(rng.integers(5, 9))
    return int(min(rng.geometric(1 / 8), 40))


def draw_site(
    anatomy: Anatomy, box: Box, rng: np.random.Generator, radius_mm: float = 0.0
) -> tuple[float, float, float] | None:
    """Voxel index of a centre inside ``box``: mostly at the grey-white junction.

    ``radius_mm`` keeps the lesion away from a real tumor. Weights are looked up at some hundred
    random voxels only; None where none of them will do.
    """
    x, y, z = (rng.integers(s.start, s.stop, CANDIDATES) for s in box)
    at = (x, y, z)
    weight = anatomy.has_room(at, radius_mm).astype(np.float64)
    depth = anatomy.depth_mm[at].astype(np.float64)
    where = rng.random()
    if where < 0.70:
        weight *= np.exp(-0.5 * (anatomy.junction_mm[at] / JUNCTION_SPREAD_MM) ** 2)
    elif where >= 0.95:
        weight *= (anatomy.csf[at] > 0.05) & (depth > 12)
    elif where >= 0.88:
        weight *= depth < 4
    if weight.sum() <= 0:
        return None
    pick = int(rng.choice(CANDIDATES, p=weight / weight.sum()))
    i, j, k = (float(axis[pick] + rng.uniform(-0.5, 0.5)) for axis in at)
    return i, j, k


def draw_metastases(
    anatomy: Anatomy,
    box: Box,
    count: int,
    population: Population,
    bank: Sequence[Outline],
    rng: np.random.Generator,
) -> list[Lesion]:
    """Draw ``count`` metastases of one patient with centres inside ``box``.

    They are fewer where there is no room. Lesions of a patient share a tendency to edema.
    """
    lesions: list[Lesion] = []
    patient = draw_patient(rng)
    for _ in range(count):
        biology = draw_biology(rng, patient.edema, patient.primary)
        diameter = draw_diameter(population, rng) * (1.25 if biology.mimicry else 1.0)
        centre = draw_site(anatomy, box, rng, diameter / 2)
        if lesions and rng.random() < population.cluster_share:
            centre = _beside(lesions[-1], diameter, anatomy, rng) or centre
        if centre is None:
            continue
        biology = replace(biology, hemorrhage=bleeds(biology, patient.primary, diameter, rng))
        lesion = _metastasis(diameter, centre, biology, population, bank, rng)
        if ndtr(patient_score(patient.edema, rng)) < 1 - edema_presence(diameter):
            lesion = replace(lesion, edema_ml=0.0)
        if rng.random() < population.free_share:
            lesion = replace(lesion, biology=None, appearance=_appearance(rng))
        lesions.append(replace(lesion, patient=patient))
    return lesions


def draw_patient(rng: np.random.Generator) -> Patient:
    """Draw what the metastases of one patient share."""
    return Patient(draw_primary(rng), float(rng.normal()))


def redraw_biology(lesion: Lesion, rng: np.random.Generator) -> Lesion:
    """The same metastasis with other latent variables of its mode: size, place and shape stay.

    Mimicry and edema stay as well, so that neither depends on how visible a lesion is.
    """
    old, patient = lesion.biology, lesion.patient
    assert old is not None
    assert patient is not None
    new = draw_biology(rng, patient.edema, patient.primary, old.mode)
    kept = replace(new, mimicry=old.mimicry, hemorrhage=old.hemorrhage, edema_ratio=old.edema_ratio)
    return replace(lesion, biology=kept)


def edema_presence(diameter_mm: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """Probability of edema: it starts near 9.4 mm (Schneider 2017), earlier in real outlines."""
    return 0.25 + 0.75 / (1 + np.exp(-(diameter_mm - 8.0) / 2.5))


def _beside(
    other: Lesion, diameter: float, anatomy: Anatomy, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    gap = (diameter / 2 + other.shape.radius_mm) * rng.uniform(0.85, 1.5)
    at: NDArray[np.float64] = np.array(other.centre) + gap * direction
    index = tuple(np.round(at).astype(np.int64))
    inside = all(0 <= i < n for i, n in zip(index, anatomy.shape, strict=True))
    if not inside or not anatomy.has_room(index, diameter / 2):
        return None
    return float(at[0]), float(at[1]), float(at[2])


def _metastasis(
    diameter: float,
    centre: tuple[float, float, float],
    biology: Biology,
    population: Population,
    bank: Sequence[Outline],
    rng: np.random.Generator,
) -> Lesion:
    radius = diameter / 2
    ring = rng.random() < 1 / (1 + np.exp(-(diameter - population.ring_centre_mm) / 4))
    volume_ml = 4 / 3 * np.pi * radius**3 / 1000
    return Lesion(
        kind="metastasis",
        centre=centre,
        shape=draw_shape(radius, rng, bank, population.outline_share),
        rim_mm=float(np.clip(radius * rng.uniform(0.15, 0.65), 1.2, 8)) if ring else None,
        edema_ml=float(min(biology.edema_ratio * volume_ml, 80)),
        edema_strength=float(rng.uniform(0.35, 1.0)),
        core_t1_s=float(np.exp(rng.uniform(np.log(0.9), np.log(3.8)))),
        core_t2_s=float(np.exp(rng.uniform(np.log(0.06), np.log(0.40)))),
        biology=biology,
        appearance=None,
        seed=int(rng.integers(2**31)),
        interior=str(rng.choice(INTERIORS, p=INTERIOR_SHARES)),
        layered=bool(rng.random() < LAYERED_SHARE),
        push_mm=_push(diameter, rng),
        spread=population.tumor_spread,
    )


def _push(diameter_mm: float, rng: np.random.Generator) -> float:
    """Displacement at the border: none in small lesions, up to 3 mm in large ones."""
    most = min(3.0, max(0.0, (diameter_mm - PUSHING_MM) * 0.2))
    return float(rng.uniform(0, most)) if rng.random() < 0.6 else 0.0


def _appearance(rng: np.random.Generator) -> Appearance:
    return Appearance(
        t1=float(rng.uniform(0.8, 3.0) if rng.random() < 0.1 else rng.uniform(-1.3, 0.3)),
        t2=float(rng.uniform(-0.8, 3.0)),
        flair=float(rng.uniform(-0.8, 3.0)),
        gain=float(np.exp(rng.uniform(np.log(0.6), np.log(5.0)))),
    )
