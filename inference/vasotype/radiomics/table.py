"""``radiomics.tsv``: IBSI features of each lesion's tumor and edema, one row a feature."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import CHANNELS, SNFH

from vasotype.boxes import instance_boxes
from vasotype.radiomics import intensity, shape, texture
from vasotype.stages import LesionSet, Mask, Prepared

BINS = 32
"""Grey levels of histogram and texture. Ours, within the usual range."""
LEAST_VOXELS = 64
"""Voxels (1 mm³) below which a region gets no features. Ours."""
HEADER = ("lesion", "region", "sequence", "feature", "ibsi", "value")
CODES = {**shape.CODES, **intensity.CODES, **texture.CODES}


@dataclass(frozen=True)
class Feature:
    """One value of a lesion's ``region``, tumor or edema; ``sequence`` is empty for a shape."""

    lesion: int
    region: str
    sequence: str
    feature: str
    value: float


def radiomic_features(prepared: Prepared, lesions: LesionSet) -> Iterator[Feature]:
    """Features of tumor and edema of each lesion, on the prepared 1 mm grid.

    Intensities of a sequence are relative to the brain's: 0 at its median, 1 a spread of
    (p95 - p5) / 3.3 above it. Histogram and texture take ``BINS`` grey levels over the region's
    own range. Regions below ``LEAST_VOXELS`` are left out.
    """
    for lesion, box in zip(lesions.lesions, instance_boxes(lesions.owner), strict=True):
        regions = {
            "tumor": lesions.instances[box] == lesion.id,
            "edema": (lesions.tissue[box] == SNFH) & (lesions.owner[box] == lesion.id),
        }
        for name, mask in regions.items():
            if mask.sum() < LEAST_VOXELS:
                continue
            for feature, value in shape.shape_features(mask, prepared.grid.spacing_mm).items():
                yield Feature(lesion.id, name, "", feature, value)
            for channel in prepared.structural:
                index = CHANNELS.index(channel)
                location, scale = prepared.stats[index]
                image = (prepared.image[(index, *box)].astype(np.float64) - location) / scale
                for feature, value in _of_image(image, mask).items():
                    yield Feature(lesion.id, name, channel, feature, value)


def write_radiomics(prepared: Prepared, lesions: LesionSet, path: Path) -> None:
    """Write the features of a study; one without lesions gives the header alone."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(HEADER)
        for f in radiomic_features(prepared, lesions):
            row = (f.lesion, f.region, f.sequence, f.feature, CODES[f.feature])
            writer.writerow([*row, f"{f.value:.6g}"])


def _of_image(image: NDArray[np.float64], mask: Mask) -> dict[str, float]:
    values = image[mask]
    levels = np.zeros(mask.shape, np.int64)
    levels[mask] = intensity.discretised(values, BINS)
    return {
        **intensity.intensity_features(values),
        **intensity.histogram_features(levels[mask]),
        **texture.co_occurrence_features(levels),
        **texture.zone_features(levels),
    }
