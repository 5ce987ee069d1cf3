"""Labelled cohorts on disk: BraTS folders and our own layout, read into one type.

A case is a folder. BraTS cases hold ``CASE_seg.nii.gz`` (2017-2021) or ``CASE-seg.nii.gz`` (2023
and later); ours hold ``truth/segmentation.nii.gz`` and, where they are known, ``instances.nii.gz``,
``lesions.tsv`` and ``exclude.nii.gz`` beside it. ``.nii``, ``.nii.gz`` and ``.nii.bz2`` are read.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from vasotype.findings import StudyError
from vasotype.prepare import resample
from vasotype.stages import Grid, Labels, Mask, Study
from vasotype.study import find_named_studies, read_study
from vasotype_models.contract import ET, MODES, NETC, SNFH

LabelMap = Mapping[str, Sequence[int]]
"""Tissue (``NETC``, ``SNFH``, ``ET``, optionally ``background``) to the values that mean it."""

BRATS_2017_TO_2021: LabelMap = {"NETC": (1,), "SNFH": (2,), "ET": (4,)}
BRATS_2023: LabelMap = {"NETC": (1,), "SNFH": (2,), "ET": (3,)}

DATASETS = (
    (re.compile(r"brats(20)?(1[789]|20|21)_", re.IGNORECASE), BRATS_2017_TO_2021),
    (re.compile(r"brats-(met|gli)-", re.IGNORECASE), BRATS_2023),
)
"""Start of a file name to the scheme of that dataset."""

TISSUE_VALUES = {"background": 0, "NETC": NETC, "SNFH": SNFH, "ET": ET}
SEGMENTATION = re.compile(r".+[_-]seg\.nii(\.gz|\.bz2)?")
PSEUDO = re.compile(r".*pseudo.*\.nii(\.gz|\.bz2)?", re.IGNORECASE)
SIMULATION = "simulation.json"
"""The simulator leaves this file beside the images of every study that it writes."""

YES, NO = ("yes", "true", "1"), ("no", "false", "0")

GRID_TOLERANCE_MM = 0.01
"""Two grids are one when no corner lies further apart; BraTS affines differ in the last digits."""


@dataclass(frozen=True)
class LesionTruth:
    """What is known of a lesion beside its outline; None is unknown.

    ``id`` is its value in ``instances``; ``source`` says who knows: simulation, histology, reader.
    ``rim_cnr`` is the contrast-to-noise ratio of its rim on T1c, which simulation measures.
    """

    id: int
    mode: str | None
    mimicry: bool | None
    source: str
    rim_cnr: float | None = None


@dataclass(frozen=True)
class Reference:
    """Reference labels on one grid [X, Y, Z].

    ``tissue`` uint8 in BraTS-METS labels (1 NETC, 2 SNFH, 3 ET); ``instances`` uint16, 0 where
    there is no lesion or none is numbered; ``exclude`` is the region that scores leave out.
    """

    tissue: Labels
    instances: NDArray[np.uint16]
    exclude: Mask
    grid: Grid


@dataclass(frozen=True)
class LabelledStudy:
    """A study and its reference labels, all on the native grid of the study's reference channel.

    ``tissue`` uint8 [X, Y, Z] in BraTS-METS labels (1 NETC, 2 SNFH, 3 ET); ``instances`` uint16,
    0 is none; ``lesions`` is None where no phenotype is known, so that the case serves
    segmentation only; ``exclude`` is the region that scores leave out.
    """

    name: str
    study: Study
    tissue: Labels
    instances: NDArray[np.uint16] | None = None
    lesions: tuple[LesionTruth, ...] | None = None
    exclude: Mask | None = None
    simulated: bool = False

    @property
    def grid(self) -> Grid:
        """Grid of the labels."""
        return self.study.volumes[self.study.reference].grid

    def on_grid(self, grid: Grid) -> Reference:
        """The labels on another grid, such as that of a prepared study, from the nearest voxel."""
        empty = np.zeros(self.grid.shape, np.uint16)
        instances = empty if self.instances is None else self.instances
        exclude = empty > 0 if self.exclude is None else self.exclude
        return Reference(
            tissue=resample(self.tissue, self.grid, grid, order=0),
            instances=resample(instances, self.grid, grid, order=0),
            exclude=resample(exclude, self.grid, grid, order=0),
            grid=grid,
        )


def find_labelled(cohort: Path) -> list[Path]:
    """Studies at or below a folder that hold reference labels, sorted.

    Raises StudyError ``file-missing`` when there is no such folder.
    """
    return [folder for folder in find_named_studies(cohort) if _references(folder)]


def case_name(folder: Path) -> str:
    """What a case is called: as its folder, a BIDS session as its files.

    >>> case_name(Path("cohort/sub-01/ses-02")), case_name(Path("cohort/BraTS2021_00001"))
    ('sub-01_ses-02', 'BraTS2021_00001')
    """
    session, subject = folder.name, folder.absolute().parent.name
    bids = session.startswith("ses-") and subject.startswith("sub-")
    return f"{subject}_{session}" if bids else session


def read_labelled(folder: Path, labels: LabelMap | None = None) -> LabelledStudy:
    """Read one case.

    The label scheme comes from ``case.json`` (``label_map``), else from the dataset in the file
    name, else from ``labels``; it is never guessed from the values. Raises StudyError with a
    ``truth-`` code for labels that are missing, pseudo-labels, of unknown scheme, or on another
    grid than the study's reference channel; and whatever :func:`vasotype.study.read_study` raises.
    """
    truth = folder / "truth"
    path = _reference(folder)
    ours = path.parent == truth
    scheme = BRATS_2023 if ours else _scheme(path, labels)
    study = read_study(folder)
    grid = study.volumes[study.reference].grid
    tissue = _in_scheme(_read_labels(path, grid), scheme, path)
    if not ours:
        return LabelledStudy(case_name(folder), study, tissue)
    instances, exclude = (_optional(truth, stem, grid) for stem in ("instances", "exclude"))
    return LabelledStudy(
        name=case_name(folder),
        study=study,
        tissue=tissue,
        instances=instances,
        lesions=_read_table(truth / "lesions.tsv", instances),
        exclude=None if exclude is None else exclude > 0,
        simulated=(folder / SIMULATION).is_file(),
    )


def _references(folder: Path) -> list[Path]:
    """Files with reference labels, ours before others'."""
    ours = sorted((folder / "truth").glob("segmentation.nii*"))
    return ours or sorted(p for p in folder.iterdir() if SEGMENTATION.fullmatch(p.name))


def _reference(folder: Path) -> Path:
    """The one file with reference labels."""
    found = _references(folder)
    if not found and (pseudo := [p.name for p in folder.iterdir() if PSEUDO.fullmatch(p.name)]):
        raise StudyError("truth-pseudo", f"{pseudo[0]}: pseudo-labels are no reference")
    if len(found) != 1:
        raise StudyError(
            "truth-missing", f"{folder.name}: one segmentation is needed, {len(found)} found"
        )
    return found[0]


def _scheme(path: Path, labels: LabelMap | None) -> LabelMap:
    description = path.parent / "case.json"
    if description.is_file():
        case = json.loads(description.read_text(encoding="utf-8"))
        if any(
            "pseudo" in str(value).lower() or ("pseudo" in key and value)
            for key, value in case.items()
        ):
            raise StudyError("truth-pseudo", f"{description.name}: the labels are pseudo-labels")
        if "label_map" in case:
            return _complete(case["label_map"], description)
    for start, scheme in DATASETS:
        if start.match(path.name):
            return scheme
    if labels is None:
        raise StudyError("truth-scheme-unknown", f"{path.name}: no case.json, no known dataset")
    return _complete(labels, path)


def _complete(scheme: LabelMap, source: Path) -> LabelMap:
    """The scheme itself, if it tells the three tissues apart and names nothing else."""
    if unknown := set(scheme) - set(TISSUE_VALUES):
        raise StudyError(
            "truth-pseudo", f"{source.name}: {', '.join(sorted(unknown))} is no tissue"
        )
    if missing := {"NETC", "SNFH", "ET"} - set(scheme):
        raise StudyError("truth-pseudo", f"{source.name}: no {', '.join(sorted(missing))}")
    return scheme


def _read_labels(path: Path, grid: Grid) -> NDArray[np.uint16]:
    """Whole numbers of a label file that lies on ``grid``."""
    image = nib.Nifti1Image.from_filename(path)
    corners = np.array(np.meshgrid(*((0, n - 1) for n in grid.shape), [1], indexing="ij"))
    difference = (image.affine - grid.affine) @ corners.reshape(4, -1)
    if image.shape != grid.shape or np.abs(difference).max() > GRID_TOLERANCE_MM:
        raise StudyError("truth-grid", f"{path.name}: {image.shape} differs from {grid.shape}")
    values = np.asarray(image.dataobj)
    whole = values.astype(np.uint16)
    if not np.array_equal(whole, values):
        raise StudyError("truth-values", f"{path.name}: labels must be whole numbers from 0")
    return whole


def _optional(truth: Path, stem: str, grid: Grid) -> NDArray[np.uint16] | None:
    paths = sorted(truth.glob(f"{stem}.nii*"))
    return _read_labels(paths[0], grid) if paths else None


def _in_scheme(values: NDArray[np.uint16], scheme: LabelMap, path: Path) -> Labels:
    """Labels in BraTS-METS numbers."""
    table = np.full(int(values.max()) + 1, 255, np.uint8)
    table[0] = 0
    for tissue, numbers in scheme.items():
        for number in numbers:
            table[number : number + 1] = TISSUE_VALUES[tissue]  # empty beyond the values there
    labels = table[values]
    if unknown := np.unique(values[labels == 255]).tolist():
        raise StudyError("truth-values", f"{path.name}: {unknown} not in {dict(scheme)}")
    return labels


def _read_table(path: Path, instances: NDArray[np.uint16] | None) -> tuple[LesionTruth, ...] | None:
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    try:
        lesions = tuple(_lesion(row) for row in rows)
    except (KeyError, ValueError) as error:
        raise StudyError("truth-table", f"{path.name}: {error}") from error
    # A lesion may be too small for a voxel of its own, but not all of a table can be elsewhere.
    there = set() if instances is None else set(np.unique(instances).tolist()) - {0}
    elsewhere = there.isdisjoint(lesion.id for lesion in lesions)
    if lesions and elsewhere and (there or instances is None):
        raise StudyError("truth-table", f"{path.name}: none of its lesions is in the instances")
    return lesions


def _lesion(row: Mapping[str, str]) -> LesionTruth:
    mode, mimicry = row["mode"] or None, row["mimicry"].lower()
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode {mode} is none of {', '.join(MODES)}")
    if mimicry and mimicry not in YES + NO:
        raise ValueError(f"mimicry {mimicry} is neither yes nor no")
    cnr = row.get("rim_cnr")
    return LesionTruth(
        id=int(row["id"]),
        mode=mode,
        mimicry=mimicry in YES if mimicry else None,
        source=row["source"],
        rim_cnr=float(cnr) if cnr else None,
    )
