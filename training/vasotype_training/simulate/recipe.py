"""Frozen cohorts: a recipe of a few lines instead of gigabytes, and proof that it still gives them.

Beside ``NAME.yaml`` lies ``NAME.frozen.json`` with a fingerprint of every study; whoever makes the
cohort again learns whether the renderer has changed since.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field
from vasotype.findings import StudyError
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


def freeze(recipe_path: Path, cohort: Path) -> Path:
    """Write the fingerprints of a written cohort beside its recipe, once; gives the file.

    Raises StudyError ``output-exists`` where there are some: a frozen cohort doesn't change.
    """
    path = frozen_path(recipe_path)
    if path.exists():
        raise StudyError("output-exists", f"{path.name}: is frozen already; give it a new name")
    text = json.dumps(_fingerprints(cohort), indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def check_frozen(recipe_path: Path, cohort: Path, limit: int | None = None) -> list[str]:
    """Studies of a written cohort that are no longer what the recipe's fingerprints say.

    With ``limit`` only so many, the first, have to be there. Raises StudyError
    ``cohort-not-frozen`` where the recipe has no fingerprints.
    """
    frozen, now = read_frozen(recipe_path), _fingerprints(cohort)
    missing = [name for name in sorted(frozen)[:limit] if name not in now]
    return [f"{name}: missing" for name in missing] + [
        f"{name}: {', '.join(differences)}"
        for name, numbers in now.items()
        if (differences := changed(frozen.get(name, {}), numbers))
    ]


def read_frozen(recipe_path: Path) -> dict[str, dict[str, float]]:
    """Fingerprints of a recipe's studies by name.

    Raises StudyError ``cohort-not-frozen`` where there are none.
    """
    path = frozen_path(recipe_path)
    if not path.is_file():
        raise StudyError("cohort-not-frozen", f"{recipe_path.name}: no {path.name} beside it")
    frozen: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
    return frozen


def frozen_path(recipe_path: Path) -> Path:
    """Where the fingerprints of a recipe lie."""
    return recipe_path.with_suffix(".frozen.json")


def _fingerprints(cohort: Path) -> dict[str, dict[str, float]]:
    """Fingerprints of the studies of a written cohort, by name."""
    records = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(cohort.rglob("simulation.json"))
    )
    return {record["name"]: record["fingerprint"] for record in records}
