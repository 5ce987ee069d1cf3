"""NIfTI writers: every map lies on the native grid of the reference sequence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import HABITATS, MODES

from vasotype.boxes import bounding_box, box_in, crop
from vasotype.phenotype.pooling import sigmoid, softmax
from vasotype.prepare import to_native
from vasotype.stages import Array, Grid

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

SCANNER = 1
"""NIfTI code of scanner coordinates, given to sform and qform alike."""
MARGIN = 4
"""Model voxels around the lesions that native voxels of theirs may take values from."""


def write_label_maps(analysis: Analysis, folder: Path) -> None:
    """``segmentation.nii.gz`` (uint8, the contract's labels) and ``lesions.nii.gz`` (uint16)."""
    grid = analysis.prepared.native.grid
    _save(analysis.lesions.native_tissue, grid, folder / "segmentation.nii.gz")
    _save(analysis.lesions.native_instances, grid, folder / "lesions.nii.gz")


def write_habitats(analysis: Analysis, folder: Path) -> None:
    """``habitats.nii.gz``, float32 [X, Y, Z, 5]: probabilities and shares, 0-1.

    Voxelwise mode probabilities, then mimicry and low permeability; inside lesion cores only.
    """
    prepared, lesions = analysis.prepared, analysis.lesions
    native = _file_order(len(HABITATS), prepared.native.grid)
    if lesions.instances.any():
        box = bounding_box(lesions.instances > 0, MARGIN)
        shares = _shares(analysis.maps.habitat[(slice(None), *box)])
        native = _on_native(shares, crop(prepared.grid, box), prepared.native.grid)
        native *= lesions.native_instances[..., None] > 0
    _save(native, prepared.native.grid, folder / "habitats.nii.gz")


def write_probabilities(analysis: Analysis, folder: Path) -> None:
    """``probabilities.nii.gz``, float32 [X, Y, Z, 4] in the contract's tissue order.

    They sum to 1; where the model's grid does not reach, all is background.
    """
    prepared = analysis.prepared
    native = _on_native(analysis.maps.tissue, prepared.grid, prepared.native.grid)
    native[..., 0] += 1.0 - native.sum(axis=-1)
    _save(native, prepared.native.grid, folder / "probabilities.nii.gz")


def _shares(logits: Array) -> Array:
    """Habitat logits [5, X, Y, Z] as probabilities and shares."""
    shares = np.empty_like(logits)
    modes = len(MODES)
    shares[:modes] = softmax(logits[:modes])
    shares[modes:] = sigmoid(logits[modes:])
    return shares


def _on_native(values: Array, grid: Grid, native: Grid) -> Array:
    """Values [C, X, Y, Z] of ``grid`` on the native grid, [x, y, z, C], zero outside."""
    whole = _file_order(len(values), native)
    box = box_in(native, grid)
    if box is not None:
        whole[box] = np.moveaxis(to_native(values, grid, crop(native, box), 1), 0, -1)
    return whole


def _file_order(channels: int, grid: Grid) -> Array:
    """Zeros [X, Y, Z, C] in the order in which NIfTI stores voxels, so that writing is a copy."""
    return np.zeros((*grid.shape, channels), np.float32, order="F")


def _save(values: NDArray[Any], grid: Grid, path: Path) -> None:
    """Save a map whose sform and qform are both the grid's affine, mm."""
    image = nib.Nifti1Image(values, grid.affine)
    image.set_sform(grid.affine, SCANNER)
    image.set_qform(grid.affine, SCANNER)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
