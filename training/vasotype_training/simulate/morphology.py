"""Sizes, counts, edema and necrosis of labelled cohorts, simulated and real, side by side.

All is measured on a 1 mm grid: lesions are 26-connected components of tumor core, edema belongs to
the nearest of them. What lies in a study's excluded region (a real tumor that lesions were placed
beside) counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.prepare import resample
from vasotype.stages import Grid, Labels, Mask
from vasotype_models.contract import ET, NETC, SNFH

LEAST_MM3 = 3
"""Smaller components are left out."""

SIZE_CLASSES_MM = ((0.0, 3.0), (3.0, 5.0), (5.0, 8.0), (8.0, 12.0), (12.0, 20.0), (20.0, np.inf))
EDEMATOUS, NECROTIC = 0.2, 0.1
"""Edema over core volume, and share of core, above which a lesion counts as having it."""

ROUND_ENOUGH_MM = 8.0
"""Sphericity on a 1 mm grid means little below this diameter."""

SURFACE_BLUR = 0.8
"""Standard deviation in voxels of the blur before a surface is measured."""


@dataclass(frozen=True)
class Form:
    """One lesion: volumes in mL, and sphericity (1 for a ball)."""

    core_ml: float
    necrosis_ml: float
    edema_ml: float
    sphericity: float

    @property
    def diameter_mm(self) -> float:
        """Diameter of the ball of equal core volume."""
        return float((6000 * self.core_ml / np.pi) ** (1 / 3))

    @property
    def edema_ratio(self) -> float:
        """Edema over core volume."""
        return self.edema_ml / self.core_ml

    @property
    def necrosis_share(self) -> float:
        """Non-enhancing share of the core."""
        return self.necrosis_ml / self.core_ml


Patients = Sequence[Sequence[Form]]
"""The lesions of each patient who has any."""


def measure_forms(labels: Labels) -> list[Form]:
    """Lesions of BraTS-METS labels [X, Y, Z] on a 1 mm grid."""
    boxes = ndimage.find_objects((labels > 0).astype(np.uint8))
    if not boxes:
        return []
    tissue = np.pad(labels[boxes[0]], 1)
    found, count = ndimage.label(np.isin(tissue, (NETC, ET)), np.ones((3, 3, 3)))
    sizes = np.bincount(found.ravel(), minlength=count + 1)
    found[sizes[found] < LEAST_MM3] = 0
    if not found.any():
        return []
    nearest = ndimage.distance_transform_edt(
        found == 0, return_distances=False, return_indices=True
    )
    owner = found[tuple(nearest)]
    necrosis = np.bincount(found[tissue == NETC], minlength=count + 1)
    edema = np.bincount(owner[tissue == SNFH], minlength=count + 1)
    return [
        Form(
            core_ml=sizes[number] / 1000,
            necrosis_ml=necrosis[number] / 1000,
            edema_ml=edema[number] / 1000,
            sphericity=sphericity(found[box] == number),
        )
        for number, box in enumerate(ndimage.find_objects(found), start=1)
        if box is not None
    ]


def sphericity(mask: Mask) -> float:
    """Surface of the ball of equal volume over the surface of ``mask`` [X, Y, Z], 1 for a ball.

    The surface is the total variation of the slightly blurred mask, which counts no voxel steps.
    """
    smooth = ndimage.gaussian_filter(np.pad(mask.astype(np.float64), 5), SURFACE_BLUR)
    slopes = np.gradient(smooth)
    surface = float(np.sqrt(sum(s**2 for s in slopes)).sum())
    return float(np.pi ** (1 / 3) * (6 * mask.sum()) ** (2 / 3)) / surface


def read_patients(folder: Path) -> list[list[Form]]:
    """Lesions of every labelled study of a folder, patient by patient.

    The folder holds studies with ``truth/segmentation.nii.gz``, or label files ``*-seg.nii.gz`` in
    BraTS-METS values. Raises FileNotFoundError when it holds neither.
    """
    paths = sorted(folder.glob("*/truth/segmentation.nii.gz")) or sorted(
        folder.glob("*-seg.nii.gz")
    )
    if not paths:
        raise FileNotFoundError(f"{folder}: neither */truth/segmentation.nii.gz nor *-seg.nii.gz")
    patients = (measure_forms(_read_labels(path)) for path in paths)
    return [forms for forms in patients if forms]


def _read_labels(path: Path) -> Labels:
    """Labels on a 1 mm grid, without what is excluded."""
    labels, affine = _read(path)
    exclude = path.parent / "exclude.nii.gz"
    if exclude.is_file():
        labels = np.where(_read(exclude)[0] > 0, np.uint8(0), labels)
    x, y, z = labels.shape
    grid = Grid((x, y, z), affine)
    spacing = np.array(grid.spacing_mm)
    fine = affine.copy()
    fine[:3, :3] /= spacing
    # The first voxel's outer corner stays where it is.
    fine[:3, 3] += (fine[:3, :3] - affine[:3, :3]) @ np.full(3, 0.5)
    a, b, c = (int(n) for n in np.ceil(np.array(labels.shape) * spacing - 1e-3))
    return resample(labels, grid, Grid((a, b, c), fine), order=0)


def _read(path: Path) -> tuple[Labels, NDArray[np.float64]]:
    image = nib.as_closest_canonical(nib.load(path))
    return np.asarray(image.dataobj).astype(np.uint8), np.array(image.affine, dtype=np.float64)


def morphology_table(cohorts: Mapping[str, Patients]) -> str:
    """Markdown table with a column for each cohort."""
    columns = [_column(patients) for patients in cohorts.values()]
    lines = [
        f"| | {' | '.join(cohorts)} |",
        f"| --- |{' --- |' * len(cohorts)}",
        *(f"| {row} | {' | '.join(column[row] for column in columns)} |" for row in columns[0]),
    ]
    return "\n".join(lines)


def _column(patients: Patients) -> dict[str, str]:
    """Row title to cell."""
    forms = [form for group in patients for form in group]
    diameter = [form.diameter_mm for form in forms]
    logs = np.log(diameter)
    burden = [sum(f.edema_ml for f in group) / sum(f.core_ml for f in group) for group in patients]
    rows = {
        "patients with lesions": str(len(patients)),
        "lesions": str(len(forms)),
        "lesions per patient: median (IQR), most": (
            f"{_spread([len(group) for group in patients])}, {max(map(len, patients), default=0)}"
        ),
        "diameter, mm: 5, 25, 50, 75, 95 %": _quantiles(diameter, (5, 25, 50, 75, 95)),
        "ln diameter: mean ± SD": f"{logs.mean():.2f} ± {logs.std():.2f}" if forms else "-",
        "all edema over all core of a patient: least, median, most": _quantiles(
            burden, (0, 50, 100)
        ),
    }
    for low, high in SIZE_CLASSES_MM:
        rows |= _size_class([f for f in forms if low <= f.diameter_mm < high], low, high)
    compact = [form.sphericity for form in forms if form.diameter_mm >= ROUND_ENOUGH_MM]
    rows[f"sphericity from {ROUND_ENOUGH_MM:g} mm: median (IQR)"] = _spread(compact)
    return rows


def _size_class(forms: Sequence[Form], low: float, high: float) -> dict[str, str]:
    name = f"{low:g}-{high:g} mm" if np.isfinite(high) else f"from {low:g} mm"
    return {
        f"{name}: lesions": str(len(forms)),
        f"{name}: with edema": _share(forms, lambda f: f.edema_ratio > EDEMATOUS),
        f"{name}: edema over core": _spread([f.edema_ratio for f in forms]),
        f"{name}: with necrosis": _share(forms, lambda f: f.necrosis_share > NECROTIC),
    }


def _share(forms: Sequence[Form], has: Callable[[Form], bool]) -> str:
    return f"{np.mean([has(f) for f in forms]):.2f}" if forms else "-"


def _spread(values: Sequence[float]) -> str:
    if not len(values):
        return "-"
    low, middle, high = np.percentile(values, (25, 50, 75))
    return f"{middle:.2g} ({low:.2g}-{high:.2g})"


def _quantiles(values: Sequence[float], percent: Sequence[float]) -> str:
    if not len(values):
        return "-"
    return ", ".join(f"{value:.1f}" for value in np.percentile(values, percent))
