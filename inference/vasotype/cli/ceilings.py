"""``vasotype ceilings``: how well anybody could read the simulator's vascular modes."""

from __future__ import annotations

from typing import Annotated

import typer

from vasotype.cli.console import guarded, needs_extra


@guarded
def ceilings(
    *,
    lesions: Annotated[
        int, typer.Option("--lesions", "-n", min=100, help="Lesions drawn in each mode.")
    ] = 4000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 0,
) -> None:
    """Print the best scores that vascular modes allow on simulated lesions.

    They are those of the exact likelihood, by what is known of a lesion, with standard errors; the
    recorded values stand in brackets. The first table takes the assumptions as specified, the
    second as the simulator renders them. A model that scores higher has learnt something else than
    vascular biology. Needs `pip install "vasotype[train]"`.

    Examples:

    - `vasotype ceilings`
    - `vasotype ceilings --lesions 12000 --seed 3`
    """
    with needs_extra("train", "ceilings"):
        from vasotype_training.simulate.ceilings import (
            RENDERED,
            SPECIFIED,
            bayes_ceilings,
            ceiling_table,
        )

        typer.echo("As specified (simulated lesions, primary tumor unknown):\n")
        typer.echo(ceiling_table(bayes_ceilings(SPECIFIED, lesions, seed)))
        typer.echo("\nAs rendered (simulated lesions of 5 mm and more):\n")
        typer.echo(ceiling_table(bayes_ceilings(RENDERED, lesions, seed)))
