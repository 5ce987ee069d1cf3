"""``vasotype train``: make a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import guarded, needs_extra
from vasotype.findings import StudyError


@guarded
def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="Training configuration, a YAML file.")
    ],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace one value; may be repeated."),
    ] = None,
) -> None:
    """Train a network by a configuration file; prints the folder with its weights.

    Needs `pip install "vasotype[train]"`. Weights and checkpoints are written as the run goes; to
    go on with one that was cut off, set `resume` to its last checkpoint.

    Examples:

    - `vasotype train my-training.yaml`
    - `vasotype train my-training.yaml --set optimiser.steps=2000 --set seed=7`
    - `vasotype train my-training.yaml --set resume=runs/mine/last.ckpt`
    """
    overrides = tuple(override or ())
    with needs_extra("train", "train"):
        from vasotype_training.config import read_config

        try:
            read_config(config, overrides)
        except ValueError as error:
            raise StudyError("config-invalid", f"{config.name}: {error}") from error

        from vasotype_training.train import train as run_training

        folder = run_training(config, overrides)
    typer.echo(f"weights: {folder / 'weights.pt'}")
