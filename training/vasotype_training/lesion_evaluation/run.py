"""``vasotype evaluate-lesions``: simulate, measure, read, score, write.

Lesions grow in crops, thousands for little: the network, the segmentation and the biomarkers are
the runtime's own. Every score measures how well the simulator's assumptions are recovered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import vasotype
from vasotype.engine.locate import find_model
from vasotype.findings import StudyError
from vasotype.phenotype.fusion import numbers_name
from vasotype.pipeline import Vasotype
from vasotype_models.contract import Calibration

from vasotype_training.calibrate import TierNumbers
from vasotype_training.evaluate.bars import read_bars
from vasotype_training.evaluate.figures import Figure, Figures
from vasotype_training.identity import rules_digest
from vasotype_training.lesion_evaluation.figures import (
    alarms,
    ceiling_figures,
    measurable_figure,
    mixed_figures,
    paired_figures,
)
from vasotype_training.lesion_evaluation.measure import Bench, Lesions, in_tier, matched, record
from vasotype_training.lesion_evaluation.page import markdown
from vasotype_training.lesion_evaluation.populations import PLANS, SHIFTED, USUAL, PopulationPlan
from vasotype_training.lesion_evaluation.readings import Readings, read_lesions
from vasotype_training.lesion_evaluation.scores import novelty_figure, population_figures
from vasotype_training.measured_lesions import TIERS
from vasotype_training.simulate.shape import read_outlines
from vasotype_training.simulate.sources import anatomy_places


@dataclass(frozen=True)
class LesionOptions:
    """How to evaluate on lesions: ``patients`` of the usual kind, the other populations by their
    shares; ``outlines`` a folder of real lesion outlines that shapes are drawn from; ``progress``
    is called with patients done and wanted; ``command`` is what the table says it was made with.
    """

    patients: int = 250
    seed: int = 0
    outlines: Path | None = None
    progress: Callable[[int, int], None] | None = None
    command: str = "vasotype evaluate-lesions"


def evaluate_lesions(
    anatomies: Sequence[Path], model: str | Path, output: Path, options: LesionOptions
) -> Figures:
    """Evaluate a model on simulated lesions in ``anatomies`` and write what came of it.

    ``lesions.json`` holds the figures, ``lesions.md`` the tables; ``measured`` keeps what was
    measured of each patient, so that a run that stopped goes on. Raises StudyError where no
    anatomy is found.
    """
    runtime = vasotype.load(model, "cpu")
    try:
        places = anatomy_places(anatomies)
    except FileNotFoundError as error:
        raise StudyError("cohort-empty", str(error)) from error
    outlines = read_outlines(options.outlines) if options.outlines else []
    store = output / "measured"
    bench = Bench(runtime.engine, places, outlines, store, options.seed, options.progress)
    measured = bench.measure(options.patients)
    figures = score(measured, runtime)
    ceilings = ceiling_figures(options.seed)
    engine = runtime.engine
    identity = engine.identity
    result = Figures(
        model=identity.name,
        version=identity.version,
        sha256=identity.sha256,
        rules=rules_digest(engine.contract, engine.calibration, voxels=False),
        vasotype_version=vasotype.__version__,
        command=options.command,
        cohorts=tuple(record(name, lesions) for name, lesions in measured.items()),
        figures=tuple(figures + ceilings),
        alarms=tuple(alarms(figures, ceilings)),
    )
    output.mkdir(parents=True, exist_ok=True)
    (output / "lesions.json").write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    bars = read_bars(find_model(model))
    (output / "lesions.md").write_text(markdown(result, bars), encoding="utf-8")
    return result


def score(measured: Mapping[str, Lesions], runtime: Vasotype) -> list[Figure]:
    """All figures of measured populations but the ceilings."""
    calibration = with_every_name(runtime.engine.calibration)
    figures: list[Figure] = []

    def read(lesions: Lesions, name: str) -> Readings:
        return read_lesions(lesions, name, calibration, runtime.rules)

    shown = {
        population: {tier: read(measured[population], tier) for tier in TIERS}
        for population in (USUAL, SHIFTED)
    }
    for population, by_tier in shown.items():
        for tier, readings in by_tier.items():
            figures += population_figures(population, tier, readings)
            if population == USUAL:
                figures += mixed_figures(tier, readings)
    figures.append(novelty_figure(shown[USUAL]["both"], shown[SHIFTED]["both"]))
    for plan in PLANS:
        if plan.paired and plan.name != USUAL:
            usual, changed = matched(measured[USUAL], measured[plan.name])
            for tier in TIERS:
                figures += _compared(plan, tier, (usual, changed), read)
    return figures


def _compared(
    plan: PopulationPlan,
    tier: str,
    pair: tuple[Lesions, Lesions],
    read: Callable[[Lesions, str], Readings],
) -> list[Figure]:
    """A population against the same lesions as usual, where both are read in the tier."""
    name = numbers_name(tier, plan.options.channels, pet=plan.pet)
    both = [
        (usual, changed)
        for usual, changed in zip(*pair, strict=True)
        if in_tier(usual, tier, tier) and in_tier(changed, tier, name)
    ]
    share = measurable_figure(plan.name, tier, len(both), len(pair[0]))
    if not both:
        return [share]
    usual, changed = ([lesions[side] for lesions in both] for side in (0, 1))
    return [share, *paired_figures(plan.name, tier, read(usual, tier), read(changed, name))]


def with_every_name(calibration: Calibration) -> Calibration:
    """The calibration with a tier's own numbers wherever it has none for an input.

    So the runtime reads, too.
    """
    tiers = {
        numbers_name(tier, plan.options.channels, pet=plan.pet): tier
        for plan in PLANS
        for tier in TIERS
    }
    held: dict[str, dict[str, object]] = {
        field.name: getattr(calibration, field.name) for field in fields(TierNumbers)
    }
    return calibration.model_copy(
        update={
            field: {
                name: own
                for name, tier in tiers.items()
                if (own := values.get(name, values.get(tier))) is not None
            }
            for field, values in held.items()
        }
    )
