"""A DICOM series that stands for a NIfTI image, so that results can refer to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from vasotype.findings import StudyError
from vasotype.prepare.resample import resample
from vasotype.stages import Study, Volume

SAME_IMAGE = 0.7
"""Least correlation of two samplings of one image (ours): bias correction and interpolation leave
more, another patient or place much less."""
COVERED = 0.5
"""Least share of the bright part of the image that the series must show (ours)."""


def refer_to(study: Study, place: Path) -> Study:
    """The study, its reference image now said to come from the one DICOM series at ``place``.

    Both must show the same image in the same place; the grids may differ. Raises StudyError
    ``reference-not-dicom`` and ``reference-mismatch``, and those of
    :func:`~vasotype.study.identify.study.read_image`.
    """
    from vasotype.study.identify.study import read_image

    series, findings = read_image(place, structural=True)
    if series.source is None:
        raise StudyError("reference-not-dicom", f"{place.name}: not a DICOM series")
    channel = study.reference
    image = study.volumes[channel]
    _check_same(image, series, place.name, channel)
    volumes = {**study.volumes, channel: replace(image, source=series.source)}
    return replace(study, volumes=volumes, findings=(*study.findings, *findings))


def _check_same(image: Volume, series: Volume, name: str, channel: str) -> None:
    moved = resample(image.data, image.grid, series.grid)
    level = float(image.data.mean())
    bright = moved > level
    seen_ml = np.count_nonzero(bright) * series.grid.voxel_ml
    whole_ml = np.count_nonzero(image.data > level) * image.grid.voxel_ml
    if seen_ml < COVERED * whole_ml:
        raise StudyError(
            "reference-mismatch", f"{name}: shows {seen_ml:.0f} of {whole_ml:.0f} mL of {channel}"
        )
    likeness = float(np.corrcoef(moved[bright], series.data[bright])[0, 1])
    if not likeness >= SAME_IMAGE:
        raise StudyError(
            "reference-mismatch",
            f"{name}: correlates with {channel} by {likeness:.2f}; at least {SAME_IMAGE:g} is "
            "expected of the same image in the same place",
        )
