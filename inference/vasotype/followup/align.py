"""Where an examination's world lies in the baseline's: one rigid motion of the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasotype.prepare.registration import Registration, register
from vasotype.prepare.resample import resample
from vasotype.prepare.similarity import invert
from vasotype.stages import Affine, Array, Grid, Mask, Volume


@dataclass(frozen=True)
class Head:
    """A brain on its prepared grid: ``image`` and ``mask`` [X, Y, Z]."""

    image: Array
    mask: Mask
    grid: Grid


@dataclass(frozen=True)
class Motion:
    """Rigid motion [4, 4] from RAS mm of a visit to RAS mm of the baseline.

    ``overlap`` is the Dice of the two brain masks after it, in what both images show;
    ``registration`` is None for the baseline itself.
    """

    matrix: Affine
    overlap: float
    registration: Registration | None = None


STILL = Motion(np.eye(4), 1.0)


def align(visit: Head, baseline: Head) -> Motion:
    """Lay a visit over the baseline, whatever contrast either has."""
    fixed, moving = Volume(baseline.image, baseline.grid), Volume(visit.image, visit.grid)
    found = register(fixed, baseline.mask, moving)
    matrix = invert(found.pose)
    return Motion(matrix, _overlap(visit, baseline, matrix), found)


def moved(grid: Grid, motion: Motion) -> Grid:
    """A grid carried along by a motion of its world."""
    return Grid(grid.shape, motion.matrix @ grid.affine)


def _overlap(visit: Head, baseline: Head, matrix: Affine) -> float:
    """Dice of the brain masks where both grids have voxels."""
    carried = Grid(visit.grid.shape, matrix @ visit.grid.affine)
    mask = resample(visit.mask, carried, baseline.grid, order=0)
    seen = resample(np.ones(visit.grid.shape, np.bool_), carried, baseline.grid, order=0)
    there = baseline.mask & seen
    total = int(mask.sum()) + int(there.sum())
    return 2 * int((mask & there).sum()) / total if total else 0.0
