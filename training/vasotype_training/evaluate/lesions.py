"""How well each reader tells the vascular modes of simulated lesions, beside what is possible.

Lesions grow in crops, thousands for little: the network, the segmentation and the biomarkers are
the runtime's own. Every score measures how well the simulator's assumptions are recovered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import vasotype
from vasotype.findings import StudyError
from vasotype_models.contract import MODES

from vasotype_training.calibration_crops import measure_stream
from vasotype_training.evaluate.figures import CohortRecord, Figure, Figures
from vasotype_training.evaluate.lesion_figures import (
    TIER_INFORMATION,
    novelty_figure,
    population_figures,
)
from vasotype_training.evaluate.lesion_readings import read_lesions
from vasotype_training.evaluate.lesion_table import markdown
from vasotype_training.evaluate.modes import CEILING_MARGIN
from vasotype_training.lesion_crops import (
    CropOptions,
    CropStream,
    anatomy_places,
    shifted,
    with_linked_primary,
    without_edema_link,
)
from vasotype_training.measured_lesions import TIERS, MeasuredLesion
from vasotype_training.simulate.ceilings import RENDERED, bayes_ceilings
from vasotype_training.simulate.shape import read_outlines

USUAL, SHIFTED = "usual", "shifted"
CEILING_LESIONS = 1000
REPEATED_SHARE = 0.2
"""Size of the repeated populations against the usual one."""
MOST_PATIENTS = 0.5
"""Patients drawn at most for each lesion of a mode that is asked for."""


@dataclass(frozen=True)
class LesionOptions:
    """How to evaluate on lesions: ``per_mode`` lesions of each mode; ``outlines`` a folder of real
    lesion outlines that shapes are drawn from; ``progress`` is called with lesions of the rarest
    mode done and wanted; ``command`` is what the table says it was made with.
    """

    per_mode: int = 1000
    seed: int = 0
    outlines: Path | None = None
    progress: Callable[[int, int], None] | None = None
    command: str = "vasotype evaluate --lesions"


def populations() -> dict[str, CropOptions]:
    """The populations that are evaluated, by name."""
    return {
        USUAL: CropOptions(),
        "edema independent of mode": CropOptions(change=without_edema_link),
        "primary linked to mode": CropOptions(change=with_linked_primary),
        SHIFTED: shifted(),
    }


def evaluate_lesions(
    anatomies: Sequence[Path], model: str | Path, output: Path, options: LesionOptions
) -> Figures:
    """Evaluate a model on simulated lesions in ``anatomies`` and write what came of it.

    ``lesions.json`` holds the figures, ``lesions.md`` the table. Raises StudyError where no
    anatomy is found.
    """
    runtime = vasotype.load(model, "cpu")
    try:
        places = anatomy_places(anatomies)
    except FileNotFoundError as error:
        raise StudyError("cohort-empty", str(error)) from error
    outlines = read_outlines(options.outlines) if options.outlines else []
    readings, records, figures = {}, [], []
    for number, (name, kind) in enumerate(populations().items()):
        share = 1.0 if name == USUAL else REPEATED_SHARE
        stream = CropStream(places, outlines, kind, (options.seed, number))
        wanted = max(1, round(share * options.per_mode))
        measured = measure_stream(runtime.engine, stream, most_patients(wanted))
        lesions = list(_enough(measured, wanted, options))
        readings[name] = {
            tier: read_lesions(lesions, tier, runtime.engine.calibration, runtime.rules)
            for tier in TIERS
        }
        records.append(_record(name, lesions))
        for tier, found in readings[name].items():
            figures += population_figures(name, tier, found)
    figures.append(novelty_figure(readings[USUAL]["both"], readings[SHIFTED]["both"]))
    ceilings = _ceilings(options.seed)
    identity = runtime.engine.identity
    result = Figures(
        model=identity.name,
        version=identity.version,
        sha256=identity.sha256,
        vasotype_version=vasotype.__version__,
        command=options.command,
        cohorts=tuple(records),
        figures=tuple(figures + ceilings),
        alarms=tuple(_alarms(figures, ceilings)),
    )
    output.mkdir(parents=True, exist_ok=True)
    (output / "lesions.json").write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (output / "lesions.md").write_text(markdown(result), encoding="utf-8")
    return result


def most_patients(per_mode: int) -> int:
    """How many patients may be drawn for ``per_mode`` lesions of each mode."""
    return max(20, int(MOST_PATIENTS * per_mode))


def _enough(
    lesions: Iterator[MeasuredLesion], wanted: int, options: LesionOptions
) -> Iterator[MeasuredLesion]:
    """Lesions until each mode has ``wanted``; further ones of a full mode are left out."""
    counts = dict.fromkeys(range(len(MODES)), 0)
    for lesion in lesions:
        if counts[lesion.mode] < wanted:
            counts[lesion.mode] += 1
            yield lesion
            if options.progress is not None:
                options.progress(min(counts.values()), wanted)
        if min(counts.values()) >= wanted:
            return


def _record(name: str, lesions: Sequence[MeasuredLesion]) -> CohortRecord:
    """Which lesions a population came to; the digest is over what was measured of them."""
    total = hashlib.sha256()
    for lesion in lesions:
        total.update(repr((lesion.patient, lesion.mode, lesion.lesion.centroid_ras_mm)).encode())
    patients = len({lesion.patient for lesion in lesions})
    return CohortRecord(name=name, digest=total.hexdigest(), studies=patients, simulated=True)


def _ceilings(seed: int) -> list[Figure]:
    """Scores of the exact likelihood on the latents as rendered, by tier."""
    by_name = {c.information: c for c in bayes_ceilings(RENDERED, CEILING_LESIONS, seed)}
    figures = []
    for tier, information in TIER_INFORMATION.items():
        scores = by_name[information].scores
        for metric, (value, error) in (("auroc", scores[0]), ("balanced_accuracy", scores[3])):
            figures.append(
                Figure(
                    cohort=USUAL,
                    variant=f"{tier}, ceiling",
                    metric=metric,
                    n=3 * CEILING_LESIONS,
                    value=value,
                    low=value - 1.96 * error,
                    high=value + 1.96 * error,
                    better="near",
                    tolerance=0.02,
                )
            )
    return figures


def _alarms(figures: Sequence[Figure], ceilings: Sequence[Figure]) -> list[str]:
    """AUROCs whose lower bound lies above the ceiling: the truth leaks in from elsewhere."""
    limit: Mapping[str, float] = {
        f.variant.split(",")[0]: f.value for f in ceilings if f.metric == "auroc"
    }
    return [
        f"{f.variant}: lower bound {f.low:.3f} of the AUROC is above the ceiling by more than "
        f"{CEILING_MARGIN:g}"
        for f in figures
        if f.cohort == USUAL
        and f.metric == "auroc"
        and f.low is not None
        and f.low > limit[f.variant.split(",")[0]] + CEILING_MARGIN
    ]
