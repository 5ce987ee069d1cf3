"""Write perfusion maps as NIfTI, each with a JSON sidecar in the words of the OSIPI lexicon.

Codes are those of CAPLEX (Dickie and others 2024); a quantity that the lexicon lacks has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from vasotype.perfusion.dce import DceMaps
from vasotype.perfusion.dsc import DscMaps
from vasotype.perfusion.quality import Quality
from vasotype.perfusion.regions import EXTENDED_TOFTS, PATLAK
from vasotype.perfusion.series import Floats
from vasotype.perfusion.stage import Perfusion
from vasotype.stages import Grid

SCANNER = 1
"""NIfTI code of scanner coordinates, given to sform and qform alike."""
ML_PER_100_ML = 100.0
"""Of a fraction: the lexicon's unit of volumes."""


@dataclass(frozen=True)
class Quantity:
    """What a map holds: name, unit, OSIPI code of the quantity and of the model, if any."""

    name: str
    unit: str
    code: str | None = None
    model: str | None = None


QUANTITIES: Mapping[str, Quantity] = {
    "rcbv": Quantity("blood volume over its median in the reference", "1", None, "M.LC1.001"),
    "rcbv_uncorrected": Quantity("blood volume without leakage correction, as ratio", "1"),
    "rcbf": Quantity("blood flow over its median in the reference", "1"),
    "k2": Quantity("leakage coefficient K2", "1/s", "Q.LC1.002", "M.LC1.001"),
    "arteries": Quantity("voxels of the arterial input", "1"),
    "ktrans": Quantity("volume transfer constant", "1/min", "Q.PH1.008", "M.IC1.005"),
    "ve": Quantity("extravascular extracellular volume", "mL/100 mL", "Q.PH1.001.e", "M.IC1.005"),
    "vp": Quantity("blood plasma volume", "mL/100 mL", "Q.PH1.001.p", "M.IC1.005"),
    "r1": Quantity("R1 before contrast", "1/s", "Q.EL1.002", "M.SM2.002"),
    "r_squared": Quantity("share of the variance that the fit explains", "1"),
    "residual_to_noise": Quantity("residual of the fit over noise before contrast", "1"),
    "relative_error": Quantity("standard error of Ktrans over Ktrans", "1"),
    "model": Quantity("model of the voxel", "1"),
    "quality": Quantity("sum of quality flags", "1"),
}
_MODELS = {EXTENDED_TOFTS: "extended Tofts (M.IC1.005)", PATLAK: "Patlak (M.IC1.006)"}


def write_perfusion(perfusion: Perfusion, folder: Path) -> None:
    """Write the maps of a study's series below ``folder``, which appears only where there are any.

    DSC maps go to ``folder/dsc``, DCE maps to ``folder/dce``, on the grids of the series.
    """
    if perfusion.dsc is not None:
        (folder / "dsc").mkdir(parents=True)
        write_dsc(perfusion.dsc, folder / "dsc")
    if perfusion.dce is not None:
        (folder / "dce").mkdir(parents=True)
        write_dce(perfusion.dce, folder / "dce")


def write_dsc(maps: DscMaps, folder: Path) -> list[str]:
    """Write the maps of a DSC analysis into ``folder``; returns the names of the images."""
    values: dict[str, NDArray[Any] | None] = {
        "rcbv": maps.rcbv,
        "rcbv_uncorrected": maps.rcbv_uncorrected,
        "k2": maps.k2_per_s,
        "rcbf": maps.rcbf,
        "quality": maps.quality,
        "arteries": maps.arteries,
    }
    notes = {"Reference": maps.reference, "BaselineVolumes": maps.baseline_frames}
    return list(_write_all(values, maps.grid, folder, notes))


def write_dce(maps: DceMaps, folder: Path) -> list[str]:
    """Write the maps of a DCE analysis into ``folder``; returns the names of the images."""
    values: dict[str, NDArray[Any] | None] = {
        "ktrans": maps.ktrans_per_min,
        "ve": maps.ve * ML_PER_100_ML,
        "vp": maps.vp * ML_PER_100_ML,
        "r1": maps.r1_per_s,
        "r_squared": maps.r_squared,
        "residual_to_noise": maps.residual_to_noise,
        "relative_error": maps.relative_error,
        "model": maps.model,
        "quality": maps.quality,
    }
    delays = {str(region): round(delay, 2) for region, delay in maps.delays_s.items()}
    notes = {
        "BaselineVolumes": maps.baseline_frames,
        "DelaysSeconds": delays,
        "RelaxivityPerSecondMillimolar": maps.settings.relaxivity_per_s_mm,
        "Haematocrit": maps.settings.haematocrit,
        "DoseMillimolPerKilogram": maps.settings.dose_mmol_per_kg,
    }
    return list(_write_all(values, maps.grid, folder, notes))


def _write_all(
    values: Mapping[str, NDArray[Any] | None], grid: Grid, folder: Path, notes: Mapping[str, Any]
) -> Iterator[str]:
    for key, data in values.items():
        if data is None:
            continue
        path = folder / f"{key}.nii.gz"
        _save(data, grid, path)
        sidecar = _describe(key) | dict(notes)
        text = json.dumps(sidecar, indent=2, ensure_ascii=False)
        path.with_name(f"{key}.json").write_text(text + "\n", "utf-8")
        yield path.name


def _describe(key: str) -> dict[str, Any]:
    quantity = QUANTITIES[key]
    about: dict[str, Any] = {
        "Quantity": quantity.name,
        "Units": quantity.unit,
        "OsipiQuantity": quantity.code,
        "OsipiModel": quantity.model,
        "NoValue": 0,
    }
    if key == "quality":
        about["Flags"] = {str(int(flag)): flag.name.lower() for flag in Quality if flag.name}
    if key == "model":
        about["Levels"] = {str(number): name for number, name in _MODELS.items()}
    return {name: value for name, value in about.items() if value is not None}


def _save(data: NDArray[Any], grid: Grid, path: Path) -> None:
    """Save with equal sform and qform, mm; 0 stands where there is no value."""
    stored: Floats | NDArray[Any]
    stored = np.nan_to_num(data, nan=0.0) if data.dtype.kind == "f" else data.astype(np.uint8)
    image = nib.Nifti1Image(stored, grid.affine)
    image.set_sform(grid.affine, SCANNER)
    image.set_qform(grid.affine, SCANNER)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
