"""Options that several commands share, spelled once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Seg(StrEnum):
    """Kinds of DICOM segmentation."""

    BINARY = "binary"
    FRACTIONAL = "fractional"
    LABELMAP = "labelmap"


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
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Calibration of your own, as `vasotype recalibrate` writes it, for the model's.",
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
RadiomicsOption = Annotated[
    bool,
    typer.Option("--radiomics", help="Also write radiomics.tsv: IBSI features of tumor and edema."),
]
SegOption = Annotated[
    Seg,
    typer.Option("--seg", help="How DICOM segmentations are stored."),
]
SrPhenotypeOption = Annotated[
    bool,
    typer.Option(
        "--sr-phenotype",
        help="Put vascular leanings into the DICOM measurements, as codes of 99VASOTYPE.",
    ),
]
NoReportOption = Annotated[
    bool,
    typer.Option("--no-report", help="Leave report.html out."),
]
ConsiderationsOption = Annotated[
    bool,
    typer.Option(
        "--considerations",
        help="Add what the review discusses for each leaning to the report: the same text always.",
    ),
]
