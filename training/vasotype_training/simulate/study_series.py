"""Dynamic series of simulated tissue: what they are made of, rendered, and written as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.perfusion.series import PerfusionSeries
from vasotype.stages import Grid
from vasotype_models.contract import ET, NETC, SNFH

from vasotype_training.simulate import physics
from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.simulate.scene import Scene
from vasotype_training.simulate.series import (
    Quantities,
    draw_protocol,
    render_dce,
    render_dsc,
    sidecar,
)
from vasotype_training.simulate.shape import Box

if TYPE_CHECKING:
    from vasotype_training.simulate.study import SimulatedStudy

BORDER_MM = 4.0
"""Around a lesion's label its soft border shares its interstitium and transit time."""
BRAIN_VE, BRAIN_TRANSIT_S = 0.2, 4.0
LESION_TRANSIT_S = (4.0, 6.0)
"""Mean transit time of lesions, whatever their mode; the longer, the more blood volume is missed
by leakage correction."""
NECROSIS_T1_S = 2.5


def tissue_of(scene: Scene, anatomy: Anatomy, box: Box, rng: np.random.Generator) -> Quantities:
    """Tissue of a scene at ``box`` of its anatomy as dynamic series see it; relaxation at 3 T.

    The maps of the scene are the truth: it must not have been scanned yet.
    """
    classes = [np.asarray(c[box], np.float32) for c in (anatomy.white, anatomy.grey, anatomy.csf)]
    total = np.maximum(classes[0] + classes[1] + classes[2], 1e-3)
    t1 = np.zeros(scene.mask.shape, np.float32)
    density = np.zeros_like(t1)
    for share, tissue in zip(classes, (physics.WHITE, physics.GREY, physics.CSF), strict=True):
        t1 += share / total * tissue.t1
        density += share / total * tissue.density
    t1[t1 <= 0], density[density <= 0] = physics.GREY.t1, physics.GREY.density
    for label, value in ((SNFH, physics.EDEMA.t1), (ET, physics.TUMOR.t1), (NETC, NECROSIS_T1_S)):
        t1[scene.tissue == label] = value
        density[scene.tissue == label] = physics.TUMOR.density
    kind, ve = _kinds(scene)
    transit = rng.uniform(*LESION_TRANSIT_S, len(ve))
    transit[0] = BRAIN_TRANSIT_S
    return Quantities(
        rcbv=np.asarray(scene.maps["rcbv"], np.float32),
        ktrans=np.asarray(scene.maps["ktrans"], np.float32),
        t1_s=t1,
        density=density,
        mask=scene.mask,
        kind=kind,
        ve=ve,
        transit_s=transit,
        affine=box_affine(anatomy, box),
    )


def box_affine(anatomy: Anatomy, box: Box) -> NDArray[np.float64]:
    """Affine [4, 4] of a box of an anatomy, voxels to RAS+ mm."""
    affine = anatomy.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array([side.start for side in box])
    return affine


def draw_series(tissue: Quantities, rng: np.random.Generator) -> PerfusionSeries:
    """Both series, and the images for T1 where there are some, by one drawn protocol."""
    protocol = draw_protocol(rng)
    dsc = render_dsc(tissue, protocol, rng)
    dce, angles = render_dce(tissue, protocol, rng)
    return PerfusionSeries(dsc=dsc, dce=dce, flip_angles=angles)


def _kinds(scene: Scene) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Number of the lesion that each voxel belongs to, 0 for brain, and ve of each number."""
    ve = np.full(1 + max((t.id for t in scene.truth), default=0), BRAIN_VE)
    simulated = scene.truth[len(scene.truth) - len(scene.plans) :]
    for truth, plan in zip(simulated, scene.plans, strict=True):
        if plan.biology is not None:
            ve[truth.id] = plan.biology.ve
    if not scene.instances.any():
        return np.zeros(scene.mask.shape, np.intp), ve
    distance, nearest = ndimage.distance_transform_edt(scene.instances == 0, return_indices=True)
    owner = scene.instances[tuple(nearest)].astype(np.intp)
    return np.where(distance <= BORDER_MM, owner, 0), ve


def write_series(study: SimulatedStudy, folder: Path) -> None:
    """Write DSC, DCE and flip-angle images with their sidecars; the same study, the same files."""
    rng = np.random.default_rng((*study.seed, 2))
    protocol = draw_protocol(rng)
    unscanned = replace(study.scene, maps=dict(study.quantities))
    x, y, z = (slice(0, n) for n in study.anatomy.shape)
    tissue = tissue_of(unscanned, study.anatomy, (x, y, z), rng)
    dsc = render_dsc(tissue, protocol, rng)
    _save(folder / f"{study.name}-dsc.nii.gz", dsc.signal, dsc.grid, sidecar(dsc))
    dce, angles = render_dce(tissue, protocol, rng)
    _save(folder / f"{study.name}-dce.nii.gz", dce.signal, dce.grid, sidecar(dce))
    if angles is None:
        return
    for number, (angle, image) in enumerate(
        zip(protocol.flip_angles, angles.signal, strict=True), start=1
    ):
        about = {"FlipAngle": angle, "RepetitionTimeExcitation": angles.repetition_time_s}
        _save(folder / f"{study.name}-vfa{number}.nii.gz", image, angles.grid, about)


def _save(path: Path, data: NDArray[np.float32], grid: Grid, about: Mapping[str, object]) -> None:
    image = nib.Nifti1Image(np.clip(np.round(data), 0, 32767).astype(np.int16), grid.affine)
    image.set_sform(grid.affine, code=1)
    image.set_qform(grid.affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    beside = path.with_name(path.name.replace(".nii.gz", ".json"))
    beside.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
