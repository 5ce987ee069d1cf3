"""A brain without tumor: whatever a model finds in it is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from vasotype.findings import StudyError
from vasotype.lesions.diameters import axial_diameters
from vasotype.prepare import resample
from vasotype.stages import Grid, Labels
from vasotype_models.contract import ET

from vasotype_training.evaluate.components import components, region
from vasotype_training.evaluate.detection import LEAST_FALSE_POSITIVE_MM
from vasotype_training.evaluate.figures import Figure
from vasotype_training.evaluate.metrics import Estimate
from vasotype_training.evaluate.predictions import Prediction
from vasotype_training.evaluate.score import one_mm_grid
from vasotype_training.evaluate.summary import Measure


@dataclass(frozen=True)
class TumorFree:
    """A study without tumor; ``other`` is a mask file of other lesions, such as MS plaques."""

    folder: Path
    other: Path | None = None


def tumor_free_figures(case: TumorFree, prediction: Prediction) -> list[Figure]:
    """Lesions with enhancement and mL of tumor found, outside and inside other lesions.

    Raises StudyError ``truth-grid`` where the mask of other lesions can't be read.
    """
    grid = one_mm_grid(prediction.grid)
    tissue = resample(prediction.tissue, prediction.grid, grid, order=0)
    other = np.zeros(grid.shape, bool)
    if case.other is not None:
        other = resample(*_read_mask(case.other), grid, order=0) > 0
    parts = components(region(tissue, "tc"))
    lesions = 0
    for number in np.unique(parts[tissue == ET]):
        extent = axial_diameters(parts == number, grid.affine).longest_mm
        lesions += extent >= LEAST_FALSE_POSITIVE_MM
    volumes = {
        "enhancing_ml": tissue == ET,
        "tumor_ml, outside other lesions": (tissue > 0) & ~other,
        "core_ml, inside other lesions": region(tissue, "tc") & other,
    }
    figures = Measure("enhancing_lesions", "lower", 0.0).of(1, _plain(float(lesions)))
    for metric, mask in volumes.items():
        value = float(mask.sum()) * grid.voxel_ml
        figures += Measure(metric, "lower", 0.05).of(1, _plain(value))
    return figures


def _plain(value: float) -> Estimate:
    return Estimate(value, math.nan, math.nan)


def _read_mask(path: Path) -> tuple[Labels, Grid]:
    try:
        image = nib.Nifti1Image.from_filename(path)
        data = np.asarray(image.dataobj)
    except (OSError, nib.filebasedimages.ImageFileError) as error:
        raise StudyError("truth-grid", f"{path.name}: {error}") from error
    x, y, z = data.shape
    mask = (data > 0).astype(np.uint8)
    return mask, Grid((x, y, z), np.asarray(image.affine, np.float64))
