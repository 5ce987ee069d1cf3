"""From the positions of slices to the grid of a volume: pure geometry, positions in LPS mm.

Sources: DICOM PS3.3 C.7.6.2.1.1 (image plane). Slices are put in order by their positions alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vasotype.findings import Finding, StudyError
from vasotype.stages import Affine, Grid
from vasotype.study.header import MINIMAL_SLICES, check_grid

SAME_POSITION_MM = 0.01
"""Slices closer than this lie in one place; rounded headers differ less."""
STEP_TOLERANCE_MM, STEP_TOLERANCE = 0.02, 0.01
"""Steps between slices may differ from their median by the larger of the two (mm, share)."""
SHEAR_DEGREES = 1.0
"""Largest angle between the line of slice positions and the slices' normal."""
LATERAL_MM = 0.2
"""Largest distance of a slice from that line."""
UNIT_TOLERANCE = 0.01
"""Deviation from unit length, and of two axes from a right angle (cosine)."""

Floats = NDArray[np.float64]
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def axes_of(orientation: tuple[float, ...] | None, name: str) -> Floats:
    """Unit vectors [3, 3] along a row, along a column, and normal to both.

    Raises StudyError ``bad-affine``.
    """
    if orientation is None:
        raise StudyError("bad-affine", f"{name}: the header doesn't say how its slices lie")
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.linalg.norm([row, column], axis=1)
    if np.abs(lengths - 1).max() > UNIT_TOLERANCE or abs(row @ column) > UNIT_TOLERANCE:
        raise StudyError("bad-affine", f"{name}: row and column directions aren't at right angles")
    row = row / lengths[0]
    column = column - (column @ row) * row
    column /= np.linalg.norm(column)
    return np.stack([row, column, np.cross(row, column)])


def stack_grid(
    positions: Floats,
    axes: Floats,
    spacing: tuple[float, ...] | None,
    size: tuple[int, int],
    name: str,
) -> tuple[Grid, list[Finding]]:
    """Grid (RAS) of slices at ``positions`` [N, 3], in order along the normal.

    ``spacing`` is that of rows, then of columns, mm; ``size`` counts rows and columns. The voxel
    indices run along a row, along a column, and along the slices. Raises StudyError
    ``too-few-slices``, ``uneven-slices``, ``sheared-affine``, ``bad-affine`` or
    ``implausible-spacing``.
    """
    if spacing is None or min(spacing) <= 0:
        raise StudyError("bad-affine", f"{name}: the header doesn't say the pixel size")
    if len(positions) < MINIMAL_SLICES:
        raise StudyError(
            "too-few-slices",
            f"{name}: slices at {len(positions)} positions; a volume needs at least "
            f"{MINIMAL_SLICES}",
        )
    _check_steps(positions @ axes[2], name)
    line = (positions[-1] - positions[0]) / (len(positions) - 1)
    angle = np.degrees(np.arccos(np.clip(line @ axes[2] / np.linalg.norm(line), -1, 1)))
    if angle > SHEAR_DEGREES:
        raise StudyError(
            "sheared-affine",
            f"{name}: the slices are stacked {angle:.1f} degrees off their normal; at most "
            f"{SHEAR_DEGREES:g} is accepted",
        )
    _check_line(positions, axes, name)
    affine: Affine = np.eye(4)
    affine[:3, 0] = axes[0] * spacing[1]
    affine[:3, 1] = axes[1] * spacing[0]
    affine[:3, 2] = line
    affine[:3, 3] = positions[0]
    grid = Grid((size[1], size[0], len(positions)), LPS_TO_RAS @ affine)
    return check_grid(grid, name)


def _check_steps(along: Floats, name: str) -> None:
    steps = np.diff(along)
    step = float(np.median(steps))
    off = np.abs(steps - step) > max(STEP_TOLERANCE_MM, STEP_TOLERANCE * step)
    if not off.any():
        return
    worst = float(steps[np.argmax(np.abs(steps - step))])
    missing = round(worst / step) - 1 if step > 0 else 0
    guess = f"; {missing} missing there" if missing > 0 else ""
    raise StudyError(
        "uneven-slices",
        f"{name}: {int(off.sum())} of {len(steps)} steps between slices are uneven: "
        f"{worst:.2f} mm where {step:.2f} mm is usual{guess}",
    )


def _check_line(positions: Floats, axes: Floats, name: str) -> None:
    share = np.linspace(0.0, 1.0, len(positions))[:, None]
    even = positions[0] + share * (positions[-1] - positions[0])
    apart = float(np.linalg.norm((positions - even) @ axes[:2].T, axis=1).max())
    if apart > LATERAL_MM:
        raise StudyError(
            "uneven-slices", f"{name}: a slice lies {apart:.1f} mm beside the line of the others"
        )
