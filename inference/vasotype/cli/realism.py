"""``vasotype realism``: what gives a simulated tumor away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import counted, guarded, needs_extra


@guarded
def realism(
    cases: Annotated[
        list[Path],
        typer.Argument(
            metavar="CASE...", help="Labelled studies with a real tumor, or folders of them."
        ),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables.")],
    crops: Annotated[int, typer.Option(min=1, help="Simulated tumors tried in each case.")] = 3,
    outlines: Annotated[
        Path | None, typer.Option(help="Folder of real lesion outlines to draw shapes from.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same tumors.")] = 0,
) -> None:
    """Tell simulated from real tumors by features that have a name, and say which gave it away.

    Simulated tumors grow in the tumor-free tissue of the same real cases, so that only the tumor
    differs. A logistic regression is cross-validated by patient; 0.5 would be perfect. The second
    table compares the tissue beside a simulated tumor with the same tissue before. Needs
    `pip install "vasotype[train]"`; about ten seconds of one core a case.

    Examples:

    - `vasotype realism labelled-cases -o realism`
    - `vasotype realism cases/* -o realism --crops 5 --outlines real-labels`
    """
    with needs_extra("train", "realism"), counted("cases") as tick:
        from vasotype_training.realism import RealismOptions
        from vasotype_training.realism import realism as run_comparison

        options = RealismOptions(
            crops=crops,
            seed=seed,
            outlines=outlines,
            progress=lambda done, total: tick(done, total, f"{done} of {total} cases"),
        )
        text = run_comparison(cases, output, options)
    typer.echo(text)
