"""``vasotype stability``: how far leanings and biomarkers hold when a scan is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import counted, guarded, needs_extra, spinner
from vasotype.cli.options import Device, DeviceOption, ModelOption, ThreadsOption
from vasotype.findings import StudyError


@guarded
def stability(
    studies: Annotated[
        list[Path],
        typer.Argument(
            metavar="STUDY...",
            help="Studies to disturb; with --simulated the brains that lesions grow in.",
        ),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder for the tables.")],
    simulated: Annotated[
        int | None,
        typer.Option(
            metavar="PATIENTS",
            min=2,
            help="Simulate so many patients, scan each twice, and compare every biomarker.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = "default",
    outlines: Annotated[
        Path | None,
        typer.Option(help="With --simulated: folder of real lesion outlines to draw shapes from."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Fixes noise and shading, or patients.")] = 0,
    device: DeviceOption = Device.AUTO,
    threads: ThreadsOption = None,
) -> None:
    """Tell what a repeated scan would change: in your studies, or in simulated lesions.

    Each STUDY is analysed as it is, with noise, with shading, and on a grid half a voxel further;
    `OUTPUT/stability.tsv` has every lesion's sizes, probabilities and novelty score, and
    `OUTPUT/stability.md` what held. With `--simulated` the same lesions are scanned twice with
    all that differs between scans, and the table gives ICC(2,1) and the repeatability of every
    biomarker (needs `pip install "vasotype[train]"`, about 8 s of one core a patient).

    Examples:

    - `vasotype stability patient7 patient8 -o stability`
    - `vasotype stability brains -o test-retest --simulated 60`
    """
    if output.exists():
        raise StudyError("output-exists", f"{output}: must be new")
    if outlines is not None and simulated is None:
        raise StudyError("config-invalid", "--outlines shapes simulated lesions: add --simulated")
    import vasotype

    analyser = vasotype.load(model, device.value, threads)
    if simulated is None:
        from vasotype.stability.report import markdown, read_again, write_readings

        readings = []
        with spinner("analysing"):
            for study in studies:
                readings += read_again(
                    analyser, study, seed, lambda line: typer.echo(line, err=True)
                )
        output.mkdir(parents=True)
        write_readings(readings, output / "stability.tsv")
        page = markdown(readings)
    else:
        with needs_extra("train", "stability --simulated"), counted("patients") as tick:
            from vasotype_training.repeat_scans import repeat_scans

            found = repeat_scans(
                studies,
                analyser,
                simulated,
                seed,
                outlines,
                lambda done, total: tick(done, total, f"{done} of {total} patients"),
            )
        output.mkdir(parents=True)
        page = found.markdown()
    (output / "stability.md").write_text(page, encoding="utf-8")
    typer.echo(page)
