"""``vasotype recalibrate``: make probabilities and sets hold for a site's own labelled lesions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import counted, guarded, needs_extra
from vasotype.cli.options import Device, DeviceOption, ModelOption
from vasotype.findings import StudyError


@guarded
def recalibrate(
    cohort: Annotated[
        Path,
        typer.Argument(metavar="COHORT", help="Folder of labelled studies."),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="New calibration file (JSON).")],
    model: ModelOption = "default",
    device: DeviceOption = Device.AUTO,
) -> None:
    """Refit temperatures and prediction sets on labelled cases of your own.

    A case holds its sequences and, under `truth/`, `segmentation.nii.gz`, `instances.nii.gz` and
    `lesions.tsv` with the vascular mode of each lesion as far as it is known. Lesions of 5 mm and
    more that the model finds are used; at least 30 of each mode are needed in an input tier to
    change it. Ten studies with outlined lesions refit the voxel probabilities of tissues, without
    any mode. A study that can't be used is left out and named. The new file serves `run` and
    `batch` as `--calibration FILE`, with the same model only. Until then every coverage figure
    holds for simulated lesions only. Needs `pip install "vasotype[train]"`.

    Examples:

    - `vasotype recalibrate our-cohort -o our-calibration.json`
    - `vasotype run patient7 -o result --calibration our-calibration.json`
    """
    if output.exists():
        raise StudyError("output-exists", f"{output.name}: it is there already")
    if not (output.absolute().parent.is_dir() and os.access(output.absolute().parent, os.W_OK)):
        raise StudyError("output-unwritable", f"{output}: no file can be made there")
    with needs_extra("train", "recalibrate"), counted("studies") as tick:
        from vasotype_training.recalibrate import recalibrate as refit

        found = refit(
            cohort,
            model,
            device.value,
            lambda done, total: tick(done, total, f"{done} of {total} studies"),
        )
    draft = output.with_name(f".{output.name}.draft")
    draft.write_text(found.calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")
    draft.replace(output)
    for line in found.summary:
        typer.echo(line)
    typer.echo(f"calibration: {output}")
