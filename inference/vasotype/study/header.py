"""Checks of a NIfTI header: is this a place in space that a head can lie in?"""

from __future__ import annotations

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from vasotype.findings import Finding, StudyError
from vasotype.stages import Affine, Grid
from vasotype.study.geometry import axis_codes, orthonormalised, shear

MINIMAL_SLICES = 10
"""Fewer slices along any axis make no volume."""
MINIMAL_SPACING_MM, MAXIMAL_SPACING_MM = 0.1, 10.0
MAXIMAL_EXTENT_MM = 500.0
"""Bore of a head scanner, amply: a longer field of view means a wrong voxel size."""

NEGLIGIBLE_SHEAR = 1e-4
"""Rounding of float32 headers: 0.01 mm over a head, left as it is."""
REPAIRED_SHEAR = 0.01
"""Up to this cosine (0.6 degrees, about 1 mm at the edge of the head) right angles are restored;
beyond, the file was resliced wrongly or tilted, and is refused."""

SIZE_TOLERANCE = 0.01
"""Share by which the voxel size may differ from that of the affine."""


def read_grid(
    image: nib.Nifti1Image, shape: tuple[int, ...], name: str
) -> tuple[Grid, list[Finding]]:
    """Grid of an image whose data have ``shape``, and what is doubtful about it.

    ``name`` is the file name for messages. Raises StudyError ``not-three-dimensional``,
    ``too-few-slices``, ``bad-affine``, ``implausible-spacing`` or ``sheared-affine``.
    """
    if len(shape) != 3:
        raise StudyError(
            "not-three-dimensional",
            f"{name}: {len(shape)} dimensions {shape}; a sequence is one 3-D volume",
        )
    thin = int(np.argmin(shape))
    if shape[thin] < MINIMAL_SLICES:
        raise StudyError(
            "too-few-slices",
            f"{name}: axis {thin} has {shape[thin]} slices; a volume needs at least "
            f"{MINIMAL_SLICES}",
        )
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise StudyError("bad-affine", f"{name}: the header's affine has no inverse")
    told = Grid((shape[0], shape[1], shape[2]), affine)
    grid, findings = check_grid(told, name)
    return grid, findings + _orientation_doubts(image, name) + _size_doubts(image, told, name)


def check_grid(grid: Grid, name: str) -> tuple[Grid, list[Finding]]:
    """The grid, straightened where it is slightly sheared, if a head can lie in it.

    ``name`` is what messages call the image. Raises StudyError ``implausible-spacing`` or
    ``sheared-affine``.
    """
    _check_size(grid, name)
    return _straighten(grid, name)


def _check_size(grid: Grid, name: str) -> None:
    for axis, (count, spacing) in enumerate(zip(grid.shape, grid.spacing_mm, strict=True)):
        if not MINIMAL_SPACING_MM <= spacing <= MAXIMAL_SPACING_MM:
            raise StudyError(
                "implausible-spacing",
                f"{name}: axis {axis} has a voxel size of {spacing:g} mm; "
                f"{MINIMAL_SPACING_MM:g} to {MAXIMAL_SPACING_MM:g} mm are accepted",
            )
        if count * spacing > MAXIMAL_EXTENT_MM:
            raise StudyError(
                "implausible-spacing",
                f"{name}: axis {axis} is {count * spacing:.0f} mm long; a head fits in "
                f"{MAXIMAL_EXTENT_MM:.0f} mm",
            )


def _straighten(grid: Grid, name: str) -> tuple[Grid, list[Finding]]:
    angle = shear(grid.affine)
    if angle <= NEGLIGIBLE_SHEAR:
        return grid, []
    if angle > REPAIRED_SHEAR:
        raise StudyError(
            "sheared-affine",
            f"{name}: the voxel axes are not at right angles (cosine {angle:.3f}, at most "
            f"{REPAIRED_SHEAR:g})",
        )
    message = f"{name}: voxel axes {np.degrees(np.arcsin(angle)):.2f} degrees off a right angle"
    return orthonormalised(grid), [Finding("affine-straightened", message)]


def _orientation_doubts(image: nib.Nifti1Image, name: str) -> list[Finding]:
    sform = image.header.get_sform(coded=True)[0]
    qform = _qform(image.header)
    if sform is None and qform is None:
        message = f"{name}: neither qform nor sform is set; left and right are a guess"
        return [Finding("no-orientation", message)]
    if sform is None or qform is None:
        return []
    codes = axis_codes(sform), axis_codes(qform)
    if codes[0] == codes[1]:
        return []
    message = f"{name}: sform says {codes[0]}, qform says {codes[1]}; the sform was believed"
    return [Finding("left-right-doubt", message)]


def _size_doubts(image: nib.Nifti1Image, grid: Grid, name: str) -> list[Finding]:
    """A header says the voxel size twice: in the affine, and beside it."""
    zooms = np.array(image.header.get_zooms()[:3], dtype=np.float64)
    spacing = np.array(grid.spacing_mm)
    if np.allclose(zooms, spacing, rtol=SIZE_TOLERANCE, atol=0):
        return []
    plain, by_affine = (" x ".join(f"{e:.3g}" for e in edges) for edges in (zooms, spacing))
    message = f"{name}: voxels of {plain} mm, by the affine {by_affine} mm; the affine was believed"
    return [Finding("voxel-size-doubt", message)]


def _qform(header: nib.Nifti1Header) -> Affine | None:
    try:
        qform = header.get_qform(coded=True)[0]
    except (HeaderDataError, ValueError):  # an impossible quaternion
        return None
    usable = qform is not None and np.isfinite(qform).all() and np.linalg.det(qform[:3, :3])
    return np.asarray(qform, dtype=np.float64) if usable else None
