"""What one worker does: one study, whatever happens to it."""

from __future__ import annotations

import functools
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vasotype.engine.providers import Device
from vasotype.findings import StudyError
from vasotype.outputs import OutputOptions
from vasotype.pipeline import Vasotype, load
from vasotype.result import Result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One study of a batch: where it lies, where its results go, and how to analyse it.

    ``model_sha256`` is the digest of the model that a finished result must name; ``calibration``
    and ``protocol`` are files that take the place of the model's own and of the one that ships.
    """

    name: str
    study: Path
    output: Path
    model: str
    model_sha256: str
    calibration: Path | None
    protocol: Path | None
    device: Device
    threads: int
    options: OutputOptions


@dataclass(frozen=True)
class Outcome:
    """What became of one study; ``kept`` is one that this model had finished before."""

    study: str
    status: Literal["done", "kept", "failed"]
    code: str = ""
    message: str = ""
    seconds: float = 0.0


def is_finished(task: Task) -> bool:
    """Whether the output folder holds a readable result of the same model."""
    try:
        return Result.read(task.output).model.sha256 == task.model_sha256
    except (OSError, ValueError):
        return False


def analyse(task: Task) -> Outcome:
    """Analyse one study and write its results; never raises.

    A study that is finished already is kept: a cluster may send a task twice.
    """
    if is_finished(task) and not task.options.overwrite:
        return Outcome(task.name, "kept")
    start = time.monotonic()
    try:
        analyser = _analyser(task.model, task.device, task.threads, task.calibration, task.protocol)
        analyser.run(task.study, task.output, task.options)
    except StudyError as error:
        return Outcome(task.name, "failed", error.code, str(error), time.monotonic() - start)
    except Exception as error:
        log.debug("traceback", exc_info=error)
        message = f"unexpected {type(error).__name__}: {error}"
        return Outcome(task.name, "failed", "internal-error", message, time.monotonic() - start)
    return Outcome(task.name, "done", seconds=time.monotonic() - start)


@functools.cache
def _analyser(
    model: str, device: Device, threads: int, calibration: Path | None, protocol: Path | None
) -> Vasotype:
    """The model, loaded once a process."""
    return load(model, device, threads, calibration, protocol)
