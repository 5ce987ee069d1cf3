"""Whole-head label maps as material: what kind of tissue each voxel is, and where the brain ends.

The maps are SynthSeg's (Billot et al., Med Image Anal 2023): FreeSurfer numbers inside the brain,
CHARM's tissues (plus 200) outside it, 1 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Kinds = NDArray[np.uint8]

LABELS: dict[str, tuple[int, ...]] = {
    "air": (0,),
    "csf": (24,),
    "ventricle": (4, 5, 14, 15, 43, 44, 72),
    "white": (2, 41),
    "cortex": (3, 42, 17, 18, 53, 54),
    "deep_grey": (10, 11, 12, 13, 26, 49, 50, 51, 52, 58, 136, 137, 163, 164),
    "cerebellar_cortex": (8, 47),
    "cerebellar_white": (7, 46),
    "brain_stem": (16,),
    "diencephalon": (28, 60, 85),
    "white_lesion": (25, 57),
    "perivascular": (30, 62),
    "artery": (202,),
    "vein": (214,),
    "eye": (206,),
    "soft_tissue": (207,),
    "muscle": (208,),
    "mucosa": (209,),
    "skin": (211,),
    "cord": (212,),
    "bone": (215,),
    "marrow": (216,),
    "cavity": (217,),
    "optic_nerve": (230,),
}
"""Values of the map that make up each kind of tissue, both sides together."""

KINDS = (*LABELS, "dura", "fat")
"""Kinds of tissue; two more than the map has: the dura, a shell around the intracranial space, and
fat, drawn anew in the soft tissue of each head."""

CSF_KINDS = ("csf", "ventricle")
GREY_KINDS = ("cortex", "deep_grey", "cerebellar_cortex")
WHITE_KINDS = ("white", "cerebellar_white", "brain_stem", "white_lesion")
TISSUE_KINDS = (*GREY_KINDS, *WHITE_KINDS, "ventricle", "diencephalon", "perivascular")

CLOSING_MM = 8.0
"""Sulci and fissures narrower than twice this belong to the brain."""
RIM_VOXELS = 1
"""CSF this close to the brain belongs to its mask: a metastasis in the cortex must not be lost."""


@dataclass(frozen=True)
class Head:
    """One label map, 1 mm, axes towards R, A, S; a border of air on every side.

    ``kinds`` [X, Y, Z] indexes ``KINDS``; ``brain`` is the brain with the CSF of its sulci and
    ventricles; ``intracranial`` is all that lies inside the dura; ``centre`` is the brain's centre
    of mass in voxels.
    """

    name: str
    kinds: Kinds
    brain: Mask
    intracranial: Mask
    centre: NDArray[np.float64]


def kind(*names: str) -> list[int]:
    """Indices of kinds of tissue."""
    return [KINDS.index(name) for name in names]


def read_head(path: Path) -> Head:
    """Read a whole-head label map.

    Raises ValueError where its voxels are not 1 mm or where it holds values that are none of its
    scheme's.
    """
    image = nib.as_closest_canonical(nib.load(path))
    spacing = np.array(image.header.get_zooms()[:3])
    if np.abs(spacing - 1).max() > 0.05:
        raise ValueError(f"{path.name}: a label map has voxels of 1 mm, these are {spacing} mm")
    values = np.pad(np.asarray(image.dataobj).astype(np.uint8), 1)
    table = np.full(256, 255, np.uint8)
    for index, members in enumerate(LABELS.values()):
        table[list(members)] = index
    kinds = table[values]
    if (kinds == 255).any():
        unknown = np.unique(values[kinds == 255]).tolist()
        raise ValueError(f"{path.name}: values {unknown} are not SynthSeg whole-head labels")
    return build_head(path.name.split(".nii")[0], kinds)


def build_head(name: str, kinds: Kinds) -> Head:
    """Find brain, intracranial space and dura in a map of kinds (bordered by air)."""
    tissue = np.isin(kinds, kind(*TISSUE_KINDS))
    inner = tissue | np.isin(kinds, kind("csf"))
    vessels = np.isin(kinds, kind("artery", "vein"))
    closed = _close(tissue)
    intracranial = inner | (vessels & _dilate(inner, 3)) | closed
    brain = (_dilate(closed, RIM_VOXELS) & inner) | closed
    shell = _dilate(intracranial, 1) & ~intracranial
    dura = shell & np.isin(kinds, kind("bone", "marrow", "soft_tissue", "cavity", "vein"))
    return Head(
        name=name,
        kinds=np.where(dura, np.uint8(KINDS.index("dura")), kinds),
        brain=brain,
        intracranial=intracranial,
        centre=np.array(ndimage.center_of_mass(brain)),
    )


def _close(tissue: Mask) -> Mask:
    """``tissue`` (not empty) with all that a ball of ``CLOSING_MM`` can't enter."""
    margin = int(CLOSING_MM) + 2
    box = ndimage.find_objects(tissue.view(np.uint8))[0]
    part = np.pad(tissue[box], margin)
    grown = ndimage.distance_transform_edt(~part) <= CLOSING_MM
    closed = ndimage.distance_transform_edt(grown) > CLOSING_MM
    out = np.zeros_like(tissue)
    out[box] = closed[(slice(margin, -margin),) * 3] | tissue[box]
    return out


def _dilate(mask: Mask, voxels: int) -> Mask:
    """``mask`` grown by voxels through faces and edges."""
    near = ndimage.generate_binary_structure(3, 2)
    return np.asarray(ndimage.binary_dilation(mask, near, iterations=voxels))
