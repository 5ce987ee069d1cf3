"""``vasotype run``: one study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from vasotype.cli.console import guarded, print_json, spinner
from vasotype.cli.options import (
    CalibrationOption,
    ConsiderationsOption,
    Device,
    DeviceOption,
    JsonOption,
    ModelOption,
    NoReportOption,
    OverwriteOption,
    ProbabilitiesOption,
    RadiomicsOption,
    Seg,
    SegOption,
    SrPhenotypeOption,
    ThreadsOption,
)
from vasotype.findings import StudyError

if TYPE_CHECKING:
    from vasotype.result import FindingRecord, LesionRecord, Result


LESIONS_PANEL = "What is known of lesions, by their numbers in an earlier run"
PANEL = "Sequences: a NIfTI file, a DICOM series, or the number of one in STUDY"
SERIES_PANEL = "Perfusion series, with BIDS keys in a sidecar, or the number of one in STUDY"


def _sequence(channel: str, meaning: str) -> Any:
    return typer.Option(f"--{channel}", help=meaning, rich_help_panel=PANEL)


def _dynamic(flag: str, meaning: str) -> Any:
    return typer.Option(flag, help=meaning, rich_help_panel=SERIES_PANEL)


@guarded
def run(
    study: Annotated[
        Path | None,
        typer.Argument(
            metavar="STUDY",
            help="Folder or zip archive of one study; may be left out when sequences are given.",
        ),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")],
    t1: Annotated[Path | None, _sequence("t1", "T1 before contrast.")] = None,
    t1c: Annotated[Path | None, _sequence("t1c", "T1 after contrast.")] = None,
    t2: Annotated[Path | None, _sequence("t2", "T2.")] = None,
    flair: Annotated[Path | None, _sequence("flair", "FLAIR.")] = None,
    rcbv: Annotated[Path | None, _sequence("rcbv", "Relative cerebral blood volume map.")] = None,
    ktrans: Annotated[Path | None, _sequence("ktrans", "Ktrans map, per minute.")] = None,
    tbr: Annotated[Path | None, _sequence("tbr", "Amino acid PET, tumor-to-brain ratio.")] = None,
    dsc: Annotated[Path | None, _dynamic("--dsc", "T2*-weighted bolus series (4-D).")] = None,
    dce: Annotated[Path | None, _dynamic("--dce", "T1-weighted dynamic series (4-D).")] = None,
    vfa: Annotated[
        list[Path] | None, _dynamic("--vfa", "For T1 (DCE): an image a flip angle; repeat.")
    ] = None,
    aif: Annotated[
        list[Path] | None,
        _dynamic("--aif", "Arterial input: a .tsv table, or a mask of vessel voxels; repeat."),
    ] = None,
    ps: Annotated[
        Path | None, _dynamic("--ps", "Map of the permeability-surface product, mL/100 mL/min.")
    ] = None,
    clinical: Annotated[
        Path | None,
        typer.Option(
            "--clinical",
            metavar="FILE",
            help="Primary tumor and treatment: JSON, or a table (TSV, participants.tsv).",
        ),
    ] = None,
    symptomatic: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="LESION",
            help="The lesion that causes symptoms; the summary starts from it.",
            show_default=False,
            rich_help_panel=LESIONS_PANEL,
        ),
    ] = None,
    pathology: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table of what pathology said (TSV), to stand beside the prediction.",
            rich_help_panel=LESIONS_PANEL,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the results call the study.")
    ] = None,
    model: ModelOption = "default",
    calibration: CalibrationOption = None,
    device: DeviceOption = Device.AUTO,
    threads: ThreadsOption = None,
    overwrite: OverwriteOption = False,
    probabilities: ProbabilitiesOption = False,
    radiomics: RadiomicsOption = False,
    no_report: NoReportOption = False,
    considerations: ConsiderationsOption = False,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="DICOM_SERIES",
            help="The series that T1c (or FLAIR) of a NIfTI study was made from; DICOM results "
            "then refer to it.",
        ),
    ] = None,
    seg: SegOption = Seg.BINARY,
    sr_phenotype: SrPhenotypeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Analyse one study: segment every metastasis, measure it, read its vascular leaning.

    STUDY is a folder or zip archive of DICOM as it comes from the archive, or a folder of NIfTI
    files whose names tell the sequences: `case-t1n.nii.gz`, `case-t1c.nii.gz`, `case-t2w.nii.gz`,
    `case-t2f.nii.gz`. At least T1 after contrast or FLAIR is needed; what else is missing is said
    in the report. A sequence flag wins over what the study holds. Perfusion series (names ending in
    `dsc`, `dce`; DICOM) are found and analysed.

    Examples:

    - `vasotype run patient7 -o patient7-result`
    - `vasotype run export.zip --t1c 7 -o result` (numbers as `vasotype identify` prints them)
    - `vasotype run --t1c post.nii.gz --flair flair.nii.gz -o result`
    - `vasotype run patient7 --rcbv maps/rcbv.nii.gz -o result --json`
    - `vasotype run export.zip --dsc 8 --clinical patient7.json -o result`
    """
    given = {
        "t1": t1, "t1c": t1c, "t2": t2, "flair": flair, "rcbv": rcbv, "ktrans": ktrans, "tbr": tbr,
    }  # fmt: skip
    files = {channel: file for channel, file in given.items() if file is not None}
    if study is None and not files:
        raise StudyError("no-input", "neither a study folder nor a sequence was given")

    with spinner("analysing"):
        import vasotype
        from vasotype.outputs import OutputOptions
        from vasotype.phenotype.known import Known
        from vasotype.phenotype.pathology import read_pathology
        from vasotype.study.extras import Extras

        extras = Extras(dsc, dce, tuple(vfa or ()), tuple(aif or ()), ps, clinical, name)
        known = Known(symptomatic, read_pathology(pathology) if pathology else ())
        analyser = vasotype.load(model, device.value, threads, calibration)
        options = OutputOptions(
            overwrite=overwrite,
            probabilities=probabilities,
            radiomics=radiomics,
            report=not no_report,
            considerations=considerations,
            seg=seg.value,
            sr_phenotype=sr_phenotype,
            reference=reference,
        )
        result = analyser.run(
            study or {}, output, options, overrides=files, known=known, extras=extras
        )
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        _summarise(result, output, report=not no_report)


def _summarise(result: Result, output: Path, report: bool) -> None:
    console = Console(highlight=False)
    if result.lesions:
        console.print(_table(result.lesions))
    else:
        console.print(f"{result.study}: no lesion found")
    for finding in result.findings:
        _print_finding(finding)
    typer.echo(f"results: {output}")
    if report:
        typer.echo(f"report: {output / 'report.html'}")
    typer.echo(result.research_use)


def _table(lesions: Iterable[LesionRecord]) -> Table:
    table = Table("lesion", "longest mm", "enhancing mL", "edema mL", "leaning", "not excluded")
    for lesion in lesions:
        reading = lesion.phenotype
        table.add_row(
            str(lesion.id),
            f"{lesion.longest_diameter_mm:.1f}",
            f"{lesion.volume_ml.enhancing:.2f}",
            f"{lesion.volume_ml.edema:.2f}",
            reading.label or "no statement",
            "" if reading.abstained else ", ".join(reading.prediction_set),
        )
    return table


def _print_finding(finding: FindingRecord) -> None:
    typer.echo(f"{finding.severity}: {finding.message}")
