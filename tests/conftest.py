"""Shared fixtures: a phantom brain that any grid can sample, and the folder of real data."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import settings
from vasotype.stages import Grid, Volume

# Continuous integration tries the same examples every time; at a desk new ones are sought.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

STRUCTURAL = ("t1", "t1c", "t2", "flair")
BRAIN_SEMI_AXES_MM = (60.0, 76.0, 56.0)  # 1070 mL
MARKER_RAS_MM = (24.0, -30.0, 14.0)
MARKER_RADIUS_MM = 9.0


def make_grid(
    shape: tuple[int, int, int] = (72, 88, 68),
    spacing: tuple[float, float, float] = (2.0, 2.0, 2.0),
    codes: str = "RAS",
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Grid:
    """Grid about ``centre`` (RAS mm); shape and spacing are in the order R, A, S, whatever
    ``codes`` makes of it."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = np.array(centre) - affine[:3, :3] @ (np.array(shape) - 1) / 2
    orientation = nib.orientations.axcodes2ornt(tuple(codes))
    permuted = tuple(shape[int(axis)] for axis in orientation[:, 0])
    to_file = nib.orientations.inv_ornt_aff(
        nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), orientation), shape
    )
    return Grid(permuted, affine @ to_file)


def sample_phantom(grid: Grid, channel: str = "t1c") -> Volume:
    """A skull-stripped brain with smooth texture and, on T1c and FLAIR, one bright marker.

    It is a function of world position alone, so any two grids sample the same head.
    """
    index = np.indices(grid.shape).reshape(3, -1)
    x, y, z = (grid.affine[:3, :3] @ index + grid.affine[:3, 3:]).reshape(3, *grid.shape)
    inside = sum((w / a) ** 2 for w, a in zip((x, y, z), BRAIN_SEMI_AXES_MM, strict=True)) < 1
    phase = STRUCTURAL.index(channel)
    data = 300 + 50 * phase + 40 * np.sin(x / 13 + phase) + 30 * np.cos(y / 11) + 20 * np.sin(z / 9)
    away = sum((w - m) ** 2 for w, m in zip((x, y, z), MARKER_RAS_MM, strict=True))
    if channel in ("t1c", "flair"):
        data = data + 600 * (away < MARKER_RADIUS_MM**2)
    return Volume(np.where(inside, np.round(data), 0).astype(np.float32), grid)


def write_image(path: Path, volume: Volume) -> Path:
    """Write a volume as int16 NIfTI with equal qform and sform."""
    image = nib.Nifti1Image(volume.data.astype(np.int16), volume.grid.affine)
    image.set_qform(volume.grid.affine, 1)
    image.set_sform(volume.grid.affine, 1)
    nib.save(image, path)
    return path


def write_phantom_study(
    folder: Path,
    *,
    channels: Iterable[str] = STRUCTURAL,
    grid: Grid | None = None,
    pattern: str = "{channel}.nii.gz",
) -> Path:
    """A folder with one phantom image a channel."""
    folder.mkdir(parents=True, exist_ok=True)
    for channel in channels:
        write_image(
            folder / pattern.format(channel=channel), sample_phantom(grid or make_grid(), channel)
        )
    return folder


@pytest.fixture(scope="session")
def grid_of() -> Callable[..., Grid]:
    return make_grid


@pytest.fixture(scope="session")
def phantom() -> Callable[..., Volume]:
    return sample_phantom


@pytest.fixture(scope="session")
def save_image() -> Callable[[Path, Volume], Path]:
    return write_image


@pytest.fixture(scope="session")
def write_study() -> Callable[..., Path]:
    return write_phantom_study


@pytest.fixture(scope="session")
def marker_ras_mm() -> tuple[float, float, float]:
    return MARKER_RAS_MM


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real cases, named by VASOTYPE_DATA."""
    folder = os.environ.get("VASOTYPE_DATA")
    if not folder:
        if os.environ.get("VASOTYPE_REQUIRE_DATA"):
            pytest.fail("real data are required here, but VASOTYPE_DATA names no folder")
        pytest.skip("VASOTYPE_DATA names no folder with real data")
    return Path(folder)


@pytest.fixture(autouse=True)
def ordinary_arithmetic():
    """Training flushes subnormal numbers to zero, in the whole process; tests after it must not."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
