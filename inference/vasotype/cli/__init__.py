"""The command line: it parses, calls the package, and prints. One file a command."""

from __future__ import annotations

from typing import Annotated

import typer

from vasotype import __version__
from vasotype.cli.ablate import ablate
from vasotype.cli.agreement import agreement
from vasotype.cli.batch import batch
from vasotype.cli.ceilings import ceilings
from vasotype.cli.check import check
from vasotype.cli.console import say_everything
from vasotype.cli.evaluate import evaluate
from vasotype.cli.evaluate_lesions import evaluate_lesions
from vasotype.cli.export import export
from vasotype.cli.follow import follow
from vasotype.cli.harmonise import harmonise
from vasotype.cli.identify import identify
from vasotype.cli.models import models
from vasotype.cli.morphology import morphology
from vasotype.cli.perfusion import perfusion
from vasotype.cli.realism import realism
from vasotype.cli.recalibrate import recalibrate
from vasotype.cli.record_figures import record_figures
from vasotype.cli.run import run
from vasotype.cli.schema import schema
from vasotype.cli.serve import serve
from vasotype.cli.simulate import simulate
from vasotype.cli.stability import stability
from vasotype.cli.train import train

app = typer.Typer(
    name="vasotype",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

USE, MAKE = "Use a model", "Make a model"
app.command(rich_help_panel=USE)(run)
app.command(rich_help_panel=USE)(batch)
app.command(rich_help_panel=USE)(follow)
app.command(rich_help_panel=USE)(agreement)
app.command(rich_help_panel=USE)(identify)
app.command(rich_help_panel=USE)(check)
app.command(rich_help_panel=USE)(perfusion)
app.command(rich_help_panel=USE)(stability)
app.add_typer(models, name="models", rich_help_panel=USE)
app.command(rich_help_panel=USE)(serve)
app.command(rich_help_panel=USE)(schema)
app.command(rich_help_panel=MAKE)(simulate)
app.command(rich_help_panel=MAKE)(ceilings)
app.command(rich_help_panel=MAKE)(morphology)
app.command(rich_help_panel=MAKE)(realism)
app.command(rich_help_panel=MAKE)(train)
app.command(rich_help_panel=MAKE)(ablate)
app.command(rich_help_panel=MAKE)(evaluate)
app.command(rich_help_panel=MAKE)(evaluate_lesions)
app.command(rich_help_panel=MAKE)(record_figures)
app.command(rich_help_panel=MAKE)(export)
app.command(rich_help_panel=MAKE)(recalibrate)
app.command(rich_help_panel=MAKE)(harmonise)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vasotype {__version__}")
        raise typer.Exit


@app.callback()
def vasotype(
    version: Annotated[  # noqa: ARG001 - the callback acts on it
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and detailed progress.")
    ] = False,
) -> None:
    """Brain metastases on MRI: segmented, measured, and read for how each gets its blood.

    Research use only; not a medical device.

    Start with `vasotype run STUDY -o RESULT`, where STUDY is a folder or zip archive with the MRI
    sequences of one examination; `RESULT/report.html` then shows what was found.

    Exit codes: 0 done, 2 something is wrong with the input, 3 some studies of a batch failed,
    1 a bug.
    """
    say_everything(debug)


def main() -> None:
    """Entry point of the ``vasotype`` command."""
    app()
