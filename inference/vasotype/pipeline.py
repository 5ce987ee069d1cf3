"""The whole chain on one screen: read -> prepare -> segment -> measure -> phenotype -> write."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vasotype_models.registry import resolve

from vasotype.engine import Engine
from vasotype.engine.providers import Device
from vasotype.findings import StudyError
from vasotype.lesions import find_lesions
from vasotype.outputs import OutputOptions, refuse_occupied, write_outputs
from vasotype.outputs.record import make_result
from vasotype.phenotype import read_phenotypes
from vasotype.prepare import prepare
from vasotype.result import Result
from vasotype.stages import LesionSet, Maps, Prepared, Study
from vasotype.study import read_study

Source = Study | Path | str | Mapping[str, Path]
DEFAULTS = OutputOptions()


@dataclass(frozen=True)
class Analysis:
    """Everything that is known of a study after the chain, before anything is written."""

    prepared: Prepared
    maps: Maps
    lesions: LesionSet
    result: Result


@dataclass(frozen=True)
class Vasotype:
    """A loaded model, ready to analyse studies: folders, channel -> file mappings, or values."""

    engine: Engine

    def run(
        self, source: Source, output: Path | str | None = None, options: OutputOptions = DEFAULTS
    ) -> Result:
        """Analyse a study and, where ``output`` names a folder, write its results there.

        Raises StudyError when the input can't give a right answer or the folder is taken.
        """
        clock = _Clock()
        study = _read(source, clock)
        if output is None:
            return self._analyse(study, clock).result
        refuse_occupied(Path(output), study.name, options.overwrite)
        write_outputs(self._analyse(study, clock), Path(output), options)
        return Result.read(output)

    def analyse(self, source: Source) -> Analysis:
        """Analyse a study and keep all stage values; nothing is written.

        Raises StudyError when the input can't give a right answer.
        """
        clock = _Clock()
        return self._analyse(_read(source, clock), clock)

    def _analyse(self, study: Study, clock: _Clock) -> Analysis:
        contract, calibration = self.engine.contract, self.engine.calibration
        prepared = prepare(study, multiple=contract.grid.multiple)
        clock.lap("prepare")
        maps = self.engine.predict(prepared)
        clock.lap("segment")
        lesions = find_lesions(prepared, maps, contract.inference)
        clock.lap("measure")
        phenotypes = read_phenotypes(prepared, maps, lesions, contract, calibration)
        clock.lap("phenotype")
        result = make_result(self.engine, study, prepared, lesions, phenotypes, clock.laps_s)
        return Analysis(prepared, maps, lesions, result)


def load(
    model: str | Path = "default", device: Device = "auto", threads: int | None = None
) -> Vasotype:
    """Load a model by name or folder; ``threads`` None means every core this process may use.

    Raises StudyError when there is no such model, its files are damaged, or CUDA is demanded and
    can't be had.
    """
    try:
        folder = resolve(model)
    except LookupError as error:
        raise StudyError("model-unknown", str(error)) from error
    return Vasotype(Engine.load(folder, device, threads))


@dataclass
class _Clock:
    """Seconds of each stage, in order."""

    laps_s: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.laps_s[stage], self._last = now - self._last, now


def _read(source: Source, clock: _Clock) -> Study:
    if isinstance(source, str):
        source = Path(source)
    study = source if isinstance(source, Study) else read_study(source)
    clock.lap("read")
    return study
