"""Fluid that a tumor's wall encloses: what a resection cavity looks like, and its measures (FE-13).

A cavity after surgery holds fluid as free as CSF, which FLAIR suppresses; necrosis holds protein
and stays visible. Cysts of untreated metastases may look the same, so an image alone never tells.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vasotype.lesions.biomarkers_region import Region, given, lacking, rate, rated
from vasotype.prepare.white_matter import WhiteMatter
from vasotype.result import BiomarkerRecord
from vasotype.stages import Array, Mask

FLUID_FLAIR, FLUID_T1 = 0.5, 0.7
"""Signal of free fluid, at most, as shares of white matter's on FLAIR and on T1. Ours."""
LEAST_CAVITY_ML, LEAST_FLUID_SHARE = 0.5, 0.5
"""A core of this size, half of it fluid, looks like a cavity. Ours."""

SHARE, VOLUME = "fluid_share_of_core", "fluid_volume"
WALL, WALL_SIGNAL, FLAIR = "wall_thickness", "wall_enhancement", "surrounding_flair_volume"


def cavity_biomarkers(
    region: Region, white: WhiteMatter, enhancement: Array | str
) -> list[BiomarkerRecord]:
    """Fluid in the core of a lesion, and where it may be a cavity its wall and surroundings."""
    kinds = (("FE-13", SHARE, "1"), ("FE-13", VOLUME, "mL"))
    core = region.enclosed & ~region.enhancing
    core_ml = float(core.sum()) * region.grid.voxel_ml
    reason = None
    if "flair" not in region.images or "t1c" not in region.images:
        reason = "FLAIR or T1 after contrast is missing"
    elif white.flair is None or white.flair <= 0:
        reason = white.reason or "FLAIR has no true zero"
    elif core_ml < LEAST_CAVITY_ML:
        reason = f"its core measures {core_ml:.2f} mL; below {LEAST_CAVITY_ML:g} mL none is sought"
    if reason or white.flair is None:
        return [lacking(*kind, reason or "") for kind in kinds]
    fluid = core & (region.images["flair"] < FLUID_FLAIR * white.flair)
    if "t1" in region.images and white.t1 is not None:
        fluid &= region.images["t1"] < FLUID_T1 * white.t1
    worth = rate(region.samples(int(core.sum()), "flair"))
    share = float(fluid.sum() / core.sum())
    volume = float(fluid.sum()) * region.grid.voxel_ml
    records = [rated(*kinds[0], share, worth), rated(*kinds[1], volume, worth)]
    if share < LEAST_FLUID_SHARE:
        return records
    return [*records, *_wall(region, core, enhancement)]


def _wall(region: Region, core: Mask, enhancement: Array | str) -> list[BiomarkerRecord]:
    """T1c wall and surrounding FLAIR of what may be a cavity."""
    wall = region.enhancing
    outer = wall & ~ndimage.binary_erosion(region.tumor | core)
    to_core = ndimage.distance_transform_edt(~core, sampling=region.grid.spacing_mm)
    worth = rate(region.samples(int(outer.sum()), "t1c"))
    thickness = float(np.median(to_core[outer])) if outer.any() else None
    signal = ("FE-13", WALL_SIGNAL, "of white matter's T1")
    if isinstance(enhancement, str):
        bright = lacking(*signal, enhancement)
    else:
        mean = float(enhancement[wall].mean()) if wall.any() else None
        bright = rated(*signal, mean, rate(region.samples(int(wall.sum()), "t1", "t1c")))
    return [
        rated("FE-13", WALL, "mm", thickness, worth),
        bright,
        given("FE-13", FLAIR, "mL", region.lesion.edema_ml),
    ]
