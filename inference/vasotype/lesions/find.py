"""The measuring stage: probabilities in, lesions with their numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from vasotype_models.contract import ET, SNFH, Inference

from vasotype.boxes import Box, bounding_box, crop, instance_boxes
from vasotype.findings import Finding
from vasotype.lesions.components import LabelMaps, label, shares_edema
from vasotype.lesions.diameters import axial_diameters
from vasotype.lesions.enhancement import EnhancementScale, enhancement_pattern
from vasotype.lesions.native import native_labels
from vasotype.stages import Grid, Lesion, LesionSet, Maps, Mask, Prepared

MARGIN = 4
"""Voxels around the tumor that are worked on; edema reaches a lesion over 3 mm."""


def find_lesions(prepared: Prepared, maps: Maps, inference: Inference) -> LesionSet:
    """Lesions of a study, numbered by descending core volume, and their label maps.

    The rules stand in :mod:`vasotype.lesions.components`. Volumes, diameters and centroids are
    those of the native grid; the pattern and ``model_diameter_mm`` those of the prepared one.
    """
    least = min(inference.whole_threshold, inference.core_threshold, inference.edema_link)
    # Where there is no tumor, one voxel is worked on.
    box = bounding_box(1.0 - maps.tissue[0] >= least, MARGIN)
    tissue, grid = maps.tissue[(slice(None), *box)], crop(prepared.grid, box)
    part, confidences = label(tissue, prepared.mask[box], grid, inference)
    native, unresolved = native_labels(tissue, part, prepared.native.grid, inference)
    scene = _Scene(prepared, part.pasted(box, prepared.grid), native)
    return LesionSet(
        _measured(scene, confidences),
        scene.model.tissue,
        scene.model.instances,
        native.tissue,
        native.instances,
        scene.model.owner,
        _findings(native, len(confidences), unresolved),
    )


@dataclass(frozen=True)
class _Scene:
    """What the numbers are read from: images, and the labels on both grids."""

    prepared: Prepared
    model: LabelMaps
    native: LabelMaps

    @cached_property
    def scale(self) -> EnhancementScale:
        """What enhancement is measured with; looked for where there is a lesion only."""
        return EnhancementScale.of(self.prepared, self.model.tissue)


def _measured(scene: _Scene, confidences: tuple[float, ...]) -> tuple[Lesion, ...]:
    """The numbers of each lesion."""
    native = scene.native
    edema_voxels = np.bincount(native.owner[native.tissue == SNFH], minlength=len(confidences) + 1)
    shared = shares_edema(native, len(confidences))
    boxes = instance_boxes(scene.model.instances)
    native_boxes = instance_boxes(native.instances)
    lesions = []
    for number, confidence in enumerate(confidences, start=1):
        box, native_box = boxes[number - 1], native_boxes[number - 1]
        mask = native.instances[native_box] == number
        grid = crop(native.grid, native_box)
        enhancing = int(np.count_nonzero(mask & (native.tissue[native_box] == ET)))
        diameters = axial_diameters(mask, grid.affine)
        lesions.append(
            Lesion(
                id=number,
                centroid_ras_mm=_centroid(mask, grid),
                enhancing_ml=enhancing * grid.voxel_ml,
                non_enhancing_core_ml=(np.count_nonzero(mask) - enhancing) * grid.voxel_ml,
                edema_ml=float(edema_voxels[number]) * grid.voxel_ml,
                longest_diameter_mm=diameters.longest_mm,
                perpendicular_diameter_mm=diameters.perpendicular_mm,
                longest_ends_ras_mm=diameters.ends,
                model_diameter_mm=_model_diameter(scene.model, box, number),
                enhancement_pattern=_pattern(scene, box, number),
                confidence=confidence,
                edema_shared=shared[number - 1],
            )
        )
    return tuple(lesions)


def _model_diameter(model: LabelMaps, box: Box, number: int) -> float:
    mask = model.instances[box] == number
    return axial_diameters(mask, crop(model.grid, box).affine).longest_mm


def _pattern(scene: _Scene, box: Box, number: int) -> str:
    mask = scene.model.instances[box] == number
    return enhancement_pattern(scene.scale, scene.model.tissue[box], mask, box)


def _centroid(mask: Mask, grid: Grid) -> tuple[float, float, float]:
    """Mean position of a mask's voxels, RAS mm."""
    index = np.argwhere(mask).mean(axis=0)
    x, y, z = grid.affine[:3, :3] @ index + grid.affine[:3, 3]
    return float(x), float(y), float(z)


def _findings(native: LabelMaps, count: int, unresolved: tuple[int, ...]) -> tuple[Finding, ...]:
    """What a reader should know about these lesions."""
    findings = []
    if count == 0:
        findings.append(Finding("no-lesion", "No tumor core was found."))
    lone = (native.tissue == SNFH) & (native.owner == 0)
    if lone.any():
        volume = np.count_nonzero(lone) * native.grid.voxel_ml
        message = f"{volume:.1f} mL of edema-like signal lies apart from every lesion."
        findings.append(Finding("edema-without-core", message))
    findings.extend(
        Finding("lesion-below-resolution", f"Lesion {lesion} is smaller than a native voxel.")
        for lesion in unresolved
    )
    return tuple(findings)
