"""``vasotype record-figures``: put the figures of evaluations beside the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import guarded, needs_extra
from vasotype.cli.options import ModelOption


@guarded
def record_figures(
    outputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="OUTPUT...",
            help="Folders that `vasotype evaluate` and `evaluate-lesions` wrote.",
        ),
    ],
    *,
    model: ModelOption = "default",
) -> None:
    """Record the figures of evaluations beside the model, to be checked after every change.

    `figures.json` in the model's folder then holds every figure with data, model digest, version,
    command and tolerance, and `FIGURES.md` the tables with the bars of `bars.json`.
    `vasotype evaluate --check` repeats them. New evaluations replace recorded ones of the same
    cohorts; figures of another version of the model go. Needs `pip install "vasotype[train]"`.

    Examples:

    - `vasotype record-figures real simulated lesions`
    - `vasotype record-figures mine --model ./my-model`
    """
    from vasotype.engine.locate import find_model

    folder = find_model(model)
    with needs_extra("train", "record-figures"):
        from vasotype_training.evaluate import record
        from vasotype_training.evaluate.bars import read_bars
        from vasotype_training.evaluate.tables import filled, summary

        recorded = record(outputs, folder)
        evaluations = (*recorded.studies, *recorded.lesions)
        text = summary(filled(read_bars(folder), evaluations), evaluations)
    (folder / "FIGURES.md").write_text(text, encoding="utf-8")
    typer.echo(text)
