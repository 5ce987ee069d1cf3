"""Where T1 after contrast shows no contrast agent, nothing is called enhancing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from vasotype_models.contract import ET, NETC, Inference

from vasotype.boxes import instance_boxes
from vasotype.lesions.components import FULL_CONNECTIVITY
from vasotype.lesions.enhancement import MINIMAL_SCALES, T1, T1C, scaled
from vasotype.prepare.quality import NOTHING_ENHANCES
from vasotype.stages import Maps, Prepared


def without_contrast(prepared: Prepared, maps: Maps, inference: Inference) -> Maps:
    """The maps, their tissue [4, X, Y, Z] with all of P(ET) given to P(NETC) where no contrast
    agent can be seen.

    That is a study with the finding ``nothing-enhances``, if the network's core is no brighter in
    T1c than in T1 either: the 95th percentile of no component reaches what is minimal (FE-09).
    Elsewhere the maps are what they were.
    """
    if all(finding.code != NOTHING_ENHANCES for finding in prepared.findings):
        return maps
    core = maps.tissue[ET] + maps.tissue[NETC] >= inference.core_threshold
    components, _ = ndimage.label(core, FULL_CONNECTIVITY)
    for number, box in enumerate(instance_boxes(components), start=1):
        gain = scaled(prepared, T1C, box) - scaled(prepared, T1, box)
        if np.percentile(gain[components[box] == number], 95) >= MINIMAL_SCALES:
            return maps
    tissue = maps.tissue.copy()
    tissue[NETC] += tissue[ET]
    tissue[ET] = 0.0
    return replace(maps, tissue=tissue)
