"""``vasotype run``: one study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from vasotype.cli.console import guarded, print_json, spinner
from vasotype.cli.dce_options import (
    B1Option,
    DoseOption,
    HaematocritOption,
    RelaxivityOption,
    dce_settings,
)
from vasotype.cli.options import (
    CalibrationOption,
    ConsiderationsOption,
    Device,
    DeviceOption,
    FlairOption,
    JsonOption,
    KtransOption,
    ModelOption,
    NoReportOption,
    OverwriteOption,
    ProbabilitiesOption,
    ProtocolOption,
    RadiomicsOption,
    RcbvOption,
    RulesOption,
    Seg,
    SegOption,
    SrPhenotypeOption,
    StudyArgument,
    T1cOption,
    T1Option,
    T2Option,
    TbrOption,
    ThreadsOption,
    given_sequences,
)

if TYPE_CHECKING:
    from vasotype.result import FindingRecord, LesionRecord, Result


LESIONS_PANEL = "What is known of lesions, by their numbers in an earlier run"
SERIES_PANEL = "Perfusion series, with BIDS keys in a sidecar, or the number of one in STUDY"


def _dynamic(flag: str, meaning: str) -> Any:
    return typer.Option(flag, help=meaning, rich_help_panel=SERIES_PANEL)


@guarded
def run(
    study: StudyArgument = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")],
    t1: T1Option = None,
    t1c: T1cOption = None,
    t2: T2Option = None,
    flair: FlairOption = None,
    rcbv: RcbvOption = None,
    ktrans: KtransOption = None,
    tbr: TbrOption = None,
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
    b1: B1Option = None,
    dose: DoseOption = None,
    relaxivity: RelaxivityOption = None,
    haematocrit: HaematocritOption = None,
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
    protocol: ProtocolOption = None,
    rules: RulesOption = None,
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
    files = given_sequences(
        study, t1=t1, t1c=t1c, t2=t2, flair=flair, rcbv=rcbv, ktrans=ktrans, tbr=tbr
    )
    with spinner("analysing"):
        import vasotype
        from vasotype.outputs import OutputOptions
        from vasotype.phenotype.known import Known
        from vasotype.phenotype.pathology import read_pathology
        from vasotype.study.extras import Extras

        scale = dce_settings(dose, relaxivity, haematocrit)
        extras = Extras(dsc, dce, tuple(vfa or ()), tuple(aif or ()), ps, clinical, name, b1, scale)
        known = Known(symptomatic, read_pathology(pathology) if pathology else ())
        analyser = vasotype.load(model, device.value, threads, calibration, protocol, rules)
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
    from vasotype.outputs.report_words import MODE_NAMES, mode_list

    table = Table("lesion", "longest mm", "enhancing mL", "edema mL", "leaning", "not excluded")
    for lesion in lesions:
        reading = lesion.phenotype
        table.add_row(
            str(lesion.id),
            f"{lesion.longest_diameter_mm:.1f}",
            f"{lesion.volume_ml.enhancing:.2f}",
            f"{lesion.volume_ml.edema:.2f}",
            MODE_NAMES[reading.label] if reading.label else "no statement",
            "" if reading.abstained else mode_list(reading.prediction_set),
        )
    return table


def _print_finding(finding: FindingRecord) -> None:
    typer.echo(f"{finding.severity}: {finding.message}")
