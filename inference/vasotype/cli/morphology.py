"""``vasotype morphology``: what the lesions of labelled cohorts look like, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import guarded, needs_extra
from vasotype.findings import StudyError


@guarded
def morphology(
    cohorts: Annotated[
        list[Path],
        typer.Argument(
            metavar="COHORT...",
            help="Folders that `vasotype simulate` wrote, or of label files `*-seg.nii.gz`.",
        ),
    ],
) -> None:
    """Print counts, sizes, edema, necrosis and roundness of lesions, a column for each cohort.

    It shows whether simulated lesions look like patients'. Needs `pip install "vasotype[train]"`.

    Examples:

    - `vasotype morphology cohort`
    - `vasotype morphology cohort real-labels`
    """
    with needs_extra("train", "morphology"):
        from vasotype_training.simulate.morphology import morphology_table, read_patients

        try:
            patients = {folder.name: read_patients(folder) for folder in cohorts}
        except FileNotFoundError as error:
            raise StudyError("truth-missing", str(error)) from error
        typer.echo(morphology_table(patients))
