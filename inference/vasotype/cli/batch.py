"""``vasotype batch``: a cohort."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vasotype.cli.console import SOME_FAILED, counted, guarded, needs_extra, print_json
from vasotype.cli.dce_options import (
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
    JsonOption,
    ModelOption,
    NoReportOption,
    OverwriteOption,
    ProbabilitiesOption,
    ProtocolOption,
    RadiomicsOption,
    RulesOption,
    Seg,
    SegOption,
    SrPhenotypeOption,
    ThreadsOption,
)

if TYPE_CHECKING:
    from vasotype.batch import BatchResult, Outcome


@guarded
def batch(
    cohort: Annotated[
        Path,
        typer.Argument(metavar="COHORT", help="Folder with a folder or archive a study."),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for all results.")],
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Studies at a time on this machine; each needs memory of its own.",
            show_default="one for every two cores",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Run on the Dask cluster with this scheduler (vasotype[scale])."
        ),
    ] = None,
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
    probabilities: ProbabilitiesOption = False,
    radiomics: RadiomicsOption = False,
    no_report: NoReportOption = False,
    considerations: ConsiderationsOption = False,
    seg: SegOption = Seg.BINARY,
    sr_phenotype: SrPhenotypeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Analyse every study below a folder.

    Results go to `OUTPUT/<study>/`, the lesions of all studies to `OUTPUT/lesions.tsv`. A study
    that can't be read is listed with its reason in `OUTPUT/failures.tsv` and stops no other; the
    exit code is then 3. The same command again goes on where the last one ended; a result that was
    made with other settings is listed, and replaced with `--overwrite` only.

    Examples:

    - `vasotype batch cohort -o results`
    - `vasotype batch cohort -o results --jobs 8 --no-report`
    - `vasotype batch /shared/cohort -o /shared/results --scheduler tcp://head:8786`
    """
    from vasotype.batch import BatchOptions, run_batch
    from vasotype.outputs import OutputOptions

    options = BatchOptions(
        model=model,
        device=device.value,
        jobs=jobs,
        threads=threads,
        scheduler=scheduler,
        calibration=calibration,
        protocol=protocol,
        rules=rules,
        dce_settings=dce_settings(dose, relaxivity, haematocrit),
        outputs=OutputOptions(
            overwrite=overwrite,
            probabilities=probabilities,
            radiomics=radiomics,
            report=not no_report,
            considerations=considerations,
            seg=seg.value,
            sr_phenotype=sr_phenotype,
        ),
    )
    with needs_extra("scale", "batch --scheduler"), counted("studies") as tick:
        done = itertools.count(1)
        result = run_batch(
            cohort, output, options, lambda outcome, total: tick(next(done), total, _line(outcome))
        )
    if as_json:
        print_json({"studies": [asdict(outcome) for outcome in result.outcomes]})
    else:
        _summarise(result, output)
    if result.failed:
        raise typer.Exit(SOME_FAILED)


def _summarise(result: BatchResult, output: Path) -> None:
    typer.echo(f"{len(result.outcomes)} studies, {len(result.failed)} without a result")
    typer.echo(f"lesions: {output / 'lesions.tsv'}")
    for outcome in result.failed:
        typer.echo(_line(outcome))
    if result.failed:
        typer.echo(f"failures: {output / 'failures.tsv'}")


def _line(outcome: Outcome) -> str:
    if outcome.status == "failed":
        return f"{outcome.study}: failed: {outcome.message}"
    if outcome.status == "kept":
        return f"{outcome.study}: kept, finished before with the same settings"
    return f"{outcome.study}: done in {outcome.seconds:.1f} s"
