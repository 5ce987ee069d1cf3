"""``vasotype simulate``: a labelled cohort whose lesions no patient has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import counted, guarded, needs_extra


@guarded
def simulate(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the cohort.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Number of studies.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same studies.")] = 0,
    anatomy: Annotated[
        list[Path] | None,
        typer.Option(
            help="Brains to put lesions into: folders of studies or label maps. May be repeated.",
            show_default="the MNI152 template, painted",
        ),
    ] = None,
    outlines: Annotated[
        Path | None, typer.Option(help="Folder of lesion outlines to draw shapes from.")
    ] = None,
    maps: Annotated[
        bool, typer.Option("--maps/--no-maps", help="Write perfusion and PET maps as well.")
    ] = True,
    healthy_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of studies without a metastasis.")
    ] = 0.15,
) -> None:
    """Write simulated studies with metastases and their truth.

    Every study lies in `OUTPUT/<case>/`, its truth (tissues, lesions, modes) in
    `OUTPUT/<case>/truth/`. Studies that are already there are kept. Needs
    `pip install "vasotype[train]"`.

    Examples:

    - `vasotype simulate -o cohort --count 20 --seed 1`
    - `vasotype simulate -o cohort --count 20 --anatomy brains --no-maps`
    """
    with needs_extra("train", "simulate"), counted("studies") as tick:
        from vasotype_training.simulate import (
            StudyOptions,
            find_sources,
            read_outlines,
            write_cohort,
        )

        names = write_cohort(
            output,
            count,
            seed,
            find_sources(anatomy or ()),
            read_outlines(outlines) if outlines else (),
            StudyOptions(maps=maps, healthy_share=healthy_share),
        )
        for done, name in enumerate(names, start=1):
            tick(done, count, name)
    typer.echo(f"cohort: {output}")
