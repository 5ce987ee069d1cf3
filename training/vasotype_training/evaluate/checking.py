"""Does a model still reach the figures that were recorded for it?

Real cohorts and a fixed slice of every large simulated one are evaluated afresh; the rest of a
large cohort is verified from the predictions that were kept, where they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vasotype.engine.locate import find_model
from vasotype.findings import StudyError

from vasotype_training.evaluate.figures import Figures
from vasotype_training.evaluate.predictions import Reuse
from vasotype_training.evaluate.recorded import (
    Comparison,
    compare,
    not_repeated,
    read_recorded,
)
from vasotype_training.evaluate.run import SLICE, Options, cases_of, measure, slice_name


def check(cohorts: Sequence[Path], model: str | Path, output: Path, options: Options) -> Comparison:
    """Repeat what was recorded beside a model on the ``cohorts`` at hand, matched by folder name.

    Settings are those of the record. ``output`` holds kept predictions; ``check.md`` in it tells
    what fell and what could not be checked. Raises StudyError ``figures-missing`` where nothing is
    recorded, ``figures-incomparable`` where nothing of what was recorded is at hand.
    """
    recorded = read_recorded(find_model(model)).studies
    free = options.tumor_free
    names = [cohort.name for cohort in cohorts] + ([free.folder.name] if free else [])
    total = Comparison()
    for evaluation in recorded:
        known = {cohort.name for cohort in evaluation.cohorts}
        with_free = replace(
            options,
            settings=evaluation.settings,
            reuse=Reuse.NEVER,
            tumor_free=free if free and free.folder.name in known else None,
        )
        if with_free.tumor_free:
            total += compare(evaluation, measure([], model, output, with_free).figures)
        for cohort in cohorts:
            if known & {cohort.name, slice_name(cohort.name, SLICE)}:
                plain = replace(with_free, tumor_free=None)
                total += _cohort(cohort, evaluation, (model, output), plain)
    names += [slice_name(name, SLICE) for name in names]
    total += Comparison((), not_repeated(recorded, names))
    if not total.rows:
        raise StudyError("figures-incomparable", "; ".join(total.unchecked))
    output.mkdir(parents=True, exist_ok=True)
    (output / "check.md").write_text(total.markdown(), encoding="utf-8")
    return total


def _cohort(
    cohort: Path, recorded: Figures, place: tuple[str | Path, Path], options: Options
) -> Comparison:
    """One cohort: afresh; a large one as far as its slice, the rest from what is kept."""
    sliced = slice_name(cohort.name, SLICE)
    if sliced not in {c.name for c in recorded.cohorts}:
        return compare(recorded, measure([cohort], *place, options).figures)
    part = replace(options, limit=SLICE)
    total = compare(recorded, measure([cohort], *place, part).figures)
    others = len(cases_of(cohort, None)) - SLICE
    if others <= 0:
        return total + Comparison((), (f"{cohort.name}: only the slice is at hand",))
    kept = replace(options, reuse=Reuse.KEPT_ONLY)
    try:
        whole = measure([cohort], *place, kept).figures
    except StudyError as error:
        if error.code != "prediction-missing":
            raise
        line = f"{cohort.name}: {others} studies beside the slice; {error}"
        return total + Comparison((), (line,))
    # The slice stands in these figures, too: it was checked above, afresh.
    records = tuple(c for c in whole.cohorts if c.name != sliced)
    return total + compare(recorded, whole.model_copy(update={"cohorts": records}))
