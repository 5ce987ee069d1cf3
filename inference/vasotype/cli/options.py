"""Options that several commands share, spelled once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Device(StrEnum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


ModelOption = Annotated[
    str,
    typer.Option("--model", "-m", help="Name of an installed model, or a model folder."),
]
DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device", "-d", help="Where the network runs; auto takes CUDA where it is to be had."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="CPU threads of the network; all cores by default, shared among the jobs of a batch.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on stdout and nothing else."),
]
OverwriteOption = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace results that are already there."),
]
ProbabilitiesOption = Annotated[
    bool,
    typer.Option("--probabilities", help="Also write probabilities.nii.gz."),
]
NoReportOption = Annotated[
    bool,
    typer.Option("--no-report", help="Leave report.html out."),
]
