"""``vasotype agreement``: leanings against pathology, over a cohort of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from vasotype.cli.console import guarded, print_json
from vasotype.cli.options import JsonOption
from vasotype.findings import StudyError


@guarded
def agreement(
    results: Annotated[
        Path,
        typer.Argument(metavar="RESULTS", help="Folder that holds result folders at any depth."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Count how often leanings agree with the modes that pathology gave.

    Takes every result that was made with `vasotype run --pathology`, one patient each. The
    predictions stay as they were made.

    Example: `vasotype agreement cohort-results`
    """
    from vasotype.outputs.report_triage import agreement_words
    from vasotype.outputs.report_words import MODE_NAMES
    from vasotype.phenotype.agreement import agreement as agree
    from vasotype.result import Result

    found = sorted(results.rglob("result.json"))
    table = agree(Result.read(path.parent) for path in found)
    if table is None:
        message = f"{results}: none of {len(found)} results holds a mode from pathology"
        raise StudyError("no-pathology", message)
    if as_json:
        print_json(table.model_dump(mode="json"))
        return
    shown = Table("pathology", *(f"leaning {name}" for name in MODE_NAMES.values()))
    for truth, row in table.table.items():
        shown.add_row(MODE_NAMES[truth], *(str(row[mode]) for mode in MODE_NAMES))
    Console(highlight=False).print(shown)
    typer.echo(agreement_words(table))
