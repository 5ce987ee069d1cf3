"""``vasotype check``: how a study was acquired, against the protocol and the model's needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vasotype.cli.console import guarded, print_json, spinner
from vasotype.cli.options import (
    FlairOption,
    JsonOption,
    KtransOption,
    ProtocolOption,
    RcbvOption,
    StudyArgument,
    T1cOption,
    T1Option,
    T2Option,
    TbrOption,
    given_sequences,
)

if TYPE_CHECKING:
    from vasotype.result import AcquisitionReport

LEVELS = {
    "needed": "The model needs",
    "minimum": "Minimum of the protocol",
    "ideal": "Ideal of the protocol",
    "phenotype": "For the phenotype",
}


@guarded
def check(
    study: StudyArgument = None,
    *,
    t1: T1Option = None,
    t1c: T1cOption = None,
    t2: T2Option = None,
    flair: FlairOption = None,
    rcbv: RcbvOption = None,
    ktrans: KtransOption = None,
    tbr: TbrOption = None,
    protocol: ProtocolOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check how a study was acquired, against the BTIP-BM protocol and what the model needs.

    Nothing is analysed. Each line says what is asked for, whether it is met, and what was found; a
    number that was not checked against its source says *unverified*. A study that `vasotype run`
    would refuse for want of T1 after contrast and FLAIR is checked all the same.

    Examples:

    - `vasotype check patient7`
    - `vasotype check export.zip --t1c 7 --json` (numbers as `vasotype identify` prints them)
    """
    files = given_sequences(
        study, t1=t1, t1c=t1c, t2=t2, flair=flair, rcbv=rcbv, ktrans=ktrans, tbr=tbr
    )
    with spinner("reading"):
        from vasotype_models.contract import STRUCTURAL

        from vasotype.acquisition import acquisition_findings
        from vasotype.acquisition import check as check_study
        from vasotype.acquisition.protocol import read_protocol
        from vasotype.study import read_study

        wanted = read_protocol(protocol)
        read = read_study(study or {}, overrides=files, needed=STRUCTURAL)
        report = check_study(read, wanted)
    if as_json:
        print_json(report.model_dump(mode="json"))
        return
    console = Console(highlight=False)
    console.print(_sequences(report))
    console.print(_quality(report))
    console.print(_requirements(report))
    for short, source in report.sources.items():
        console.print(f"{short}: {source}", markup=False)
    for finding in (*read.findings, *acquisition_findings(report)):
        console.print(f"{finding.severity}: {finding.message}", markup=False)


def _sequences(report: AcquisitionReport) -> Table:
    columns = "TR ms", "TE ms", "TI ms", "field T", "dose mL", "min after contrast"
    table = Table("sequence", "is", "used as", "voxels, mm", *columns)
    for one in report.sequences:
        header = one.header
        table.add_row(
            Text(one.name),
            one.kind,
            one.channel or "-",
            " x ".join(f"{edge:.2f}" for edge in one.spacing_mm or ()) or "-",
            *(
                "-" if value is None else f"{value:g}"
                for value in (
                    header.tr_ms,
                    header.te_ms,
                    header.ti_ms,
                    header.field_t,
                    header.dose_ml,
                    header.minutes_after_contrast,
                )
            ),
        )
    return table


def _quality(report: AcquisitionReport) -> Table:
    table = Table("image", "longest edge mm", "covers", "signal/noise", "ghosts", "slice shift mm")
    for one in report.quality:
        table.add_row(
            one.channel,
            f"{one.slice_mm:.2f}",
            f"{one.covered:.0%}",
            "-" if one.snr is None else f"{one.snr:.0f}",
            "-" if one.ghosting is None else f"{one.ghosting:.1%}",
            "-" if one.slice_shift_mm is None else f"{one.slice_shift_mm:.1f}",
        )
    return table


def _requirements(report: AcquisitionReport) -> Table:
    table = Table(f"{report.protocol} and needs", "", "found", "source")
    for level, title in LEVELS.items():
        table.add_section()
        table.add_row(Text(title, style="bold"))
        for item in report.checks:
            if item.level == level:
                mark = " (unverified)" if item.verified is False else ""
                table.add_row(
                    Text(item.requirement + mark), item.status, Text(item.found), item.source
                )
    return table
