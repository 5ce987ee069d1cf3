"""Read dynamic series, flip-angle images, masks and input curves with their BIDS sidecars."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from vasotype.findings import StudyError
from vasotype.perfusion.checks import same_place
from vasotype.perfusion.series import DynamicSeries, FlipAngleImages, Floats, InputCurve
from vasotype.stages import Array, Grid, Mask
from vasotype.study.header import read_grid
from vasotype.study.naming import stem

PLAUSIBLE = {
    "EchoTime": (0.0002, 0.2),
    "RepetitionTimeExcitation": (0.001, 10.0),
    "RepetitionTime": (0.001, 10.0),
    "FlipAngle": (0.5, 180.0),
}
"""Ranges of sidecar values (s, degrees); a value in ms lies outside."""
FIELD_T = (0.05, 15.0)
PLAUSIBLE_B1 = (0.3, 2.0)
"""Range of the median of a B1 map, as a share of the nominal flip angle; percent lie outside."""
SHORTEST_VOLUME_S = 0.3
"""No volume of a brain is acquired faster: a shorter time is that between excitations."""
CURVE_COLUMNS = {
    "plasma_mM": "plasma",
    "blood_mM": "blood",
    "delta_r2star_per_s": "delta_r2star",
}
_READ_ERRORS = (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error)
_UNITS_S = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


def read_series(path: Path) -> DynamicSeries:
    """Read a 4-D NIfTI and the JSON sidecar beside it.

    Times come from ``FrameTimesStart`` or ``VolumeTiming``, else from the header's time step, else
    from ``RepetitionTime`` where that is long enough to be a volume's.

    Raises StudyError ``file-missing``, ``unreadable-image``, ``series-not-4d``,
    ``sidecar-missing``, ``series-parameter`` or ``series-times``, and those of the header checks.
    """
    image, data = _load(path)
    if data.ndim != 4 or data.shape[3] < 2:
        raise StudyError("series-not-4d", f"{path.name}: shape {data.shape}; a series has 4 axes")
    sidecar = _sidecar(path)
    excitation = _number(sidecar, "RepetitionTimeExcitation", path.name)
    repetition = _number(sidecar, "RepetitionTime", path.name)
    return DynamicSeries(
        signal=np.nan_to_num(data.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0),
        grid=_grid(image, data.shape[:3], path.name),
        times_s=_times(sidecar, image, data.shape[3], path.name),
        name=path.name,
        echo_time_s=_number(sidecar, "EchoTime", path.name),
        repetition_time_s=repetition if excitation is None else excitation,
        flip_angle_deg=_number(sidecar, "FlipAngle", path.name),
        field_t=_field_t(sidecar),
    )


def read_flip_angles(paths: Sequence[Path], series: DynamicSeries) -> FlipAngleImages:
    """Read one 3-D image a flip angle, each with its sidecar, on the grid of ``series``.

    Raises StudyError as :func:`read_series` does, ``perfusion-grid``, or ``vfa-unusable`` where
    there are fewer than two angles or the repetition times differ.
    """
    images, angles, times = [], [], []
    for path in paths:
        image, data = _load(path)
        grid = _grid(image, data.shape, path.name)
        same_place(grid, series, path.name)
        sidecar = _sidecar(path)
        angle = _number(sidecar, "FlipAngle", path.name)
        time = _number(sidecar, "RepetitionTimeExcitation", path.name)
        time = _number(sidecar, "RepetitionTime", path.name) if time is None else time
        if angle is None or time is None:
            key = "FlipAngle" if angle is None else "RepetitionTime"
            raise StudyError("series-parameter", f"{path.name}: {key} is not in the sidecar")
        images.append(data.astype(np.float32))
        angles.append(angle)
        times.append(time)
    if len(set(angles)) < 2 or not np.allclose(times, times[0]):
        raise StudyError(
            "vfa-unusable",
            f"{paths[0].name} ...: flip angles {angles}, repetition times {times} s; at least two "
            "angles and one repetition time are needed",
        )
    return FlipAngleImages(np.stack(images), series.grid, np.array(angles), times[0])


def read_b1(path: Path, series: DynamicSeries) -> Array:
    """Read a map of the flip angle over the nominal one [X, Y, Z], on the grid of ``series``.

    Raises StudyError as :func:`read_labels` does, or ``b1-unusable``.
    """
    image, data = _load(path)
    same_place(_grid(image, data.shape, path.name), series, path.name)
    share = np.nan_to_num(data.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    middle = float(np.median(share[share > 0])) if (share > 0).any() else 0.0
    low, high = PLAUSIBLE_B1
    if not low <= middle <= high:
        raise StudyError(
            "b1-unusable",
            f"{path.name}: its median is {middle:g}; {low:g} to {high:g} of the nominal flip angle "
            "are plausible",
        )
    return share


def read_labels(path: Path, series: DynamicSeries) -> NDArray[np.int32]:
    """Read whole numbers [X, Y, Z] on the grid of ``series``.

    Raises StudyError ``file-missing``, ``unreadable-image`` or ``perfusion-grid``.
    """
    image, data = _load(path)
    same_place(_grid(image, data.shape, path.name), series, path.name)
    return np.asarray(np.round(np.nan_to_num(data)), dtype=np.int32)


def read_mask(path: Path, series: DynamicSeries) -> Mask:
    """Read a mask [X, Y, Z], anything above 0; raises as :func:`read_labels` does."""
    return np.asarray(read_labels(path, series) > 0)


def read_aif(path: Path, series: DynamicSeries) -> InputCurve | Mask:
    """Read an input: a table of its curve (``.tsv``), or a NIfTI mask of vessel voxels.

    A table has the columns ``time_s`` (the series' clock) and one of ``plasma_mM``, ``blood_mM``
    and ``delta_r2star_per_s``. Raises StudyError ``aif-table`` or as :func:`read_labels` does.
    """
    if path.suffix.lower() != ".tsv":
        return read_mask(path, series)
    if not path.is_file():
        raise StudyError("file-missing", f"{path.name}: no such file")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    columns = [c for c in CURVE_COLUMNS if rows and c in rows[0]]
    if len(columns) != 1 or "time_s" not in rows[0]:
        raise StudyError(
            "aif-table",
            f"{path.name}: needs the columns time_s and one of {', '.join(CURVE_COLUMNS)}",
        )
    try:
        table = np.array([[float(row["time_s"]), float(row[columns[0]])] for row in rows])
    except (TypeError, ValueError) as error:
        raise StudyError("aif-table", f"{path.name}: a cell is no number") from error
    if len(table) < 2 or not np.isfinite(table).all() or not (np.diff(table[:, 0]) > 0).all():
        raise StudyError("aif-table", f"{path.name}: needs two or more rows in order of time")
    kind: Any = CURVE_COLUMNS[columns[0]]
    return InputCurve(table[:, 0], table[:, 1], kind)


def brain_of(series: DynamicSeries) -> Mask:
    """A rough mask of a skull-stripped series: mean signal above a fifth of its 98th percentile."""
    mean = series.signal.mean(axis=-1)
    return np.asarray(mean > 0.2 * np.percentile(mean, 98))


def _load(path: Path) -> tuple[nib.Nifti1Image, NDArray[Any]]:
    if not path.is_file():
        raise StudyError("file-missing", f"{path.name}: no such file")
    try:
        image = nib.load(path)
        if not isinstance(image, nib.Nifti1Image):
            raise ImageFileError("another format")
        return image, np.asanyarray(image.dataobj)
    except _READ_ERRORS as error:
        raise StudyError(
            "unreadable-image", f"{path.name}: not a NIfTI image, or cut short"
        ) from error


def _grid(image: nib.Nifti1Image, shape: tuple[int, ...], name: str) -> Grid:
    return read_grid(image, shape, name)[0]


def _sidecar(path: Path) -> Mapping[str, Any]:
    beside = path.with_name(f"{stem(path.name) or path.stem}.json")
    if not beside.is_file():
        raise StudyError("sidecar-missing", f"{path.name}: {beside.name} is not beside it")
    try:
        content = json.loads(beside.read_text("utf-8"))
    except ValueError as error:
        raise StudyError("sidecar-missing", f"{beside.name}: not valid JSON") from error
    if not isinstance(content, dict):
        raise StudyError("sidecar-missing", f"{beside.name}: not a JSON object")
    return content


def _number(sidecar: Mapping[str, Any], key: str, name: str) -> float | None:
    value = sidecar.get(key)
    if value is None:
        return None
    low, high = PLAUSIBLE[key]
    if not isinstance(value, int | float) or not low <= value <= high:
        # A text isn't quoted: what people typed into a sidecar may name the patient.
        said = value if isinstance(value, int | float) else "no number"
        raise StudyError(
            "series-parameter",
            f"{name}: {key} is {said}; {low:g} to {high:g} are plausible (times in seconds)",
        )
    return float(value)


def _field_t(sidecar: Mapping[str, Any]) -> float | None:
    """Field strength, T; None where it is missing or can't be right: it refines, no more."""
    value = sidecar.get("MagneticFieldStrength")
    if isinstance(value, int | float) and FIELD_T[0] <= value <= FIELD_T[1]:
        return float(value)
    return None


def _times(sidecar: Mapping[str, Any], image: nib.Nifti1Image, frames: int, name: str) -> Floats:
    listed = sidecar.get("FrameTimesStart", sidecar.get("VolumeTiming"))
    if listed is not None:
        try:
            return np.array(listed, dtype=np.float64).reshape(-1)
        except (TypeError, ValueError) as error:
            raise StudyError(
                "series-times", f"{name}: times in the sidecar aren't numbers"
            ) from error
    unit = _UNITS_S.get(image.header.get_xyzt_units()[1], 0.0)
    step = float(image.header.get_zooms()[3]) * unit
    if step < SHORTEST_VOLUME_S:
        step = _number(sidecar, "RepetitionTime", name) or 0.0
    if step < SHORTEST_VOLUME_S:
        raise StudyError(
            "series-times",
            f"{name}: neither FrameTimesStart nor VolumeTiming is in the sidecar, and the header "
            "has no time step",
        )
    return np.arange(frames, dtype=np.float64) * step
