"""The whole chain on one screen: read -> prepare -> segment -> measure -> phenotype -> write."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from vasotype.acquisition import acquisition_findings, check, minutes_after_contrast
from vasotype.acquisition.protocol import Protocol, default_protocol, read_protocol
from vasotype.engine import Engine, find_model
from vasotype.engine.providers import Device
from vasotype.engine.tissue_calibration import calibrated
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.lesions.biomarkers_region import ScanFacts
from vasotype.lesions.contrast import without_contrast
from vasotype.outputs import OutputOptions, refuse_occupied, write_outputs
from vasotype.outputs.record import Reading, make_result
from vasotype.perfusion.stage import Perfusion, measure_perfusion
from vasotype.phenotype import LesionInput, adjust_edema, lesion_inputs, read_phenotypes
from vasotype.phenotype.known import Known, compare_lesions
from vasotype.phenotype.pet import readable_pet
from vasotype.phenotype.rules import (
    Rulebook,
    default_rules,
    read_by_rules,
    read_rules,
    unused_rules,
)
from vasotype.phenotype.treatment import consider_treatment
from vasotype.prepare import prepare
from vasotype.result import Result
from vasotype.settings import Settings, digest, digest_of_files
from vasotype.stages import LesionSet, Maps, Prepared, Study
from vasotype.study import read_study
from vasotype.study.extras import NO_EXTRAS, Extras
from vasotype.study.reference import refer_to

Source = Study | Path | str | Mapping[str, Path]
DEFAULTS = OutputOptions()
NOTHING_KNOWN = Known()

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Analysis:
    """Everything that is known of a study after the chain, before anything is written."""

    prepared: Prepared
    maps: Maps
    lesions: LesionSet
    inputs: tuple[LesionInput, ...]
    perfusion: Perfusion
    result: Result


@dataclass(frozen=True)
class Vasotype:
    """A loaded model, ready to analyse studies: folders, channel -> file mappings, or values.

    ``rules`` are those of the reading by thresholds that stands beside the model's answer,
    ``protocol`` is what the acquisition is held against.
    ``threads`` bounds the cores that preparation uses; None means every core.
    """

    engine: Engine
    rules: Rulebook = field(default_factory=default_rules)
    threads: int | None = None
    protocol: Protocol = field(default_factory=default_protocol)

    def run(
        self,
        source: Source,
        output: Path | str | None = None,
        options: OutputOptions = DEFAULTS,
        *,
        overrides: Mapping[str, Path] | None = None,
        known: Known = NOTHING_KNOWN,
        extras: Extras = NO_EXTRAS,
    ) -> Result:
        """Analyse a study and, where ``output`` names a folder, write its results there.

        ``overrides`` (channel -> file) adds to the files of a folder, or replaces them; ``known``
        is what the user knows of single lesions, ``extras`` are perfusion series and clinical
        facts. Raises StudyError when the input can't give a right answer or the folder is taken.
        """
        clock = _Clock()
        study = _read(source, overrides, extras, clock)
        if options.reference is not None:
            study = refer_to(study, options.reference)
        if output is None:
            return self._analyse(study, clock, known).result
        refuse_occupied(Path(output), study.name, options.overwrite)
        by_hand = overrides, known.symptomatic, known.pathology
        settings = self.settings(options, extras, *by_hand)
        if isinstance(source, str | Path):
            files = digest_of_files(Path(source))
            settings = settings.model_copy(update={"files": files})
        analysis = self._analyse(study, clock, known)
        result = analysis.result.model_copy(update={"settings": settings})
        write_outputs(replace(analysis, result=result), Path(output), options)
        return Result.read(output)

    def settings(
        self, options: OutputOptions = DEFAULTS, extras: Extras = NO_EXTRAS, *by_hand: object
    ) -> Settings:
        """What results are made with; ``by_hand`` is what was given for this one study, if any.

        Clinical facts are no part of it: a result holds them themselves.
        """
        asked = replace(options, overwrite=False), replace(extras, clinical=None)
        return Settings(
            model=digest(self.engine.contract),
            calibration=digest(self.engine.calibration),
            rules=digest(self.rules),
            protocol=digest(self.protocol),
            options=digest((*asked, *filter(None, by_hand))),
        )

    def analyse(self, source: Source) -> Analysis:
        """Analyse a study and keep all stage values; nothing is written.

        Raises StudyError when the input can't give a right answer.
        """
        clock = _Clock()
        return self._analyse(_read(source, None, NO_EXTRAS, clock), clock, NOTHING_KNOWN)

    def _analyse(self, study: Study, clock: _Clock, known: Known) -> Analysis:
        contract, calibration = self.engine.contract, self.engine.calibration
        with clock.stage("check"):
            acquisition = check(study, self.protocol)
            study = replace(study, findings=study.findings + acquisition_findings(acquisition))
        prepared = prepare(
            study, multiple=contract.grid.multiple, threads=self.threads, stage=clock.stage
        )
        with clock.stage("segment"):
            maps = without_contrast(prepared, self.engine.segment(prepared), contract.inference)
            lesions = find_lesions(prepared, maps, contract.inference)
            maps = calibrated(maps, prepared.mask, calibration.tissue)
        with clock.stage("perfusion"):
            prepared, perfusion = measure_perfusion(study, prepared, lesions)
            tracer = study.clinical.pet_tracer if study.clinical else None
            readable = readable_pet(prepared, tracer)
            maps = self.engine.refine(readable, maps)
        with clock.stage("measure"):
            voxel_ml = {channel: volume.grid.voxel_ml for channel, volume in study.volumes.items()}
            facts = ScanFacts(minutes_after_contrast(acquisition), tracer)
            measured = measure_biomarkers(prepared, lesions, voxel_ml, facts)
            biomarkers = adjust_edema(measured, lesions, calibration.edema_size)
        with clock.stage("phenotype"):
            inputs = lesion_inputs(readable, maps, lesions, biomarkers, contract)
            phenotypes = read_phenotypes(readable, lesions, inputs, calibration)
            treated = consider_treatment(
                phenotypes, biomarkers, study.clinical, self.rules, known.pathology
            )
            by_rules = [
                read_by_rules(measured, phenotype, self.rules)
                for measured, phenotype in zip(biomarkers, treated.phenotypes, strict=True)
            ]
            parts = zip(treated.phenotypes, biomarkers, by_rules, treated.treatments, strict=True)
            readings = [Reading(*part) for part in parts]
            found = treated.findings + unused_rules(self.rules, biomarkers)
            lesions = replace(lesions, findings=lesions.findings + found)
            prepared = replace(prepared, findings=readable.findings)
        result = make_result(self.engine, study, prepared, lesions, readings, clock.laps_s)
        result = compare_lesions(result, known).model_copy(
            update={
                "perfusion": perfusion.record,
                "acquisition": acquisition,
                "rules_source": None if self.rules == default_rules() else self.rules.source,
            }
        )
        return Analysis(prepared, maps, lesions, inputs, perfusion, result)


def load(
    model: str | Path = "default",
    device: Device = "auto",
    threads: int | None = None,
    calibration: Path | str | None = None,
    protocol: Path | str | None = None,
    rules: Path | str | None = None,
) -> Vasotype:
    """Load a model by name or folder; ``threads`` None means every core this process may use.

    ``calibration`` is a file that takes the place of the model's own, as ``recalibrate`` writes
    it; ``protocol`` and ``rules`` take the place of those that ship. Raises StudyError when there
    is no such model, its files are damaged, the calibration is none or of another model, protocol
    or rules are none, or CUDA is demanded and can't be had.
    """
    wanted = read_protocol(None if protocol is None else Path(protocol))
    rulebook = read_rules(None if rules is None else Path(rules))
    engine = Engine.load(find_model(model), device, threads)
    if calibration is not None:
        engine.use_calibration(Path(calibration))
    return Vasotype(engine, rules=rulebook, threads=threads, protocol=wanted)


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


def _read(
    source: Source, overrides: Mapping[str, Path] | None, extras: Extras, clock: _Clock
) -> Study:
    if isinstance(source, Study):
        return source
    with clock.stage("read"):
        place = Path(source) if isinstance(source, str) else source
        return read_study(place, overrides=overrides, extras=extras)
