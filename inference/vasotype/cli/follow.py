"""``vasotype follow``: examinations of one patient, compared lesion by lesion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from vasotype.cli.console import guarded, print_json, spinner
from vasotype.cli.dce_options import (
    B1sOption,
    DoseOption,
    HaematocritOption,
    RelaxivityOption,
    dce_settings,
)
from vasotype.cli.options import (
    CalibrationOption,
    Device,
    DeviceOption,
    JsonOption,
    ModelOption,
    NoReportOption,
    OverwriteOption,
    ProtocolOption,
    RulesOption,
    ThreadsOption,
)

if TYPE_CHECKING:
    from vasotype.followup.record import FollowUp, TrackRecord


@guarded
def follow(
    studies: Annotated[
        list[Path],
        typer.Argument(
            metavar="BASELINE FOLLOWUP...",
            help="Folders or zip archives of two or more examinations, in order of time.",
        ),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")],
    days: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N", min=1, help="Days since baseline; once for each follow-up, in their order."
        ),
    ] = None,
    clinical: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Clinical facts (as for run); once for each examination, the baseline first.",
        ),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own repeatability limits (JSON)."),
    ] = None,
    b1: B1sOption = None,
    dose: DoseOption = None,
    relaxivity: RelaxivityOption = None,
    haematocrit: HaematocritOption = None,
    model: ModelOption = "default",
    calibration: CalibrationOption = None,
    protocol: ProtocolOption = None,
    rules: RulesOption = None,
    device: DeviceOption = Device.AUTO,
    threads: ThreadsOption = None,
    overwrite: OverwriteOption = False,
    no_report: NoReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare examinations of one patient: which lesions grew, shrank, parted, joined or are new.

    Each examination is analysed as `vasotype run` does and aligned to the baseline. A change is
    shown beside the limit within which a repeated measurement would fall. What is given is the
    size component of RANO-BM inside the brain, never a response.

    Examples:

    - `vasotype follow january april -o result`
    - `vasotype follow january april july -o result --days 90 --days 181`
    - `vasotype follow january april -o result --clinical january.json --clinical april.json`
    """
    with spinner("analysing"):
        import vasotype
        from vasotype.followup.run import FollowOptions
        from vasotype.followup.run import follow as compare

        options = FollowOptions(
            days=tuple(days or ()),
            clinical=tuple(clinical or ()),
            limits=limits,
            b1=tuple(b1 or ()),
            dce_settings=dce_settings(dose, relaxivity, haematocrit),
            overwrite=overwrite,
            report=not no_report,
        )
        analyser = vasotype.load(model, device.value, threads, calibration, protocol, rules)
        record = compare(analyser, studies, output, options)
    if as_json:
        print_json(record.model_dump(mode="json"))
    else:
        _summarise(record, output, report=not no_report)


def _summarise(record: FollowUp, output: Path, report: bool) -> None:
    console = Console(highlight=False)
    if record.tracks:
        console.print(_table(record))
    else:
        console.print("no lesion at any timepoint")
    for size in record.cns_size_component if record.tracks else ():
        typer.echo(
            f"follow-up {size.timepoint}: size component inside the brain {size.with_new_lesions} "
            f"(targets {size.targets}, new lesions {len(size.new_tracks)}); not a response"
        )
    for finding in record.findings:
        typer.echo(f"{finding.severity}: {finding.message}")
    typer.echo(f"results: {output}")
    if report:
        typer.echo(f"report: {output / 'follow.html'}")
    typer.echo(record.research_use)


def _table(record: FollowUp) -> Table:
    names = ["baseline", *(f"follow-up {i}" for i in range(1, len(record.timepoints)))]
    table = Table("lesion", "target", *(f"{name} mm / mL" for name in names), "last event")
    for track in record.tracks:
        table.add_row(
            str(track.id), "yes" if track.target else "", *_cells(track), track.events[-1] or ""
        )
    return table


def _cells(track: TrackRecord) -> list[str]:
    return [
        "not found" if seen is None else f"{seen.longest_diameter_mm:.1f} / {seen.core_ml:.2f}"
        for seen in track.observations
    ]
