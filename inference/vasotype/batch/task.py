"""What one worker does: one study, whatever happens to it."""

from __future__ import annotations

import functools
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vasotype.batch.earlier import earlier_result, made_otherwise
from vasotype.engine.providers import Device
from vasotype.findings import StudyError
from vasotype.outputs import OutputOptions
from vasotype.pipeline import Vasotype, load
from vasotype.settings import Settings
from vasotype.study.extras import NO_EXTRAS, Extras

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One study of a batch: where it lies, where its results go, and how to analyse it.

    ``settings`` are those that a finished result must have been made with; ``calibration`` is a
    file that takes the place of the model's own, ``protocol`` and ``rules`` of those that ship.
    """

    name: str
    study: Path
    output: Path
    model: str
    settings: Settings
    calibration: Path | None
    protocol: Path | None
    rules: Path | None
    device: Device
    threads: int
    options: OutputOptions
    extras: Extras = NO_EXTRAS


@dataclass(frozen=True)
class Outcome:
    """What became of one study; ``kept`` is one that was finished before with the same settings."""

    study: str
    status: Literal["done", "kept", "failed"]
    code: str = ""
    message: str = ""
    seconds: float = 0.0


def settled(task: Task) -> Outcome | None:
    """The outcome of a study that needs no analysis; None of one that does.

    What was made with the same settings is kept, and what was made otherwise is refused unless it
    may be overwritten.
    """
    earlier = None if task.options.overwrite else earlier_result(task.output)
    if earlier is None:
        return None
    try:
        differing = made_otherwise(earlier, task.study, task.settings)
    except StudyError:
        return None  # its analysis will say what is wrong with it
    if not differing:
        return Outcome(task.name, "kept")
    said = f"{task.output}: holds a result made with {', '.join(differing)}; see --overwrite"
    return Outcome(task.name, "failed", "output-exists", said)


def analyse(task: Task) -> Outcome:
    """Analyse one study and write its results; never raises.

    A study that is finished already is kept: a cluster may send a task twice.
    """
    if (outcome := settled(task)) is not None:
        return outcome
    start = time.monotonic()
    try:
        analyser = _analyser(
            task.model, task.device, task.threads, task.calibration, task.protocol, task.rules
        )
        analyser.run(task.study, task.output, task.options, extras=task.extras)
    except StudyError as error:
        return Outcome(task.name, "failed", error.code, str(error), time.monotonic() - start)
    except Exception as error:
        log.debug("traceback", exc_info=error)
        message = f"unexpected {type(error).__name__}: {error}"
        return Outcome(task.name, "failed", "internal-error", message, time.monotonic() - start)
    return Outcome(task.name, "done", seconds=time.monotonic() - start)


@functools.cache
def _analyser(
    model: str,
    device: Device,
    threads: int,
    calibration: Path | None,
    protocol: Path | None,
    rules: Path | None,
) -> Vasotype:
    """The model, loaded once a process."""
    return load(model, device, threads, calibration, protocol, rules)
