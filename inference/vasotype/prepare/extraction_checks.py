"""Can this be a brain? Findings about the mask of an extraction.

All checks look at the mask on a coarse grid, axes towards R, A, S. The limits are ours: set wide of
the simulated and real heads that the network was measured on, so that a finding is rare and worth a
look.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vasotype.boxes import bounding_box
from vasotype.findings import Finding
from vasotype.prepare.extraction import Extraction, coarse_grid
from vasotype.prepare.quality import brain_size
from vasotype.prepare.resample import resample
from vasotype.stages import Array, Grid, Mask, Volume

SPACING_MM = 3.0
LEAST_FULLNESS = 0.9
"""Volume over that of the ellipsoid with the same second moments: 0.94 to 0.96 in the real brains
that we have, less where a large part is missing on both sides or something was added."""
LARGEST_PART_ML = 8.0
"""A part that one side has and the other lacks, thicker than ``LEAST_THICKNESS_MM``: the halves of
a brain differ by less."""
LEAST_THICKNESS_MM = 9.0
LEAST_CERTAINTY = 0.9
"""Mean probability of brain inside the mask."""
LARGEST_CUT_CM2 = 15.0
"""Face of the field of view that the brain may touch: a brain stem has about 5 cm2."""


def check_extraction(extraction: Extraction, head: Volume) -> list[Finding]:
    """What is implausible about a brain mask that was found in ``head``."""
    name = head.name or "the image"
    grid = coarse_grid(head.grid, SPACING_MM)
    mask = resample(extraction.mask.astype(np.float32), head.grid, grid) > 0.5
    if not mask.any():
        return [Finding("brain-mask-shape", f"{name}: the brain mask is empty")]
    return [
        *brain_size(extraction.mask, head.grid),
        *cut_off(extraction.mask, head.grid, name),
        *shape(mask, name),
        *missing_part(mask, name),
        *certainty(extraction.certainty, name),
    ]


def cut_off(mask: Mask, grid: Grid, name: str) -> list[Finding]:
    """A brain that runs into the border of the image."""
    x, y, z = grid.spacing_mm
    faces_cm2 = (y * z / 100, x * z / 100, x * y / 100)
    worst = max(
        float(np.moveaxis(mask, axis, 0)[end].sum()) * area
        for axis, area in enumerate(faces_cm2)
        for end in (0, -1)
    )
    if worst <= LARGEST_CUT_CM2:
        return []
    message = f"{name}: the image ends inside the brain, over {worst:.0f} cm²"
    return [Finding("brain-cut-off", message)]


def shape(mask: Mask, name: str) -> list[Finding]:
    """A mask that fills its own ellipsoid less than a brain does."""
    points = np.argwhere(mask).astype(np.float64)
    axes = np.sqrt(np.maximum(5 * np.linalg.eigvalsh(np.cov(points.T)), 0.25))
    fullness = float(len(points) / (4 / 3 * np.pi * axes.prod()))
    if fullness >= LEAST_FULLNESS:
        return []
    message = f"{name}: the mask fills {fullness:.0%} of its ellipsoid; brains fill more"
    return [Finding("brain-mask-shape", message)]


def missing_part(mask: Mask, name: str) -> list[Finding]:
    """A piece that one hemisphere has and the other lacks: a notch over a lesion, a lost lobe.

    ``mask`` [X, Y, Z] has its first axis from left to right, voxels of ``SPACING_MM``.
    """
    box = tuple(slice(s.start - 2, s.stop + 2) for s in bounding_box(np.pad(mask, 2)))
    part = np.pad(mask, 2)[box]
    lacking = _best_mirror(part) & ~part
    thickness_mm = 2 * SPACING_MM * ndimage.distance_transform_edt(lacking)
    pieces, count = ndimage.label(lacking)
    if not count:
        return []
    numbers = np.arange(1, count + 1)
    sizes_ml = ndimage.sum_labels(lacking, pieces, numbers) * SPACING_MM**3 / 1000
    thickest_mm = np.asarray(ndimage.maximum(thickness_mm, pieces, numbers))
    found = sizes_ml[thickest_mm >= LEAST_THICKNESS_MM]
    if not len(found) or found.max() <= LARGEST_PART_ML:
        return []
    message = f"{name}: {found.max():.0f} mL that the other side has are left out"
    return [Finding("brain-mask-incomplete", message)]


def certainty(mean: float, name: str) -> list[Finding]:
    """An outline that the network was unsure of."""
    if mean >= LEAST_CERTAINTY:
        return []
    message = f"{name}: the mean probability of brain inside the mask is {mean:.2f}"
    return [Finding("brain-mask-uncertain", message)]


def _best_mirror(mask: Mask) -> Mask:
    """``mask`` mirrored left to right, in the plane that makes it overlap best with itself.

    The plane is sought by turning the mirror image about the two axes that tilt it, and moving it.
    """
    weights: Array = mask.astype(np.float32)
    middle = np.array(ndimage.center_of_mass(mask))
    best, best_overlap = mask, -1.0
    for yaw in np.radians((-16, -8, 0, 8, 16)):
        for roll in np.radians((-16, -8, 0, 8, 16)):
            normal = np.array([1.0, np.tan(yaw), np.tan(roll)])
            normal /= np.linalg.norm(normal)
            matrix = np.eye(3) - 2 * np.outer(normal, normal)
            offset = middle - matrix @ middle
            mirrored = ndimage.affine_transform(weights, matrix, offset, order=1) > 0.5
            overlap = float((mirrored & mask).sum())
            if overlap > best_overlap:
                best, best_overlap = mirrored, overlap
    return best
