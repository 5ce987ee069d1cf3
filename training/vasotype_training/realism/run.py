"""Gather examples, tell them apart, and say by which features."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vasotype.findings import StudyError

from vasotype_training.realism.classify import Told, tell_apart
from vasotype_training.realism.crops import (
    PASTED,
    REAL,
    SIMULATED,
    UNTOUCHED,
    Example,
    real_tumors,
    simulated_tumors,
)
from vasotype_training.simulate.anatomy import RealBrain
from vasotype_training.simulate.shape import Outline, read_outlines
from vasotype_training.simulate.sources import find_sources

SHOWN = 12
"""Features that are listed, the most telling first."""


@dataclass(frozen=True)
class RealismOptions:
    """``crops`` simulated tumors tried in each case; ``outlines`` a folder of real outlines;
    ``progress`` is called with cases done and cases in all.
    """

    crops: int = 3
    seed: int = 0
    outlines: Path | None = None
    progress: Callable[[int, int], None] | None = None


def realism(cases: Sequence[Path], output: Path, options: RealismOptions) -> str:
    """Tell simulated from real tumors of labelled cases, and pasted from untouched tissue.

    Writes ``realism.md`` (returned) and ``examples.tsv``, one row an example. Raises StudyError
    ``cohort-empty`` where no labelled case is found.
    """
    outlines = read_outlines(options.outlines) if options.outlines else []
    examples: list[Example] = []
    for number, path in enumerate(cases, start=1):
        rng = np.random.default_rng([options.seed, number])
        examples += examples_of(path, options.crops, outlines, rng)
        if options.progress is not None:
            options.progress(number, len(cases))
    text = report(examples)
    output.mkdir(parents=True, exist_ok=True)
    (output / "realism.md").write_text(text + "\n", encoding="utf-8")
    _write_examples(examples, output / "examples.tsv")
    return text


def examples_of(
    path: Path, crops: int, outlines: Sequence[Outline], rng: np.random.Generator
) -> Iterator[Example]:
    """Real tumors of the labelled cases at a path, and simulated ones beside them."""
    for source in find_sources([path]):
        if isinstance(source, RealBrain) and source.anatomy.tumor is not None:
            yield from real_tumors(source.anatomy)
            yield from simulated_tumors(source.anatomy, crops, outlines, rng)


def report(examples: Sequence[Example]) -> str:
    """Both comparisons as Markdown; raises StudyError ``cohort-empty`` without any example."""
    kinds = {k: [e for e in examples if e.kind == k] for k in (REAL, SIMULATED, UNTOUCHED, PASTED)}
    if not kinds[REAL] or not kinds[SIMULATED]:
        raise StudyError("cohort-empty", "no labelled case with a tumor of 6 to 45 mm among these")
    return "\n".join(
        [
            *_told("simulated tumors from real ones", tell_apart(kinds[REAL], kinds[SIMULATED])),
            "",
            *_told(
                "tissue beside a pasted tumor from the same tissue untouched",
                tell_apart(kinds[UNTOUCHED], kinds[PASTED]),
            ),
        ]
    )


def _told(words: str, told: Told) -> list[str]:
    """One comparison as Markdown."""
    t = told.together
    ranked = sorted(told.alone.items(), key=lambda item: abs(item[1] - 0.5), reverse=True)
    return [
        f"Telling {words}: AUROC {t.value:.2f} ({t.low:.2f}-{t.high:.2f}) for patients that were "
        f"not seen, {told.counts[0]} against {told.counts[1]} examples of {told.patients} "
        "patients; 0.50 is chance.",
        "",
        "| feature alone | AUROC | |",
        "|---|---|---|",
        *(
            f"| {name} | {max(value, 1 - value):.2f} | {'higher' if value > 0.5 else 'lower'} |"
            for name, value in ranked[:SHOWN]
        ),
    ]


def _write_examples(examples: Sequence[Example], path: Path) -> None:
    names = sorted({name for example in examples for name in example.features})
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, delimiter="\t", lineterminator="\n")
        rows.writerow(["kind", "patient", "diameter_mm", *names])
        for e in examples:
            values = [f"{e.features[n]:.5g}" if n in e.features else "" for n in names]
            rows.writerow([e.kind, e.patient, f"{e.diameter_mm:.1f}", *values])
