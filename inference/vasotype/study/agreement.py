"""Are the sequences of a study different images?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from vasotype_models.contract import STRUCTURAL

from vasotype.findings import Finding
from vasotype.stages import Volume


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
