"""The whole chain on one screen: read -> prepare -> segment -> measure -> phenotype -> write."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vasotype.engine import Engine, find_model
from vasotype.engine.providers import Device
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.outputs import OutputOptions, refuse_occupied, write_outputs
from vasotype.outputs.record import Reading, make_result
from vasotype.phenotype import read_phenotypes
from vasotype.phenotype.rules import Rulebook, default_rules, read_by_rules
from vasotype.prepare import prepare
from vasotype.result import Result
from vasotype.stages import LesionSet, Maps, Prepared, Study
from vasotype.study import read_study

Source = Study | Path | str | Mapping[str, Path]
DEFAULTS = OutputOptions()

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Analysis:
    """Everything that is known of a study after the chain, before anything is written."""

    prepared: Prepared
    maps: Maps
    lesions: LesionSet
    result: Result


@dataclass(frozen=True)
class Vasotype:
    """A loaded model, ready to analyse studies: folders, channel -> file mappings, or values.

    ``rules`` are those of the reading by thresholds that stands beside the model's answer.
    """

    engine: Engine
    rules: Rulebook = field(default_factory=default_rules)

    def run(
        self,
        source: Source,
        output: Path | str | None = None,
        options: OutputOptions = DEFAULTS,
        *,
        overrides: Mapping[str, Path] | None = None,
    ) -> Result:
        """Analyse a study and, where ``output`` names a folder, write its results there.

        ``overrides`` (channel -> file) adds to the files of a folder, or replaces them. Raises
        StudyError when the input can't give a right answer or the folder is taken.
        """
        clock = _Clock()
        study = _read(source, overrides, clock)
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
        return self._analyse(_read(source, None, clock), clock)

    def _analyse(self, study: Study, clock: _Clock) -> Analysis:
        contract, calibration = self.engine.contract, self.engine.calibration
        with clock.stage("prepare"):
            prepared = prepare(study, multiple=contract.grid.multiple)
        with clock.stage("segment"):
            maps = self.engine.predict(prepared)
        with clock.stage("measure"):
            lesions = find_lesions(prepared, maps, contract.inference)
            voxel_ml = {channel: volume.grid.voxel_ml for channel, volume in study.volumes.items()}
            biomarkers = measure_biomarkers(prepared, lesions, voxel_ml)
        with clock.stage("phenotype"):
            phenotypes = read_phenotypes(prepared, maps, lesions, contract, calibration)
            readings = [
                Reading(phenotype, measured, read_by_rules(measured, phenotype, self.rules))
                for phenotype, measured in zip(phenotypes, biomarkers, strict=True)
            ]
        result = make_result(self.engine, study, prepared, lesions, readings, clock.laps_s)
        return Analysis(prepared, maps, lesions, result)


def load(
    model: str | Path = "default", device: Device = "auto", threads: int | None = None
) -> Vasotype:
    """Load a model by name or folder; ``threads`` None means every core this process may use.

    Raises StudyError when there is no such model, its files are damaged, or CUDA is demanded and
    can't be had.
    """
    return Vasotype(Engine.load(find_model(model), device, threads))


@dataclass
class _Clock:
    """Seconds of each stage, in order."""

    laps_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Say that a stage begins, and take its time."""
        log.info(name)
        start = time.perf_counter()
        yield
        self.laps_s[name] = time.perf_counter() - start


def _read(source: Source, overrides: Mapping[str, Path] | None, clock: _Clock) -> Study:
    if isinstance(source, Study):
        return source
    with clock.stage("read"):
        return read_study(Path(source) if isinstance(source, str) else source, overrides=overrides)
