"""Read one NIfTI file (``.nii``, ``.nii.gz``, ``.nii.bz2``) and check what it holds."""

from __future__ import annotations

import math
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray
from scipy import ndimage

from vasotype.findings import Finding, StudyError
from vasotype.stages import Array, Volume
from vasotype.study.header import read_grid
from vasotype.study.naming import SUFFIXES, stem

NON_FINITE_SHARE = 0.01
"""Share of NaN and infinite voxels inside the image above which it is refused."""
LABEL_VALUES = 5
"""An image of whole numbers with no more distinct values than this is a label map."""
CT_VALUE, CT_SHARE = -500.0, 0.1
"""Air in Hounsfield units: MR has no such share of strongly negative values."""

MAXIMAL_VOXELS = 400_000_000
"""1.6 GB of float32: ten times a large head volume."""


def read_volume(path: Path, *, structural: bool = True) -> tuple[Volume, list[Finding]]:
    """Read a 3-D image as float32 in the units of the file, and note what is odd about it.

    Trailing axes of length 1 are dropped. NaN and infinite voxels become 0 where they are a
    background (joined to the border) or fewer than 1 % of the image. ``structural`` images must
    look like MR intensities; quantitative maps may be anything that varies.

    Raises StudyError ``file-missing``, ``unreadable-image``, ``image-size``, those of
    :func:`~vasotype.study.header.read_grid`, ``non-finite-voxels``, ``empty-image``,
    ``label-map`` or ``not-mr``.
    """
    image, data = _load(path)
    grid, findings = read_grid(image, data.shape, path.name)
    data, noted = _finite(data, path.name)
    check_content(data, path.name, structural=structural)
    return Volume(data, grid, path), findings + noted


def _load(path: Path) -> tuple[nib.Nifti1Image, Array]:
    if not path.is_file():
        raise StudyError("file-missing", f"{path.name}: no such file")
    if stem(path.name) is None:
        raise StudyError("unreadable-image", f"{path.name}: not one of {', '.join(SUFFIXES)}")
    try:
        image = nib.load(path)
        if not isinstance(image, nib.Nifti1Image):
            raise ImageFileError("another format under a NIfTI name")
        _check_voxels(image.shape, path.name)
        raw = np.asanyarray(image.dataobj)
    except StudyError:
        raise
    except Exception as error:  # nibabel, zlib and numpy raise many kinds for a damaged file
        raise StudyError(
            "unreadable-image", f"{path.name}: not a NIfTI image, or cut short"
        ) from error
    if raw.dtype.kind not in "iuf":
        raise StudyError("unreadable-image", f"{path.name}: colour or complex voxels")
    while raw.ndim > 3 and raw.shape[-1] == 1:
        raw = raw[..., 0]
    with np.errstate(over="ignore"):  # what float32 can't hold becomes infinite and is counted
        return image, raw.astype(np.float32)


def _check_voxels(shape: tuple[int, ...], name: str) -> None:
    voxels = math.prod(shape)
    if min(shape, default=0) < 1 or voxels > MAXIMAL_VOXELS:
        raise StudyError(
            "image-size",
            f"{name}: {' x '.join(map(str, shape)) or 'no'} voxels; 1 to "
            f"{MAXIMAL_VOXELS // 10**6} million are read",
        )


def _finite(data: Array, name: str) -> tuple[Array, list[Finding]]:
    bad = ~np.isfinite(data)
    count = int(bad.sum())
    if count == 0:
        return data, []
    share = float((bad & ~_joined_to_border(bad)).mean())
    if share > NON_FINITE_SHARE:
        raise StudyError(
            "non-finite-voxels",
            f"{name}: {share:.1%} of the voxels inside the image are NaN or infinite; at most "
            f"{NON_FINITE_SHARE:.0%} are accepted",
        )
    message = f"{name}: {count} voxels were NaN or infinite and are read as 0"
    return np.where(bad, np.float32(0), data), [Finding("non-finite-zeroed", message)]


def _joined_to_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    border = np.ones(mask.shape, dtype=bool)
    border[1:-1, 1:-1, 1:-1] = False
    return np.asarray(ndimage.binary_propagation(border & mask, mask=mask), dtype=bool)


def check_content(data: Array, name: str, *, structural: bool) -> None:
    """Refuse what can't be an image, or with ``structural`` can't be an MR image.

    Raises StudyError ``empty-image``, ``label-map`` or ``not-mr``; ``name`` is the image's.
    """
    low, high = float(data.min()), float(data.max())
    if low == high:
        raise StudyError("empty-image", f"{name}: every voxel is {low:g}")
    if not structural:
        return
    sample = data.ravel(order="K")[::7]
    values = np.unique(sample)
    if len(values) <= LABEL_VALUES and np.array_equal(values, np.round(values)):
        raise StudyError(
            "label-map", f"{name}: only {len(values)} distinct values; this is a label map"
        )
    if low < CT_VALUE and float((sample < CT_VALUE).mean()) > CT_SHARE:
        raise StudyError(
            "not-mr", f"{name}: {low:g} at the lowest, as in CT; an MR sequence is needed"
        )
