"""Options that several commands share, spelled once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vasotype.findings import StudyError


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


StudyArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="STUDY",
        help="Folder or zip archive of one study; may be left out when sequences are given.",
    ),
]

SEQUENCES_PANEL = "Sequences: a NIfTI file, a DICOM series, or the number of one in STUDY"


def _sequence(channel: str, meaning: str) -> Any:
    return typer.Option(f"--{channel}", help=meaning, rich_help_panel=SEQUENCES_PANEL)


T1Option = Annotated[Path | None, _sequence("t1", "T1 before contrast.")]
T1cOption = Annotated[Path | None, _sequence("t1c", "T1 after contrast.")]
T2Option = Annotated[Path | None, _sequence("t2", "T2.")]
FlairOption = Annotated[Path | None, _sequence("flair", "FLAIR.")]
RcbvOption = Annotated[Path | None, _sequence("rcbv", "Relative cerebral blood volume map.")]
KtransOption = Annotated[Path | None, _sequence("ktrans", "Ktrans map, per minute.")]
TbrOption = Annotated[Path | None, _sequence("tbr", "Amino acid PET, tumor-to-brain ratio.")]
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
ProtocolOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Protocol of your own to check the acquisition against, like the protocol.json that "
        "ships.",
    ),
]
RulesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Rules of your own for the reading by thresholds, like the rules.json that ships.",
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


def given_sequences(study: Path | None, **files: Path | None) -> dict[str, Path]:
    """Files by channel that the user named.

    Raises StudyError ``no-input`` where there is neither one of them nor a study.
    """
    given = {channel: file for channel, file in files.items() if file is not None}
    if study is None and not given:
        raise StudyError("no-input", "neither a study folder nor a sequence was given")
    return given
