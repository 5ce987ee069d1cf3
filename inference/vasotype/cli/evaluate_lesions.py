"""``vasotype evaluate-lesions``: how well leanings are read, on simulated lesions in crops."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import SOME_FAILED, counted, guarded, needs_extra
from vasotype.cli.evaluate import regressed
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
    lesions: Annotated[
        int, typer.Option("--lesions", "-n", min=20, help="Lesions of each mode.")
    ] = 1000,
    model: ModelOption = "default",
    outlines: Annotated[
        Path | None, typer.Option(help="Folder of real lesion outlines to draw shapes from.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same lesions.")] = 0,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="FIGURES",
            help="Compare with this lesions.json; exit code 3 where a figure is not reached.",
        ),
    ] = None,
) -> None:
    """Score every reading of the vascular mode on simulated lesions, beside what is possible.

    The network, the fused answer, the rules and a regression on biomarkers alone stand side by
    side, by input tier; then coverage and abstentions, the same with edema that says nothing about
    the mode, with primary tumors that follow it, and on a shifted population. The tables go to
    `OUTPUT/lesions.md`, the figures to `OUTPUT/lesions.json`. Choose anatomies that the model was
    not trained on. Needs `pip install "vasotype[train]"`; about half a second of one core a lesion.

    Examples:

    - `vasotype evaluate-lesions brains -o figures`
    - `vasotype evaluate-lesions brains/a brains/b -o figures --lesions 300 --seed 1`
    """
    with needs_extra("train", "evaluate-lesions"), counted("lesions of the rarest mode") as tick:
        from vasotype_training.evaluate.lesions import LesionOptions
        from vasotype_training.evaluate.lesions import evaluate_lesions as run_evaluation

        options = LesionOptions(
            per_mode=lesions,
            seed=seed,
            outlines=outlines,
            progress=lambda done, total: tick(done, total, f"{done} of {total} lesions a mode"),
            command=shlex.join(["vasotype", *sys.argv[1:]]),
        )
        figures = run_evaluation(anatomies, model, output, options)
    typer.echo((output / "lesions.md").read_text(encoding="utf-8"))
    for alarm in figures.alarms:
        typer.echo(f"alarm: {alarm}", err=True)
    if check is not None and regressed(figures, check):
        raise typer.Exit(SOME_FAILED)
