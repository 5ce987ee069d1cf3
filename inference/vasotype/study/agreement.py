"""Do the sequences of a study agree with each other, as far as headers and copies tell?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from vasotype_models.contract import STRUCTURAL

from vasotype.findings import Finding, StudyError
from vasotype.stages import Volume
from vasotype.study.geometry import closest_canonical, displacement, same_sampling

MAXIMAL_DISPLACEMENT_VOXELS = 0.5


def check_positions(volumes: Mapping[str, Volume], reference: str) -> None:
    """Refuse sequences that were sampled alike but lie elsewhere.

    Two images of equal shape and spacing (after undoing axis order and flips) are taken for
    copies on one grid; when their voxels lie more than half a voxel apart, one header is wrong
    or one image was moved. Grids of another shape or spacing may be another field of view, and
    are judged by where the brain lies, once it is known. Raises StudyError ``grids-disagree``.
    """
    home = volumes[reference]
    for channel, volume in volumes.items():
        a, b = closest_canonical(home.grid), closest_canonical(volume.grid)
        if not same_sampling(a, b):
            continue
        voxels, mm = displacement(a, b)
        if voxels > MAXIMAL_DISPLACEMENT_VOXELS:
            raise StudyError(
                "grids-disagree",
                f"{file_name(volume, channel)} lies {mm:.1f} mm away from "
                f"{file_name(home, reference)}, though both have the same shape and voxel size; "
                "at most half a voxel is accepted",
            )


def find_copies(volumes: Mapping[str, Volume]) -> list[Finding]:
    """Note structural sequences that hold the same image under two names."""
    structural = [(c, v) for c, v in volumes.items() if c in STRUCTURAL]
    return [
        Finding("same-image", f"{file_name(v, c)} and {file_name(w, d)} hold the same image")
        for (c, v), (d, w) in combinations(structural, 2)
        if v.data.shape == w.data.shape and np.array_equal(v.data, w.data)
    ]


def file_name(volume: Volume, channel: str) -> str:
    """How messages call a volume: its name, or its channel when it came from memory."""
    return volume.name or channel
