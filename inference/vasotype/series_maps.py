"""From files to files: one dynamic series and what belongs to it, a new folder of maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vasotype.findings import Finding, StudyError
from vasotype.outputs.folder import replaced
from vasotype.perfusion.dce import DceInputs, analyse_dce
from vasotype.perfusion.dsc import DscReference, analyse_dsc
from vasotype.perfusion.series import DEFAULT_SETTINGS, DceSettings, DynamicSeries
from vasotype.perfusion.write import write_dce, write_dsc
from vasotype.stages import Mask
from vasotype.study.dynamic import (
    brain_of,
    read_aif,
    read_b1,
    read_flip_angles,
    read_labels,
    read_mask,
    read_series,
)


@dataclass(frozen=True)
class PerfusionFiles:
    """A series and its helpers; all images on the series' grid.

    ``vfa`` are images of several flip angles (DCE); ``aif`` a table or a vessel mask; ``mask`` the
    brain; ``reference`` normal white matter (DSC); ``lesions`` numbered lesions with their edema;
    ``b1`` the flip angle over the nominal one (DCE). ``settings`` are what a DCE series leaves out.
    """

    series: Path
    vfa: tuple[Path, ...] = ()
    aif: Path | None = None
    mask: Path | None = None
    reference: Path | None = None
    lesions: Path | None = None
    b1: Path | None = None
    settings: DceSettings = DEFAULT_SETTINGS


def perfusion_maps(
    kind: Literal["dsc", "dce"], files: PerfusionFiles, folder: Path
) -> tuple[list[str], tuple[Finding, ...]]:
    """Analyse a series and write its maps; returns the names of the images and the findings.

    ``folder`` appears whole or not at all. Raises StudyError ``output-exists`` where it holds
    something, and whatever reading and analysis raise.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError("output-exists", f"{folder}: must be new or empty")
    series = read_series(files.series)
    brain, findings = _brain(series, files.mask)
    analyse_and_write = _dsc if kind == "dsc" else _dce
    with replaced(folder) as fresh:
        names, found = analyse_and_write(series, brain, files, fresh)
    return names, (*findings, *found)


def _dsc(
    series: DynamicSeries, brain: Mask, files: PerfusionFiles, folder: Path
) -> tuple[list[str], tuple[Finding, ...]]:
    reference = DscReference(
        nawm=read_mask(files.reference, series) if files.reference else None,
        non_enhancing=brain & ~read_mask(files.lesions, series) if files.lesions else None,
    )
    aif = read_aif(files.aif, series) if files.aif else None
    maps = analyse_dsc(series, brain, reference, aif)
    return write_dsc(maps, folder), maps.findings


def _dce(
    series: DynamicSeries, brain: Mask, files: PerfusionFiles, folder: Path
) -> tuple[list[str], tuple[Finding, ...]]:
    inputs = DceInputs(
        flip_angles=read_flip_angles(files.vfa, series) if files.vfa else None,
        aif=read_aif(files.aif, series) if files.aif else None,
        lesions=read_labels(files.lesions, series) if files.lesions else None,
        b1=read_b1(files.b1, series) if files.b1 else None,
    )
    maps = analyse_dce(series, brain, inputs, files.settings)
    return write_dce(maps, folder), maps.findings


def _brain(series: DynamicSeries, mask: Path | None) -> tuple[Mask, tuple[Finding, ...]]:
    if mask is not None:
        return read_mask(mask, series), ()
    message = f"{series.name}: the brain was taken from the brightness of the series"
    return brain_of(series), (Finding("brain-mask-assumed", message),)
