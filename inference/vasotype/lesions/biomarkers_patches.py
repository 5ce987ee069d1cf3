"""Patches of a tumor that hardly enhance beside such that do: what a kept barrier leaves (FE-03).

They are sought within the tumor's outline with its gaps closed, for a segmentation tends to leave
out just the patches that do not enhance.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vasotype.lesions.biomarkers_region import Region, lacking, rate, rated
from vasotype.lesions.enhancement import MINIMAL_P95
from vasotype.result import BiomarkerRecord
from vasotype.stages import Array

TOP_PERCENTILE = 90.0
"""Of the enhancement over the tumor: what a patch is held against. Ours."""
HALF = 0.5
SMOOTHING_MM = 1.2
"""Standard deviation by which noise is smoothed away before patches are looked at. The surroundings
are smoothed in, so that a gradual border counts as well. Ours."""

HALF_SHARE, PATCHINESS = "half_enhancement_fraction", "enhancement_patchiness"


def patch_biomarkers(region: Region, enhancement: Array | str) -> list[BiomarkerRecord]:
    """Share of the closed tumor below half of its own peak enhancement, and the spread of the
    smoothed enhancement there over that peak.

    ``enhancement`` [X, Y, Z] in units of white matter's T1, or the reason why there is none.
    """
    kinds = (("FE-03", HALF_SHARE, "1"), ("FE-03", PATCHINESS, "1"))
    if isinstance(enhancement, str):
        return [lacking(*kind, enhancement) for kind in kinds]
    top = float(np.percentile(enhancement[region.tumor], TOP_PERCENTILE))
    if top < MINIMAL_P95:  # shares of it would be noise
        return [lacking(*kind, "undefined where enhancement is minimal") for kind in kinds]
    closed = region.enclosed & (region.tumor | region.outside)
    sigma = [SMOOTHING_MM / step for step in region.grid.spacing_mm]
    smooth = ndimage.gaussian_filter(enhancement, sigma)
    worth = rate(region.samples(int(closed.sum()), "t1", "t1c"))
    values = (
        float((enhancement[closed] < HALF * top).mean()),
        float(smooth[closed].std()) / top,
    )
    return [rated(*kind, value, worth) for kind, value in zip(kinds, values, strict=True)]
