"""``vasotype ablate``: short training runs that differ in one thing, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import guarded, needs_extra
from vasotype.findings import StudyError


@guarded
def ablate(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="Runs and what they share, a YAML file.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the runs.")],
    page: Annotated[
        Path | None,
        typer.Option(help="Page whose lines `<!-- ablations -->` get the table between them."),
    ] = None,
) -> None:
    """Train every run with every seed, score all on the same probes, and print one table.

    A run that has its `scores.json` is not trained again, so that the command goes on where it was
    stopped. Needs `pip install "vasotype[train]"`.

    Examples:

    - `vasotype ablate ablations.yaml -o runs/ablations`
    - `vasotype ablate ablations.yaml -o runs/ablations --page docs/ablations.md`
    """
    with needs_extra("train", "ablate"):
        from vasotype_training.ablate import ablate as run_ablations
        from vasotype_training.ablate import fill_page

        try:
            text = run_ablations(config, output)
            if page is not None:
                fill_page(page, text)
        except ValueError as error:
            raise StudyError("config-invalid", f"{config.name}: {error}") from error
    typer.echo(text)
