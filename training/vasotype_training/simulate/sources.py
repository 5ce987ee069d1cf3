"""Find anatomies: the redistributable MNI152 maps, or folders of brains and label maps.

A folder of anatomies may hold, in any mixture: label maps (``*_seg_*.nii*`` with FreeSurfer and
SynthSeg numbers), unlabelled brains (``t1``, ``t1c``, ``t2``, ``flair``, ``brain_mask`` files) and
BraTS-named tumor cases (their tumors keep their labels; lesions grow elsewhere).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype_models.contract import STRUCTURAL

from vasotype_training.simulate.anatomy import RawBrain, RealBrain, Source, build_anatomy
from vasotype_training.simulate.painting import PaintedLabels, PaintedProbabilities

MARGIN = 4
"""Voxels kept around the brain box."""

BRATS_ENDINGS = {
    "t1": ("_t1", "-t1n"),
    "t1c": ("_t1ce", "-t1c"),
    "t2": ("_t2", "-t2w"),
    "flair": ("_flair", "-t2f"),
}


def _files(folder: Path) -> dict[str, Path]:
    """File stems without their NIfTI endings."""
    return {p.name.split(".nii")[0]: p for p in sorted(folder.glob("*.nii*"))}


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Voxels on a 1 mm RAS grid (resampled where they are not) and the affine."""
    image = nib.as_closest_canonical(nib.load(path))
    data = np.asarray(image.dataobj, dtype=np.float32)
    affine = np.array(image.affine, dtype=np.float64)
    spacing = np.array(image.header.get_zooms()[:3], dtype=float)
    if np.abs(spacing - 1).max() > 0.02:
        few = np.issubdtype(image.get_data_dtype(), np.integer) and data.max() < 16
        data = ndimage.zoom(data, tuple(spacing.tolist()), order=0 if few else 1, mode="nearest")
        affine[:3, :3] = affine[:3, :3] / spacing
    return data, affine


def _crop(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    boxes = ndimage.find_objects(mask.astype(np.uint8))[0]
    x, y, z = (
        slice(max(0, s.start - MARGIN), min(n, s.stop + MARGIN))
        for s, n in zip(boxes, mask.shape, strict=True)
    )
    return x, y, z


def _shifted(affine: NDArray[np.float64], box: tuple[slice, ...]) -> NDArray[np.float64]:
    moved = affine.copy()
    moved[:3, 3] = affine[:3, 3] + affine[:3, :3] @ np.array([s.start for s in box])
    return moved


def mni152() -> Source:
    """The MNI152 2009a grey and white matter maps that nilearn ships (MNI's permissive notice)."""
    from nilearn.datasets import (
        load_mni152_brain_mask,
        load_mni152_gm_template,
        load_mni152_wm_template,
    )

    maps = [
        nib.as_closest_canonical(load(resolution=1))
        for load in (load_mni152_brain_mask, load_mni152_gm_template, load_mni152_wm_template)
    ]
    mask = np.asarray(maps[0].dataobj) > 0
    box = _crop(mask)
    grey, white = (np.asarray(m.dataobj, dtype=np.float32)[box] for m in maps[1:])
    affine = _shifted(np.array(maps[0].affine, dtype=np.float64), box)
    return PaintedProbabilities("mni152", grey, white, mask[box], affine)


def label_map(path: Path) -> Source:
    """A FreeSurfer/SynthSeg label map, to be painted."""
    image = nib.as_closest_canonical(nib.load(path))
    labels = np.asarray(image.dataobj).astype(np.uint8)
    brain = (labels > 1) & (labels < 200)
    box = _crop(brain)
    affine = _shifted(np.array(image.affine, dtype=np.float64), box)
    return PaintedLabels(path.name.split(".nii")[0], labels[box], affine)


def brain_folder(folder: Path) -> Source | None:
    """A real brain with its sequences, tumor-free or with BraTS labels; None if it is neither."""
    files = _files(folder)
    # A case with an algorithm's labels holds a tumor that nobody outlined: never a background.
    if any("pseudo" in stem for stem in files):
        return None
    named = {c: files[c] for c in STRUCTURAL if c in files}
    label_path = None
    if not named:
        for channel, endings in BRATS_ENDINGS.items():
            hits = [p for stem, p in files.items() if stem.endswith(endings)]
            if hits:
                named[channel] = hits[0]
        segs = [p for stem, p in files.items() if stem.endswith(("_seg", "-seg"))]
        label_path = segs[0] if segs else None
    if len(named) < 2:
        return None
    read = {c: _read(p) for c, p in named.items()}
    affine = next(iter(read.values()))[1]
    images = {c: data for c, (data, _) in read.items()}
    if "brain_mask" in files:
        mask = _read(files["brain_mask"])[0] > 0.5
    else:
        mask = np.any([image != 0 for image in images.values()], axis=0)
        mask = ndimage.binary_fill_holes(ndimage.binary_opening(mask, iterations=1))
    tumor = _tumor_labels(folder.name, label_path) if label_path else None
    box = _crop(mask)
    raw = RawBrain(
        name=folder.name,
        affine=_shifted(affine, box),
        images={c: image[box] for c, image in images.items()},
        mask=mask[box],
        tumor=None if tumor is None else tumor[box],
    )
    return RealBrain(build_anatomy(raw))


def _tumor_labels(case: str, path: Path) -> NDArray[np.uint8]:
    """BraTS-METS values; the older scheme (enhancing = 4) is known by the dataset's name."""
    labels = _read(path)[0].astype(np.uint8)
    if case.startswith(("Brats17", "Brats18", "BraTS19", "BraTS20", "BraTS2021")):
        labels = np.where(labels == 4, np.uint8(3), labels)
    return labels


def _matches(paths: Sequence[Path]) -> list[Path]:
    """Paths with their wildcards (last part only) filled in."""
    found: list[Path] = []
    for path in paths:
        wild = any(sign in path.name for sign in "*?[")
        found += sorted(path.parent.glob(path.name)) if wild else [path]
    return found


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Anatomies of the given folders and label maps; the MNI152 maps when none is given.

    The last part of a path may hold wildcards.

    Raises FileNotFoundError naming the path that holds no anatomy.
    """
    if not paths:
        return [mni152()]
    sources: list[Source] = []
    for path in _matches(paths):
        before = len(sources)
        if path.is_file():
            sources.append(label_map(path))
        elif path.is_dir():
            own = brain_folder(path)
            if own is not None:
                sources.append(own)
            else:
                sources += [label_map(p) for p in sorted(path.glob("*_seg_*.nii*"))]
                inner = (brain_folder(f) for f in sorted(path.iterdir()) if f.is_dir())
                sources += [s for s in inner if s is not None]
        if len(sources) == before:
            raise FileNotFoundError(f"{path}: no anatomy here (brain folder, case or label map)")
    return sources
