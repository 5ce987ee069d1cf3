"""What remains where a lesion is no longer found, on the baseline's grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from vasotype_models.contract import SNFH

from vasotype.boxes import bounding_box
from vasotype.followup.match import Track
from vasotype.followup.visit import Visit
from vasotype.stages import Mask

NEAR_MM = 5.0
"""How far around the lesion's last outline edema counts as lying at its place. Ours."""


def edema_left_ml(track: Track, visits: Sequence[Visit]) -> tuple[float | None, ...]:
    """Edema, mL, at the place where a track was seen last; None where it is there, or not yet."""
    left: list[float | None] = []
    place: Mask | None = None
    for members, visit in zip(track.members, visits, strict=True):
        if members:
            place = np.isin(visit.instances, members)
        left.append(None if members or place is None else _edema_ml(place, visit))
    return tuple(left)


def _edema_ml(place: Mask, visit: Visit) -> float:
    grid = visit.head.grid
    if not place.any():
        return 0.0
    box = bounding_box(place, int(np.ceil(NEAR_MM / min(grid.spacing_mm))))
    near = ndimage.distance_transform_edt(~place[box], sampling=grid.spacing_mm) <= NEAR_MM
    return float(np.count_nonzero(near & (visit.tissue[box] == SNFH))) * grid.voxel_ml
