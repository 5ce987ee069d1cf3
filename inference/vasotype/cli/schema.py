"""``vasotype schema``: the published JSON schemas."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from vasotype.cli.console import guarded


class Document(StrEnum):
    """A file whose schema is published."""

    RESULT = "result"
    CONTRACT = "contract"
    CLINICAL = "clinical"
    FOLLOW = "follow"


@guarded
def schema(
    document: Annotated[
        Document,
        typer.Argument(
            metavar="DOCUMENT",
            help="result: result.json of a study. contract: a model's. "
            "follow: follow.json of a follow-up.",
        ),
    ] = Document.RESULT,
) -> None:
    """Print the JSON schema of a file that other programs read.

    Examples:

    - `vasotype schema > result.schema.json`
    - `vasotype schema contract`
    """
    if document is Document.RESULT:
        from vasotype.result import result_schema

        typer.echo(result_schema())
    elif document is Document.FOLLOW:
        from vasotype.followup.record import follow_schema

        typer.echo(follow_schema())
    elif document is Document.CLINICAL:
        from vasotype.clinical import clinical_schema

        typer.echo(clinical_schema())
    else:
        from vasotype_models.contract import contract_schema

        typer.echo(contract_schema())
