"""``vasotype simulate``: a labelled cohort whose lesions no patient has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import counted, guarded, needs_extra
from vasotype.findings import StudyError

SAID_BY_RECIPE = ("seed", "anatomy", "outlines", "maps", "series", "healthy_share")
"""Parameters that a recipe fixes."""


class Layout(StrEnum):
    """How studies are laid out."""

    NIFTI = "nifti"
    BIDS = "bids"
    DICOM = "dicom"


@guarded
def simulate(
    context: typer.Context,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the cohort.")],
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            "-n",
            min=1,
            help="Number of studies; of a recipe only the first ones.",
            show_default="1, or all of the recipe",
        ),
    ] = None,
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
    series: Annotated[
        bool,
        typer.Option("--series", help="Write DSC and DCE series in place of rCBV and Ktrans maps."),
    ] = False,
    layout: Annotated[
        Layout, typer.Option(help="Plain NIfTI files, BIDS sessions, or DICOM series.")
    ] = Layout.NIFTI,
    healthy_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of studies without a metastasis.")
    ] = 0.15,
    recipe: Annotated[
        Path | None,
        typer.Option(help="Frozen cohort: a YAML file that says all of the above but --layout."),
    ] = None,
    freeze: Annotated[
        bool,
        typer.Option(
            "--freeze", help="Write the fingerprints of the studies beside the recipe, once."
        ),
    ] = False,
) -> None:
    """Write simulated studies with metastases and their truth.

    Every study lies in `OUTPUT/<case>/` (BIDS: `OUTPUT/sub-<case>/ses-01/`), its truth (tissues,
    lesions, modes) in `truth/` there. Studies that are already there are kept. Needs
    `pip install "vasotype[train]"`.

    A recipe's cohort is held against the fingerprints in `NAME.frozen.json` beside it: exit code 3
    where a study differs or is missing.

    Examples:

    - `vasotype simulate -o cohort --count 20 --seed 1`
    - `vasotype simulate -o cohort --count 20 --anatomy brains --no-maps`
    - `vasotype simulate -o cohort --count 5 --series`
    - `vasotype simulate -o hospital --layout dicom`
    - `vasotype simulate -o smoke --recipe training/vasotype_training/recipes/smoke.yaml`
    """
    _refuse(recipe, count, freeze, _given(context, SAID_BY_RECIPE))
    differences: list[str] = []
    with needs_extra("train", "simulate"), counted("studies") as tick:
        from vasotype_training.config import expand
        from vasotype_training.simulate import (
            LAYOUTS,
            StudyOptions,
            find_sources,
            read_outlines,
            read_recipe,
            write_cohort,
        )
        from vasotype_training.simulate import recipe as recipes

        options = StudyOptions(maps=maps, series=series, healthy_share=healthy_share)
        anatomies: Sequence[Path] = anatomy or ()
        total = count or 1
        if recipe is not None:
            fixed = read_recipe(recipe)
            if not freeze:
                recipes.read_frozen(recipe)  # hours of simulation aren't for nothing
            total, seed, options = count or fixed.count, fixed.seed, fixed.options
            anatomies = [expand(path) for path in fixed.anatomies]
            outlines = expand(fixed.outlines) if fixed.outlines else None
        bank = read_outlines(outlines) if outlines else ()
        names = write_cohort(
            output, total, seed, find_sources(anatomies), bank, options, LAYOUTS[layout]
        )
        for done, name in enumerate(names, start=1):
            tick(done, total, name)
        if recipe is not None and freeze:
            recipes.freeze(recipe, output)
        elif recipe is not None:
            differences = recipes.check_frozen(recipe, output, count)
    typer.echo(f"cohort: {output}")
    for difference in differences:
        typer.echo(f"differs from the frozen cohort: {difference}", err=True)
    if differences:
        raise typer.Exit(3)


def _given(context: typer.Context, names: Collection[str]) -> list[str]:
    """Which of the parameters the user gave, as options; also those given as their default."""
    return [
        "/".join((*parameter.opts, *parameter.secondary_opts))
        for parameter in context.command.params
        if parameter.name in names
        and (source := context.get_parameter_source(parameter.name)) is not None
        and source.name == "COMMANDLINE"
    ]


def _refuse(recipe: Path | None, count: int | None, freeze: bool, given: Sequence[str]) -> None:
    """Options that would have no effect, or freeze what is not the whole cohort."""
    if freeze and recipe is None:
        raise StudyError("config-invalid", "--freeze writes beside a --recipe; there is none")
    if freeze and count is not None:
        raise StudyError("config-invalid", "--freeze takes the whole cohort, --count a part of it")
    if recipe is not None and given:
        raise StudyError("config-invalid", f"--recipe and {', '.join(given)} exclude each other")
