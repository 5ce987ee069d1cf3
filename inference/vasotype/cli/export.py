"""``vasotype export``: from a checkpoint to a model folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vasotype import __version__
from vasotype.cli.console import guarded, needs_extra
from vasotype.findings import StudyError


@guarded
def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="Checkpoint that `vasotype train` wrote.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="New model folder.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    model_version: Annotated[str, typer.Option(help="Version of the model.")] = __version__,
    description: Annotated[str, typer.Option(help="One sentence for the contract.")] = "",
    calibration: Annotated[
        Path | None,
        typer.Option(help="calibration.json fitted for this checkpoint; neutral without it."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Training configuration, kept as train.yaml.")
    ] = None,
    calibrate: Annotated[
        int,
        typer.Option(
            min=0, help="Simulated patients to fit the calibration on, in --config's anatomies."
        ),
    ] = 0,
) -> None:
    """Turn a checkpoint into a model folder: ONNX graph, contract, calibration, golden example.

    Needs `pip install "vasotype[train]"`. The folder serves as `--model` everywhere.

    Examples:

    - `vasotype export runs/mine/weights.pt -o my-model --name my-model`
    - `vasotype export runs/mine/weights.pt -o my-model --name my-model --config mine.yaml \\
      --calibrate 240`
    - `vasotype run patient7 -o result --model ./my-model`
    """
    if calibrate and calibration is not None:
        raise StudyError("config-invalid", "--calibration and --calibrate exclude each other")
    if calibrate and config is None:
        raise StudyError("config-invalid", "--calibrate draws its crops by --config")
    with needs_extra("train", "export"):
        from vasotype_models.contract import Calibration
        from vasotype_training.brain.export import export_brain, is_brain
        from vasotype_training.calibration_crops import fit_on_crops
        from vasotype_training.export import Release
        from vasotype_training.export import export as write_release

        from vasotype.engine import read_calibration_file

        fitted: Calibration | Callable[[Path], Calibration] | None = None
        if calibrate and config is not None:
            fitted = partial(fit_on_crops, config_path=config, count=calibrate)
        if calibration is not None:
            fitted = read_calibration_file(calibration)
        brain = is_brain(checkpoint)
        if brain and fitted is not None:
            raise StudyError("config-invalid", "a brain network has no calibration")
        release = Release(
            name=name,
            version=model_version,
            description=description,
            calibration=fitted,
            train_config=config,
        )
        write = export_brain if brain else write_release
        folder = write(checkpoint, output, release)
    typer.echo(f"model: {folder}")
