"""``vasotype evaluate-lesions``: how well leanings are read, on simulated lesions in crops."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import counted, guarded, needs_extra
from vasotype.cli.evaluate import conclude_check
from vasotype.cli.options import ModelOption


@guarded
def evaluate_lesions(
    anatomies: Annotated[
        list[Path],
        typer.Argument(
            metavar="ANATOMY...",
            help="Brains that lesions grow in: studies, folders of them, label maps.",
        ),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the figures.")],
    patients: Annotated[
        int,
        typer.Option(
            "--patients", "-n", min=5, help="Patients of the usual kind, 8-15 lesions each."
        ),
    ] = 250,
    model: ModelOption = "default",
    outlines: Annotated[
        Path | None, typer.Option(help="Folder of real lesion outlines to draw shapes from.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same lesions.")] = 0,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Compare with what is recorded beside the model; exit code 3 where a figure fell.",
        ),
    ] = False,
) -> None:
    """Score every reading of the vascular mode on simulated lesions, beside what is possible.

    The network, the fused answer, the rules and a regression on biomarkers alone stand side by
    side, by input tier; then coverage and abstentions, and the same lesions with edema that says
    nothing about the mode, with primary tumors that follow it, with maps from dynamic series,
    without T1, with PET; last a shifted population. The tables go to `OUTPUT/lesions.md`, the
    figures to `OUTPUT/lesions.json`; a run that stopped goes on where it was. Choose anatomies that
    the model was not trained on. Needs `pip install "vasotype[train]"`; about 10 s of one core for
    each usual patient, the others' part included.

    Examples:

    - `vasotype evaluate-lesions brains -o figures`
    - `vasotype evaluate-lesions brains/a brains/b -o figures --patients 60 --seed 1`
    """
    with needs_extra("train", "evaluate-lesions"), counted("patients") as tick:
        from vasotype_training.lesion_evaluation.run import LesionOptions
        from vasotype_training.lesion_evaluation.run import evaluate_lesions as run_evaluation

        options = LesionOptions(
            patients=patients,
            seed=seed,
            outlines=outlines,
            progress=lambda done, total: tick(done, total, f"{done} of {total} patients"),
            command=shlex.join(["vasotype", *sys.argv[1:]]),
        )
        figures = run_evaluation(anatomies, model, output, options)
    typer.echo((output / "lesions.md").read_text(encoding="utf-8"))
    for alarm in figures.alarms:
        typer.echo(f"alarm: {alarm}", err=True)
    if check:
        conclude_check(figures, model, lesions=True)
