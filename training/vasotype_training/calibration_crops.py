"""Fit the calibration of a finished model folder on simulated patients, with the runtime itself.

Every patient is answered once a tier by the exported graph; segmentation, lesions and biomarkers
are the runtime's own, so that the numbers hold for what it does later.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from vasotype.engine import Engine
from vasotype_models.contract import QUANTITATIVE, Calibration

from vasotype_training.calibrate import calibrate
from vasotype_training.calibrate_inputs import with_pet, with_reduced_input
from vasotype_training.config import expand, read_config
from vasotype_training.lesion_crops import CropOptions, CropStream
from vasotype_training.measured_lesions import MeasuredLesion, measure_crop
from vasotype_training.simulate.shape import read_outlines
from vasotype_training.simulate.sources import anatomy_places

log = logging.getLogger(__name__)

CALIBRATION_STREAM = 1_000_003
"""Second part of the seed: calibration crops are never those of the training."""
REPORT_EVERY = 20
REDUCED = ("t1c", "flair", *QUANTITATIVE)
"""Channels of patients without T1 and T2."""


def fit_on_crops(folder: Path, config_path: Path, count: int) -> Calibration:
    """Fit the calibration of a model folder on ``count`` simulated patients.

    They live in the anatomies of the model's own training configuration. Every second patient is
    also measured with T1c and FLAIR alone, the others with PET. Takes about 8 s of one core a
    patient. Raises ValueError where they are too few.
    """
    config = read_config(config_path)
    data = config.data
    stream = CropStream(
        anatomy_places([expand(path) for path in data.anatomies]),
        read_outlines(expand(data.outlines)) if data.outlines else [],
        CropOptions(),
        (config.seed, CALIBRATION_STREAM),
    )
    engine = Engine.load(folder, "cpu")
    measured = measure_patients(engine, stream, count)
    source = (
        f"{len(measured.usual)} simulated lesions of {count} patients, anatomies of "
        f"{config_path.name}, seed {config.seed}"
    )
    calibration = with_reduced_input(calibrate(measured.usual, source), measured.without_t1)
    calibration = with_pet(calibration, measured.usual, measured.with_pet)
    return calibration.of_model(engine.identity.sha256)


@dataclass(frozen=True)
class Measured:
    """Lesions of the same patients by their input: all four sequences and maps, T1c and FLAIR
    with maps, and all with PET.
    """

    usual: list[MeasuredLesion] = field(default_factory=list)
    without_t1: list[MeasuredLesion] = field(default_factory=list)
    with_pet: list[MeasuredLesion] = field(default_factory=list)


def measure_patients(engine: Engine, stream: CropStream, count: int) -> Measured:
    """The measured lesions of the first ``count`` patients of a stream."""
    start, measured = time.monotonic(), Measured()
    for number in range(count):
        crop = stream.crop(number)
        measured.usual.extend(measure_crop(engine, crop, number))
        if number % 2:
            measured.with_pet.extend(measure_crop(engine, crop, number, pet=True))
        else:
            measured.without_t1.extend(measure_crop(engine, crop.with_only(REDUCED), number))
        if (number + 1) % REPORT_EVERY == 0:
            seconds, found = time.monotonic() - start, len(measured.usual)
            log.info("%d of %d patients, %d lesions, %.0f s", number + 1, count, found, seconds)
    return measured
