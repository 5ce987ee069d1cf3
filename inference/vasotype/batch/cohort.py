"""A cohort: its studies, their outcomes, and the tables over all of them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vasotype.batch.task import Outcome, Task, analyse, settled
from vasotype.batch.workers import on_cluster, on_this_machine
from vasotype.engine.providers import Device, usable_cores
from vasotype.findings import StudyError
from vasotype.outputs import OutputOptions
from vasotype.outputs.table import COLUMNS, MISSING
from vasotype.perfusion.series import DEFAULT_SETTINGS, DceSettings
from vasotype.pipeline import load
from vasotype.study import find_studies
from vasotype.study.extras import Extras

CORES_PER_JOB = 2
"""By default: the network gains little from more threads, and every job needs its own memory."""


@dataclass(frozen=True)
class BatchOptions:
    """How a cohort is analysed.

    ``jobs`` studies at a time on this machine (default: one for every two cores), each with
    ``threads`` CPU threads (default: the cores shared out); or, with ``scheduler``, on the workers
    of a Dask cluster that sees the same file system, with one thread each unless ``threads`` says
    otherwise. ``dce_settings`` are those of every DCE series of the cohort.
    """

    model: str = "default"
    device: Device = "auto"
    jobs: int | None = None
    threads: int | None = None
    scheduler: str | None = None
    calibration: Path | None = None
    protocol: Path | None = None
    rules: Path | None = None
    dce_settings: DceSettings = DEFAULT_SETTINGS
    outputs: OutputOptions = field(default_factory=OutputOptions)


@dataclass(frozen=True)
class BatchResult:
    """What became of every study of the cohort, in the cohort's order."""

    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Studies without a result."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")


def run_batch(
    cohort: Path,
    output: Path,
    options: BatchOptions | None = None,
    on_outcome: Callable[[Outcome, int], None] | None = None,
) -> BatchResult:
    """Analyse every study below ``cohort``; results go to ``output/<study>/``.

    A study is named by its path below the cohort, joined with ``__``. One that fails is listed in
    ``output/failures.tsv`` and stops no other; one that was finished before with the same settings
    is kept, and one that was finished otherwise is a failure unless it may be overwritten.
    ``output/lesions.tsv`` holds the lesions of all. ``on_outcome`` is called with every outcome as
    it comes and the number of studies. Processes are spawned: a script that calls this needs the
    usual ``if __name__ == "__main__"``.

    Raises StudyError when the cohort holds no study, the scheduler isn't there, and as
    :func:`~vasotype.pipeline.load` does.
    """
    options = options or BatchOptions()
    tasks = _tasks(cohort.resolve(), output.resolve(), options)
    output.mkdir(parents=True, exist_ok=True)
    outcomes: dict[str, Outcome] = {}
    for outcome in _outcomes(tasks, options):
        outcomes[outcome.study] = outcome
        if on_outcome is not None:
            on_outcome(outcome, len(tasks))
    result = BatchResult(tuple(outcomes[task.name] for task in tasks))
    _write_failures(output / "failures.tsv", result.failed)
    _write_lesions(output, result.outcomes)
    return result


def _tasks(cohort: Path, output: Path, options: BatchOptions) -> list[Task]:
    studies = [study for study in find_studies(cohort) if not study.is_relative_to(output)]
    if not studies:
        raise StudyError("cohort-empty", f"{cohort.name}: no folder holds a study")
    names = [_name(study, cohort) for study in studies]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise StudyError("cohort-names", f"{cohort.name}: {count} studies would be called {name}")
    model = options.model
    extras = Extras(dce_settings=options.dce_settings)
    analyser = load(model, "cpu", 1, options.calibration, options.protocol, options.rules)
    settings = analyser.settings(options.outputs, extras)
    return [
        Task(
            name=name,
            study=study,
            output=output / name,
            model=str(Path(model).resolve()) if Path(model).is_dir() else model,
            settings=settings,
            calibration=None if options.calibration is None else options.calibration.resolve(),
            protocol=None if options.protocol is None else options.protocol.resolve(),
            rules=None if options.rules is None else options.rules.resolve(),
            device=options.device,
            threads=_threads(options),
            options=options.outputs,
            extras=extras,
        )
        for name, study in zip(names, studies, strict=True)
    ]


def _name(study: Path, cohort: Path) -> str:
    return "__".join(study.relative_to(cohort).parts) or cohort.name


def _jobs(options: BatchOptions) -> int:
    return options.jobs or max(1, usable_cores() // CORES_PER_JOB)


def _threads(options: BatchOptions) -> int:
    if options.threads is not None:
        return options.threads
    return 1 if options.scheduler else max(1, usable_cores() // _jobs(options))


def _outcomes(tasks: Sequence[Task], options: BatchOptions) -> Iterator[Outcome]:
    fresh = []
    for task in tasks:
        if (outcome := settled(task)) is not None:
            yield outcome
        else:
            fresh.append(task)
    if not fresh:
        return
    if options.scheduler:
        answers = on_cluster(analyse, fresh, options.scheduler)
    else:
        answers = on_this_machine(analyse, fresh, min(_jobs(options), len(fresh)))
    for task, outcome in answers:
        yield outcome or Outcome(
            task.name, "failed", "worker-died", "the process that analysed it died"
        )


def _write_failures(path: Path, failed: Iterable[Outcome]) -> None:
    rows = (
        {"study": outcome.study, "code": outcome.code, "message": outcome.message}
        for outcome in failed
    )
    _write_tsv(path, ("study", "code", "message"), rows)


def _write_lesions(output: Path, outcomes: Iterable[Outcome]) -> None:
    finished = (outcome.study for outcome in outcomes if outcome.status != "failed")
    rows = (
        {"study": study, **lesion}
        for study in finished
        for lesion in _read_tsv(output / study / "lesions.tsv")
    )
    _write_tsv(output / "lesions.tsv", ("study", *COLUMNS), rows)


def _read_tsv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _write_tsv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a table beside its place and move it there, so that no reader sees half of it.

    A study kept from an older version may lack a column or have another: the first is filled with
    ``n/a``, the second left out.
    """
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, columns, MISSING, "ignore", delimiter="\t", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    draft.replace(path)
