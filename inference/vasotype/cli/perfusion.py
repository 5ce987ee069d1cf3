"""``vasotype perfusion``: maps from one dynamic series."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vasotype.cli.console import guarded, print_json, spinner
from vasotype.cli.dce_options import (
    B1Option,
    DoseOption,
    HaematocritOption,
    RelaxivityOption,
    dce_settings,
)
from vasotype.cli.options import JsonOption
from vasotype.findings import StudyError


def _on_grid(*names: str, meaning: str) -> Any:
    return typer.Option(*names, help=meaning, rich_help_panel="On the grid of the series")


@guarded
def perfusion(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder for the maps.")],
    dsc: Annotated[Path | None, typer.Option("--dsc", help="T2*-weighted 4-D NIfTI.")] = None,
    dce: Annotated[Path | None, typer.Option("--dce", help="T1-weighted 4-D NIfTI.")] = None,
    vfa: Annotated[
        list[Path] | None,
        _on_grid("--vfa", meaning="For T1 (DCE): an image a flip angle; repeat the option."),
    ] = None,
    aif: Annotated[
        Path | None,
        typer.Option("--aif", help="Arterial input: a .tsv table, or a mask of vessel voxels."),
    ] = None,
    mask: Annotated[Path | None, _on_grid("--mask", meaning="Brain mask.")] = None,
    reference: Annotated[
        Path | None,
        _on_grid("--reference", meaning="Mask of normal white matter, to which DSC is relative."),
    ] = None,
    lesions: Annotated[
        Path | None,
        _on_grid(
            "--lesions",
            meaning="Numbered lesions with their edema: not normal brain in DSC, and each with its "
            "own arrival in DCE.",
        ),
    ] = None,
    b1: B1Option = None,
    dose: DoseOption = None,
    relaxivity: RelaxivityOption = None,
    haematocrit: HaematocritOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute perfusion maps from one DSC or DCE series.

    The series is a 4-D NIfTI with a JSON sidecar beside it (BIDS keys). Maps come with sidecars
    that name their quantity and unit.

    Examples:

    - `vasotype perfusion --dsc dsc.nii.gz --mask brain.nii.gz --reference wm.nii.gz -o maps`
    - `vasotype perfusion --dce dce.nii.gz --vfa fa2.nii.gz --vfa fa12.nii.gz -o maps`
    - `vasotype perfusion --dce dce.nii.gz --dose 0.05 --relaxivity 5.2 -o maps`
    """
    if (dsc is None) == (dce is None):
        raise StudyError("perfusion-input", "give one series, --dsc FILE or --dce FILE")
    of_dce = {
        "vfa": vfa, "b1": b1, "dose": dose, "relaxivity": relaxivity, "haematocrit": haematocrit,
    }  # fmt: skip
    strays = [f"--{name}" for name, value in of_dce.items() if value]
    if dsc is not None and strays:
        message = f"{', '.join(strays)}: for --dce only; a DSC series has no such scale"
        raise StudyError("perfusion-input", message)
    from vasotype.series_maps import PerfusionFiles, perfusion_maps

    series = dsc or dce
    assert series is not None
    scale = dce_settings(dose, relaxivity, haematocrit)
    files = PerfusionFiles(series, tuple(vfa or ()), aif, mask, reference, lesions, b1, scale)
    with spinner("perfusion"):
        names, findings = perfusion_maps("dsc" if dsc else "dce", files, output)
    if as_json:
        told = [{"code": f.code, "severity": f.severity, "message": f.message} for f in findings]
        print_json({"maps": names, "findings": told})
        return
    for finding in findings:
        typer.echo(f"{finding.severity}: {finding.message}")
    typer.echo(f"maps: {', '.join(names)}")
    typer.echo(f"folder: {output}")
