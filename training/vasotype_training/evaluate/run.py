"""Evaluate a model on labelled cohorts: the whole pipeline, study by study, then one table."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import vasotype
from vasotype.engine.providers import Device
from vasotype.findings import StudyError
from vasotype.pipeline import Vasotype
from vasotype.study import read_study

from vasotype_training.cohorts import LabelledStudy, LabelMap, find_labelled, read_labelled
from vasotype_training.evaluate.components import REGIONS
from vasotype_training.evaluate.figures import CohortRecord, Figure, Figures
from vasotype_training.evaluate.modes import leaks, mode_figures
from vasotype_training.evaluate.predictions import (
    ALL,
    COUNTERFACTUAL,
    THRESHOLD,
    Shelf,
    digest,
    vary,
)
from vasotype_training.evaluate.score import StudyScore, score
from vasotype_training.evaluate.summary import (
    calibration_figures,
    detection_figures,
    enhancement_left,
    lesion_outline_figures,
    outline_figures,
)
from vasotype_training.evaluate.threshold import by_threshold
from vasotype_training.evaluate.tumor_free import TumorFree, tumor_free_figures
from vasotype_training.evaluate.worst import Mistake, Panel, mistakes, panel, worst, write_page

OUTLINES = tuple(f"dice_{name}" for name in REGIONS)
COUNTS = ("lesions", "found", "false_positives", "fragments")
STUDY_COLUMNS = "\t".join(("cohort", "variant", "study", *OUTLINES, *COUNTS))


@dataclass(frozen=True)
class Options:
    """How to evaluate.

    ``variants`` are those of :func:`~vasotype_training.evaluate.predictions.vary` (``t1c:=t1`` is
    measured against ``all`` and needs it); ``labels`` is
    the label scheme of cases that state none; studies in ``core_unscored`` hardly enhance, so that
    only their whole tumor is scored; ``limit`` takes a fixed slice of a cohort; ``fresh`` uses no
    kept prediction; ``tumor_free`` is a study without tumor; ``device`` runs the network;
    ``progress`` is called with studies done and studies in all; ``command`` is what the table says
    the figures were made with.
    """

    variants: tuple[str, ...] = (ALL,)
    labels: LabelMap | None = None
    core_unscored: tuple[str, ...] = ()
    limit: int | None = None
    fresh: bool = False
    tumor_free: TumorFree | None = None
    device: Device = "auto"
    progress: Callable[[int, int], None] | None = None
    command: str = "vasotype evaluate"


@dataclass
class _Gathered:
    """What the studies of one cohort gave so far, by variant."""

    scores: dict[str, list[StudyScore]] = field(default_factory=lambda: defaultdict(list))
    enhancing_ml: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    refused: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    simulated: bool = False


def evaluate(
    cohorts: Sequence[Path], model: str | Path, output: Path, options: Options | None = None
) -> Figures:
    """Run the whole pipeline over labelled cohorts and write what came of it.

    ``figures.json`` and ``figures.md`` hold the figures, ``studies.tsv`` one row a study,
    ``worst.html`` pictures of the worst mistakes.
    Predictions are kept below ``output/predictions``, so that an interrupted evaluation goes on
    where it stopped. Raises StudyError when a cohort holds no labelled case or a case's labels
    can't be used; a study that the pipeline refuses is named in the table instead.
    """
    options = options or Options()
    runtime = vasotype.load(model, options.device)
    cases = {cohort: _cases(cohort, options.limit) for cohort in cohorts}
    total = sum(len(folders) for folders in cases.values())
    shelf = Shelf(output / "predictions", options.fresh)
    records: list[CohortRecord] = []
    rows: list[str] = [STUDY_COLUMNS]
    figures: list[Figure] = []
    panels: list[Panel] = []
    done = 0
    for cohort, folders in cases.items():
        gathered = _Gathered()
        for folder in folders:
            _add(gathered, folder, (shelf, runtime), options)
            done += 1
            if options.progress is not None:
                options.progress(done, total)
        name = cohort.name if options.limit is None else f"{cohort.name}[{options.limit}]"
        records.append(_record(name, gathered, len(folders)))
        figures += _figures(name, gathered, options.variants)
        rows += [_row(name, v, s) for v, scores in gathered.scores.items() for s in scores]
        panels += _panels(gathered, (shelf, runtime), options)
    if options.tumor_free is not None:
        record, found = _tumor_free(options.tumor_free, (shelf, runtime))
        records.append(record)
        figures += found
    identity = runtime.engine.identity
    result = Figures(
        model=identity.name,
        version=identity.version,
        sha256=identity.sha256,
        vasotype_version=vasotype.__version__,
        command=options.command,
        cohorts=tuple(records),
        figures=tuple(figures),
        alarms=tuple(leaks(figures)),
    )
    output.mkdir(parents=True, exist_ok=True)
    (output / "figures.json").write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (output / "studies.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (output / "figures.md").write_text(result.markdown(), encoding="utf-8")
    write_page(panels, f"{identity.name} {identity.version}: worst cases", output / "worst.html")
    return result


def _cases(cohort: Path, limit: int | None) -> list[Path]:
    """Case folders; a slice is chosen by the hash of the names, so that it stays the same."""
    folders = find_labelled(cohort)
    if not folders:
        raise StudyError("truth-missing", f"{cohort.name}: no labelled case in it")
    if limit is None:
        return folders
    order = sorted(folders, key=lambda f: hashlib.sha256(f.name.encode()).digest())
    return sorted(order[:limit])


def _add(
    gathered: _Gathered, folder: Path, means: tuple[Shelf, Vasotype], options: Options
) -> None:
    """Predict and score one study in every variant that its sequences allow."""
    shelf, runtime = means
    labelled = read_labelled(folder, options.labels)
    gathered.simulated |= labelled.simulated
    gathered.digests.append(labelled.name + digest(labelled.study) + _truth_digest(labelled))
    for variant in options.variants:
        study = vary(labelled.study, variant)
        if study is None:
            continue
        try:
            prediction = shelf.predict(study, runtime)
        except StudyError as error:
            gathered.refused.append(f"{labelled.name} ({variant}): {error.code}")
            continue
        enhancing = prediction.result.total_volume_ml.enhancing
        gathered.enhancing_ml[variant][labelled.name] = enhancing
        if variant != COUNTERFACTUAL:
            core = labelled.name not in options.core_unscored
            if variant == THRESHOLD:
                prediction = by_threshold(study, prediction)
            scored = score(labelled, prediction, core)
            gathered.scores[variant].append(scored)
            if variant == options.variants[0]:
                gathered.mistakes += mistakes(folder, scored)


def _panels(gathered: _Gathered, means: tuple[Shelf, Vasotype], options: Options) -> list[Panel]:
    """Pictures of a cohort's worst mistakes."""
    shelf, runtime = means
    panels = []
    for mistake in worst(gathered.mistakes):
        labelled = read_labelled(mistake.folder, options.labels)
        study = vary(labelled.study, options.variants[0])
        assert study is not None  # it was scored
        panels.append(panel(mistake, labelled, shelf.predict(study, runtime)))
    return panels


def _tumor_free(
    case: TumorFree, means: tuple[Shelf, Vasotype]
) -> tuple[CohortRecord, list[Figure]]:
    """What a study without tumor is, and what was found in it."""
    shelf, runtime = means
    study = read_study(case.folder)
    found = tumor_free_figures(case, shelf.predict(study, runtime))
    name = case.folder.name
    record = CohortRecord(name=name, digest=digest(study), studies=1, simulated=False)
    return record, [f.model_copy(update={"cohort": name, "variant": ALL}) for f in found]


def _truth_digest(labelled: LabelledStudy) -> str:
    parts = [labelled.tissue.tobytes(), repr(labelled.lesions).encode()]
    parts += [a.tobytes() for a in (labelled.instances, labelled.exclude) if a is not None]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _record(name: str, gathered: _Gathered, studies: int) -> CohortRecord:
    digests = "\n".join(sorted(gathered.digests))
    return CohortRecord(
        name=name,
        digest=hashlib.sha256(digests.encode()).hexdigest(),
        studies=studies,
        simulated=gathered.simulated,
        refused=tuple(gathered.refused),
    )


def _figures(name: str, gathered: _Gathered, variants: Sequence[str]) -> list[Figure]:
    """All figures of a cohort, variant by variant."""
    figures: list[Figure] = []
    for variant in variants:
        if variant == COUNTERFACTUAL:
            found = enhancement_left(gathered.enhancing_ml[ALL], gathered.enhancing_ml[variant])
        else:
            scores = gathered.scores[variant]
            found = outline_figures(scores) + lesion_outline_figures(scores)
            found += detection_figures(scores) + calibration_figures(scores)
            found += mode_figures(scores)
        placed = {"cohort": name, "variant": variant}
        figures += [figure.model_copy(update=placed) for figure in found]
    return figures


def _row(cohort: str, variant: str, score: StudyScore) -> str:
    """One line of ``studies.tsv``; a region that is empty in both or not scored is left blank."""
    outlines = [f"{score.dice[name]:.4f}" if name in score.dice else "" for name in REGIONS]
    found = sum(lesion.found for lesion in score.lesions)
    counts = (len(score.lesions), found, score.false_positives, score.fragments)
    return "\t".join([cohort, variant, score.study, *outlines, *map(str, counts)])
