"""Frozen cohorts: a recipe of a few lines instead of gigabytes, and proof that it still gives them.

Beside ``NAME.yaml`` lies ``NAME.frozen.json`` with a fingerprint of every study; whoever makes the
cohort again learns whether the renderer has changed since.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field
from vasotype_models.contract import TISSUES

from vasotype_training.config import PortablePath
from vasotype_training.simulate.study import StudyOptions

TOLERANCE = 2e-3
"""Relative; other processors round differently, another renderer differs by far more."""


class Recipe(BaseModel):
    """What fixes a simulated cohort."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    count: int
    anatomies: tuple[PortablePath, ...] = ()
    outlines: PortablePath | None = None
    options: StudyOptions = Field(default_factory=StudyOptions)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; raises FileNotFoundError, or ValueError naming what is wrong in it."""
    with path.open(encoding="utf-8") as stream:
        return Recipe.model_validate(yaml.safe_load(stream))


def changed(frozen: dict[str, float], now: dict[str, float]) -> list[str]:
    """Names of the numbers that differ by more than ``TOLERANCE`` (labels: or 20 voxels)."""
    different = []
    for name in sorted(frozen.keys() | now.keys()):
        before, after = frozen.get(name, np.nan), now.get(name, np.nan)
        slack = 20.0 if name in TISSUES else 1e-6
        if not abs(after - before) <= TOLERANCE * abs(before) + slack:
            different.append(name)
    return different


def check_frozen(recipe_path: Path, cohort: Path) -> list[str]:
    """Studies of a written cohort that are no longer what the recipe's fingerprints say.

    Without ``NAME.frozen.json`` the cohort is frozen now: the file is written.
    """
    now: dict[str, Any] = {}
    for path in sorted(cohort.rglob("simulation.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        now[record["name"]] = record["fingerprint"]
    path = recipe_path.with_suffix(".frozen.json")
    if not path.is_file():
        path.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return []
    frozen = json.loads(path.read_text(encoding="utf-8"))
    return [
        f"{name}: {', '.join(differences)}"
        for name, numbers in now.items()
        if (differences := changed(frozen.get(name, {}), numbers))
    ]
