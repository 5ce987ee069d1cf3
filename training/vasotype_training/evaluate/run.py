"""Evaluate a model on labelled cohorts: the whole pipeline, study by study, then the tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import vasotype
from vasotype.engine.locate import find_model
from vasotype.engine.providers import Device
from vasotype.findings import StudyError
from vasotype.study import read_study

from vasotype_training.cohorts import case_name, find_labelled, read_labelled
from vasotype_training.evaluate.bars import read_bars
from vasotype_training.evaluate.components import REGIONS
from vasotype_training.evaluate.figures import CohortRecord, Figure, Figures, Settings
from vasotype_training.evaluate.gathered import Gathered, Means
from vasotype_training.evaluate.modes import leaks
from vasotype_training.evaluate.page import write_summary
from vasotype_training.evaluate.predictions import ALL, Reuse, Shelf, digest, vary
from vasotype_training.evaluate.score import StudyScore
from vasotype_training.evaluate.tables import filled, summary
from vasotype_training.evaluate.tumor_free import TumorFree, tumor_free_figures
from vasotype_training.evaluate.worst import Panel, panel, worst, write_page
from vasotype_training.identity import rules_digest

OUTLINES = tuple(f"dice_{name}" for name in REGIONS)
COUNTS = ("lesions", "found", "false_positives", "fragments")
STUDY_COLUMNS = "\t".join(("cohort", "variant", "study", *OUTLINES, *COUNTS))

SLICE = 60
"""A larger cohort also gives the figures of a fixed slice of this size, which a check repeats."""


@dataclass(frozen=True)
class Options:
    """How to evaluate.

    Of ``settings``, ``variants`` are those of
    :func:`~vasotype_training.evaluate.predictions.vary` (``t1c:=t1`` is measured against ``all``
    and needs it); ``labels`` is the label scheme of cases that state none; studies in
    ``core_unscored`` hardly enhance, so that only their whole tumor is scored. ``limit`` takes a
    fixed slice of a cohort; ``reuse`` says whether kept predictions serve; ``tumor_free`` is a
    study without tumor; ``device`` runs the network; ``progress`` is called with studies done and
    studies in all; ``command`` is what the table says the figures were made with.
    """

    settings: Settings = field(default_factory=Settings)
    limit: int | None = None
    reuse: Reuse = Reuse.KEPT_FIRST
    tumor_free: TumorFree | None = None
    device: Device = "auto"
    progress: Callable[[int, int], None] | None = None
    command: str = "vasotype evaluate"


@dataclass(frozen=True)
class Measured:
    """Figures, what the cohorts gave by name, and where the predictions are."""

    figures: Figures
    cohorts: dict[str, Gathered]
    means: Means


def evaluate(
    cohorts: Sequence[Path], model: str | Path, output: Path, options: Options | None = None
) -> Figures:
    """Run the whole pipeline over labelled cohorts and write what came of it.

    ``figures.json`` and ``figures.md`` hold the figures, ``summary.html`` the same as tables and
    plots beside the bars, ``studies.tsv`` one row a study, ``worst.html`` pictures of the worst
    mistakes. Predictions are kept below ``output/predictions``, so that an interrupted evaluation
    goes on where it stopped. Raises StudyError when a cohort holds no labelled case or a case's
    labels can't be used; a study that the pipeline refuses is named in the table instead.
    """
    measured = measure(cohorts, model, output, options or Options())
    figures = measured.figures
    rows = [_row(name, v, s) for name, g in measured.cohorts.items() for v, s in g.rows()]
    panels = [p for g in measured.cohorts.values() for p in _panels(g, measured.means)]
    reliability = {name: g.reliability() for name, g in measured.cohorts.items()}
    curves = {name: curve for name, g in measured.cohorts.items() if (curve := g.froc())}
    tables = filled(read_bars(find_model(model)), [figures])
    title = f"{figures.model} {figures.version}"
    output.mkdir(parents=True, exist_ok=True)
    (output / "figures.json").write_text(figures.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (output / "studies.tsv").write_text("\n".join([STUDY_COLUMNS, *rows]) + "\n", encoding="utf-8")
    text = f"{summary(tables, [figures])}\n## All figures\n\n{figures.markdown()}"
    (output / "figures.md").write_text(text, encoding="utf-8")
    write_page(panels, f"{title}: worst cases", output / "worst.html")
    write_summary(tables, reliability, curves, [figures], output / "summary.html")
    return figures


def measure(cohorts: Sequence[Path], model: str | Path, output: Path, options: Options) -> Measured:
    """The figures of :func:`evaluate`; nothing but predictions is written.

    Raises StudyError as it does, and ``prediction-missing`` where only kept predictions serve.
    """
    runtime = vasotype.load(model, options.device)
    means = Shelf(output / "predictions", options.reuse), runtime
    cases = {cohort: cases_of(cohort, options.limit) for cohort in cohorts}
    total = sum(len(folders) for folders in cases.values())
    records, figures, done = list[CohortRecord](), list[Figure](), 0
    of_cohort: dict[str, Gathered] = {}
    for cohort, folders in cases.items():
        gathered = Gathered(options.settings)
        for folder in folders:
            gathered.add(folder, means)
            done += 1
            if options.progress is not None:
                options.progress(done, total)
        name = cohort.name if options.limit is None else slice_name(cohort.name, options.limit)
        parts = {name: gathered}
        if options.limit is None and len(folders) > SLICE:
            part = {case_name(folder) for folder in cases_of(cohort, SLICE)}
            parts[slice_name(name, SLICE)] = gathered.part(part)
        for part_name, part_of in parts.items():
            records.append(part_of.record(part_name))
            figures += part_of.figures(part_name)
        of_cohort[name] = gathered
    if options.tumor_free is not None:
        record, found = _tumor_free(options.tumor_free, means)
        records.append(record)
        figures += found
    update = {"cohorts": tuple(records), "figures": tuple(figures), "alarms": tuple(leaks(figures))}
    return Measured(_nothing(means, options).model_copy(update=update), of_cohort, means)


def cases_of(cohort: Path, limit: int | None) -> list[Path]:
    """Case folders; a slice is chosen by the hash of the names, so that it stays the same.

    Raises StudyError ``truth-missing`` where there is none.
    """
    folders = find_labelled(cohort)
    if not folders:
        raise StudyError("truth-missing", f"{cohort.name}: no labelled case in it")
    if limit is None:
        return folders
    order = sorted(folders, key=lambda f: hashlib.sha256(case_name(f).encode()).digest())
    return sorted(order[:limit])


def slice_name(cohort: str, size: int) -> str:
    """Name of a fixed slice of a cohort, such as ``test[60]``."""
    return f"{cohort}[{size}]"


def _nothing(means: Means, options: Options) -> Figures:
    """Whose figures they will be, before there are any."""
    engine = means[1].engine
    identity = engine.identity
    return Figures(
        model=identity.name,
        version=identity.version,
        sha256=identity.sha256,
        rules=rules_digest(engine.contract, engine.calibration),
        vasotype_version=vasotype.__version__,
        command=options.command,
        settings=options.settings,
        cohorts=(),
        figures=(),
    )


def _panels(gathered: Gathered, means: Means) -> list[Panel]:
    """Pictures of a cohort's worst mistakes, from the predictions that are kept by now."""
    shelf, runtime = replace(means[0], reuse=Reuse.KEPT_FIRST), means[1]
    panels = []
    for mistake in worst(gathered.mistakes):
        labelled = read_labelled(mistake.folder, gathered.settings.labels)
        study = vary(labelled.study, gathered.settings.variants[0])
        assert study is not None  # it was scored
        panels.append(panel(mistake, labelled, shelf.predict(study, runtime)))
    return panels


def _tumor_free(case: TumorFree, means: Means) -> tuple[CohortRecord, list[Figure]]:
    """What a study without tumor is, and what was found in it."""
    shelf, runtime = means
    study = read_study(case.folder)
    found = tumor_free_figures(case, shelf.predict(study, runtime))
    name = case.folder.name
    record = CohortRecord(name=name, digest=digest(study), studies=1, simulated=False)
    return record, [f.model_copy(update={"cohort": name, "variant": ALL}) for f in found]


def _row(cohort: str, variant: str, score: StudyScore) -> str:
    """One line of ``studies.tsv``; a region that is empty in both or not scored is left blank."""
    outlines = [f"{score.dice[name]:.4f}" if name in score.dice else "" for name in REGIONS]
    found = sum(lesion.found for lesion in score.lesions)
    counts = (len(score.lesions), found, score.false_positives, score.fragments)
    return "\t".join([cohort, variant, score.study, *outlines, *map(str, counts)])
