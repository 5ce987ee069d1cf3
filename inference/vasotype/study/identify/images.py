"""Images whose names follow no convention: told by sidecar, words of the name, and intensities.

The same rules as for DICOM are asked; a file's name stands for the words of the console.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from vasotype.findings import Finding
from vasotype.stages import AcquisitionFacts, Grid, SourceSeries, Volume
from vasotype.study import sidecar
from vasotype.study.dicom import Layout, Series
from vasotype.study.identify.choose import choose
from vasotype.study.identify.engine import Identified, identify_series
from vasotype.study.identify.rules import default_rules, plain_words
from vasotype.study.naming import stem
from vasotype.study.nifti import read_volume
from vasotype.study.series import Guessed


def guess_images(paths: Sequence[Path], known: Collection[str]) -> Guessed:
    """Identify 3-D images by sidecar, name and intensities.

    Channels in ``known`` are settled and passed over. Each image that is taken becomes a finding;
    files that can't be read are passed over.
    """
    images = {one: path for n, path in enumerate(paths, 1) if (one := _series(n, path)) is not None}

    def read(one: Series) -> Volume:
        return read_volume(images[one])[0]

    identified = identify_series(list(images), read)
    choice = choose(identified, known)
    files = {channel: images[one.series] for channel, one in choice.series.items()}
    findings = [
        Finding(
            "sequence-guessed",
            f"{images[one.series].name} was taken as {channel}: {'; '.join(one.reasons)}",
        )
        for channel, one in choice.series.items()
    ]
    series = [source_series(one, choice.series, images[one.series].name) for one in identified]
    passed = [SourceSeries(path.name, "unknown") for path in paths if path not in images.values()]
    return Guessed(files, (*series, *passed), tuple(findings))


def source_series(
    one: Identified, chosen: Mapping[str, Identified], name: str | None = None
) -> SourceSeries:
    """An identified series as the study remembers it."""
    channel = next((c for c, other in chosen.items() if other.series is one.series), None)
    grid, problem = one.series.grid, one.series.problem
    return SourceSeries(
        name=name or one.series.name,
        kind=str(one.kind),
        channel=channel,
        reasons=(*one.reasons, str(problem)) if problem else one.reasons,
        facts=one.series.facts,
        spacing_mm=grid.spacing_mm if grid else None,
        times=one.series.layout.times,
        contrast_given=one.contrast_given,
    )


def _series(number: int, path: Path) -> Series | None:
    """An image as the rules see it; None where it is no 3-D image that can be read."""
    try:
        image = nib.Nifti1Image.from_filename(path)
        shape = tuple(side for side in image.shape if side > 1)
        affine = np.asarray(image.affine, dtype=np.float64)
    except Exception:  # the reader's own checks tell what is wrong, once the file is named
        return None
    if len(shape) != 3 or not np.isfinite(affine).all():
        return None
    grid = Grid((shape[0], shape[1], shape[2]), affine)
    return Series(number, path.name, _facts(path), Layout(shape[2]), ((),), grid)


def _facts(path: Path) -> AcquisitionFacts:
    facts = sidecar.read_facts(path)
    name = stem(path.name) or ""
    facts = replace(facts, protocol=f"{facts.description} {facts.protocol}", description=name)
    words = default_rules().contrast
    told = re.search(words.name_with, plain_words(name))
    if told and not re.search(words.name_without, plain_words(name)) and not facts.agent:
        # Whoever names a file so has looked at the image: it counts like a header that says it.
        facts = replace(facts, agent="by the file's name")
    return facts
