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

    A configuration with `model: brain` makes a brain extraction network.

    Needs `pip install "vasotype[train]"`. Weights and checkpoints are written as the run goes; to
    go on with one that was cut off, set `resume` to its last checkpoint.

    Examples:

    - `vasotype train my-training.yaml`
    - `vasotype train my-training.yaml --set optimiser.steps=2000 --set seed=7`
    - `vasotype train my-training.yaml --set resume=runs/mine/last.ckpt`
    """
    overrides = tuple(override or ())
    with needs_extra("train", "train"):
        from vasotype_training.config import TrainConfig, read_tree

        tree = read_tree(config, overrides)
        brain = tree.get("model") == "brain"
        try:
            if brain:
                from vasotype_training.brain.config import BrainConfig

                settings = BrainConfig.model_validate(tree)
            else:
                TrainConfig.model_validate(tree)
        except ValueError as error:
            raise StudyError("config-invalid", f"{config.name}: {error}") from error
        if brain:
            from vasotype_training.brain.train import train_brain

            folder = train_brain(settings)
        else:
            from vasotype_training.train import train as run_training

            folder = run_training(config, overrides)
    typer.echo(f"weights: {folder / 'weights.pt'}")
