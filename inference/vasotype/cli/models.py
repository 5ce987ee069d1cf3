"""``vasotype models``: which models there are, and whether they are whole."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from vasotype.cli.console import USER_ERROR, guarded, print_json
from vasotype.cli.options import JsonOption
from vasotype.findings import StudyError

models = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="List, show and verify models.",
)

NameArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Name of an installed model, or a model folder.")
]


@models.command("list")
@guarded
def list_(as_json: JsonOption = False) -> None:
    """List the models that are installed.

    Example: `vasotype models list`
    """
    from vasotype_models.registry import list_models

    entries = list_models()
    if as_json:
        print_json(
            {
                "models": [
                    {
                        "name": entry.name,
                        "version": entry.contract.version,
                        "sha256": entry.contract.onnx_sha256,
                        "folder": str(entry.folder),
                        "description": entry.contract.description,
                    }
                    for entry in entries
                ]
            }
        )
        return
    table = Table("name", "version", "description")
    for entry in entries:
        table.add_row(entry.name, entry.contract.version, entry.contract.description)
    Console(highlight=False).print(table)


@models.command()
@guarded
def show(model: NameArgument = "default") -> None:
    """Print a model's contract: its inputs, its outputs and what its numbers depend on.

    Example: `vasotype models show default`
    """
    from vasotype_models.registry import read_any_contract

    from vasotype.engine import find_model

    folder = find_model(model)
    try:
        contract = read_any_contract(folder)
    except ValueError as error:
        raise StudyError("model-damaged", f"{folder.name}/contract.json: {error}") from error
    typer.echo(contract.model_dump_json(indent=2))


@models.command()
@guarded
def verify(model: NameArgument = "default", as_json: JsonOption = False) -> None:
    """Check that a model's files are whole and that it gives the numbers it was released with.

    Recomputes the digest of `model.onnx` and runs it on the small input of `golden.npz`.

    Examples:

    - `vasotype models verify`
    - `vasotype models verify /data/my-model --json`
    """
    from vasotype_models.registry import verify as find_problems

    from vasotype.engine import find_model

    folder = find_model(model)
    problems = find_problems(folder)
    if as_json:
        print_json({"model": model, "folder": str(folder), "problems": problems})
    elif not problems:
        typer.echo(f"{model}: whole, and gives the numbers it was released with")
    for problem in problems:
        typer.secho(f"error: {model}: {problem}", err=True, fg=typer.colors.RED)
    if problems:
        raise typer.Exit(USER_ERROR)
