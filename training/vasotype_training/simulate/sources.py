"""Find anatomies: the redistributable MNI152 maps, label maps to paint, and real brains.

Real brains are studies like any other, tumor-free or labelled (BraTS folders, our own cohorts);
the tumors of labelled ones keep their labels and lesions grow elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.findings import StudyError
from vasotype.prepare import prepare
from vasotype.study import find_named_studies, read_study
from vasotype.study.naming import stem
from vasotype_models.contract import CHANNELS, QUANTITATIVE, STRUCTURAL

from vasotype_training.cohorts import LabelMap, case_name, read_labelled
from vasotype_training.simulate.anatomy import Anatomy, RawBrain, RealBrain, Source, build_anatomy
from vasotype_training.simulate.painting import PaintedLabels, PaintedProbabilities

log = logging.getLogger(__name__)

MARGIN = 4
"""Voxels kept around the brain box of a map."""


def _crop(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    x, y, z = (
        slice(max(0, s.start - MARGIN), min(n, s.stop + MARGIN))
        for s, n in zip(box, mask.shape, strict=True)
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


def tissue_maps(folder: Path) -> Source:
    """Grey and white matter maps (``prob_gm``, ``prob_wm``) of a folder, to be painted.

    Raises FileNotFoundError where one of them is missing.
    """
    paths = [sorted(folder.glob(f"{stem}.nii*")) for stem in ("prob_gm", "prob_wm")]
    if not all(paths):
        raise FileNotFoundError(f"{folder}: prob_gm and prob_wm are needed")
    images = [nib.as_closest_canonical(nib.load(found[0])) for found in paths]
    grey, white = (np.asarray(image.dataobj, dtype=np.float32) for image in images)
    # Maps are stored as shares or as bytes of which 255 is the whole.
    whole = 255.0 if max(grey.max(), white.max()) > 1.5 else 1.0
    grey, white = grey / whole, white / whole
    mask = ndimage.binary_closing(grey + white > 0.3, iterations=3)
    mask = ndimage.binary_fill_holes(mask)
    box = _crop(mask)
    affine = _shifted(np.array(images[0].affine, dtype=np.float64), box)
    return PaintedProbabilities(folder.name, grey[box], white[box], mask[box], affine)


def label_map(path: Path) -> Source:
    """A 1 mm FreeSurfer/SynthSeg label map, to be painted."""
    image = nib.as_closest_canonical(nib.load(path))
    labels = np.asarray(image.dataobj).astype(np.uint8)
    box = _crop((labels > 1) & (labels < 200))
    affine = _shifted(np.array(image.affine, dtype=np.float64), box)
    return PaintedLabels(path.name.split(".nii")[0], labels[box], affine)


def read_brain(folder: Path, labels: LabelMap | None = None) -> Anatomy:
    """A real, skull-stripped brain on the model's grid, with its labels if it has any.

    Raises StudyError where the study can't be read, and ``truth-pseudo`` where its labels are an
    algorithm's: a tumor that nobody outlined is no background.
    """
    try:
        labelled = read_labelled(folder, labels)
    except StudyError as error:
        if error.code != "truth-missing":
            raise
        labelled = None
    study = read_study(folder) if labelled is None else labelled.study
    prepared = prepare(study, multiple=1)
    channels = dict(zip(CHANNELS, prepared.image, strict=True))
    reference = None if labelled is None else labelled.on_grid(prepared.grid)
    return build_anatomy(
        RawBrain(
            name=case_name(folder),
            affine=prepared.grid.affine,
            images={c: channels[c] for c in STRUCTURAL if c in prepared.channels},
            maps={c: channels[c] for c in QUANTITATIVE if c in prepared.channels},
            mask=prepared.mask,
            tumor=None if reference is None else reference.tissue,
            instances=None if reference is None else reference.instances,
            lesions=() if labelled is None else labelled.lesions or (),
        )
    )


def _matches(paths: Sequence[Path]) -> list[Path]:
    """Paths with their wildcards (last part only) filled in.

    Raises FileNotFoundError naming the pattern that nothing matches.
    """
    found: list[Path] = []
    for path in paths:
        wild = any(sign in path.name for sign in "*?[")
        matching = sorted(path.parent.glob(path.name)) if wild else [path]
        if not matching:
            raise FileNotFoundError(f"{path}: nothing matches it")
        found += matching
    return found


def anatomy_places(paths: Sequence[Path]) -> list[Path]:
    """Files and folders at or below ``paths`` that hold one anatomy each; not opened yet.

    A file is a label map and a folder with ``prob_gm`` tissue maps; in other folders these are the
    label maps that lie in it, where it is no study itself, and the studies at or below it. The
    last part of a path may hold wildcards. Raises FileNotFoundError naming the path that holds
    none.
    """
    places: list[Path] = []
    for path in _matches(paths):
        whole = path.is_file() or any(path.glob("prob_gm.nii*"))
        inside = [path] if whole else _anatomies_in(path)
        if not inside:
            raise FileNotFoundError(f"{path}: no anatomy here (label map, study or folder of them)")
        places += inside
    return places


def _anatomies_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    studies = find_named_studies(folder)
    files = [] if folder in studies else [p for p in folder.iterdir() if p.is_file()]
    return [*sorted(file for file in files if stem(file.name) is not None), *studies]


def find_sources(paths: Sequence[Path], labels: LabelMap | None = None) -> list[Source]:
    """The anatomies at or below ``paths`` (see ``anatomy_places``), MNI152 where there are none.

    A study that can't serve is passed over with a warning. Raises FileNotFoundError naming the
    path that holds no anatomy.
    """
    if not paths:
        return [mni152()]
    sources: list[Source] = []
    for path in _matches(paths):
        before = len(sources)
        for place in anatomy_places([path]):
            try:
                sources.append(_source(place, labels))
            except StudyError as error:
                log.warning("%s is passed over: %s", case_name(place), error)
        if len(sources) == before:
            raise FileNotFoundError(f"{path}: no anatomy here (label map, study or folder of them)")
    return sources


def _source(place: Path, labels: LabelMap | None) -> Source:
    """The anatomy at one place; raises StudyError where a study can't serve."""
    if place.is_file():
        return label_map(place)
    if any(place.glob("prob_gm.nii*")):
        return tissue_maps(place)
    return RealBrain(read_brain(place, labels))
