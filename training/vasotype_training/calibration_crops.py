"""Fit the calibration of a finished model folder on simulated patients, with the runtime itself.

Every patient is answered once a tier by the exported graph; segmentation, lesions and biomarkers
are the runtime's own, so that the numbers hold for what it does later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from vasotype.engine import Engine
from vasotype_models.contract import Calibration

from vasotype_training.calibrate import calibrate
from vasotype_training.config import expand, read_config
from vasotype_training.lesion_crops import CropOptions, CropStream, anatomy_places
from vasotype_training.measured_lesions import MeasuredLesion, measure_crop
from vasotype_training.simulate.shape import read_outlines

log = logging.getLogger(__name__)

CALIBRATION_STREAM = 1_000_003
"""Second part of the seed: calibration crops are never those of the training."""
REPORT_EVERY = 20


def fit_on_crops(folder: Path, config_path: Path, count: int) -> Calibration:
    """Fit the calibration of a model folder on ``count`` simulated patients.

    They live in the anatomies of the model's own training configuration. Takes about 4 s of one
    core a patient. Raises ValueError where they are too few.
    """
    config = read_config(config_path)
    data = config.data
    stream = CropStream(
        anatomy_places([expand(path) for path in data.anatomies]),
        read_outlines(expand(data.outlines)) if data.outlines else [],
        CropOptions(),
        (config.seed, CALIBRATION_STREAM),
    )
    lesions = list(measure_stream(Engine.load(folder, "cpu"), stream, count))
    source = (
        f"{len(lesions)} simulated lesions of {count} patients, anatomies of {config_path.name}, "
        f"seed {config.seed}"
    )
    return calibrate(lesions, source)


def measure_stream(engine: Engine, stream: CropStream, count: int) -> Iterator[MeasuredLesion]:
    """The measured lesions of the first ``count`` patients of a stream."""
    start, found = time.monotonic(), 0
    for number in range(count):
        for lesion in measure_crop(engine, stream.crop(number), number):
            found += 1
            yield lesion
        if (number + 1) % REPORT_EVERY == 0:
            seconds = time.monotonic() - start
            log.info("%d of %d patients, %d lesions, %.0f s", number + 1, count, found, seconds)
