"""Features of a lesion by name, and where they went between two timepoints."""

from __future__ import annotations

from collections.abc import Sequence

from vasotype.followup.limits import Direction
from vasotype.followup.record import FeatureChange

KTRANS, RCBV, TBR = "ktrans_tumor_mean", "rcbv_mean", "tbr_max"
ENHANCEMENT, EDEMA_RATIO = "enhancement_mean", "edema_ratio"
CORE, ENHANCING, EDEMA = "core_ml", "enhancing_ml", "edema_ml"


class Moved:
    """Where each feature went that was measured at both timepoints."""

    def __init__(self, changes: Sequence[FeatureChange]) -> None:
        self._changes = {change.feature: change for change in changes}

    def went(self, name: str) -> Direction | None:
        """Its direction beside its limit; None where it was not measured."""
        change = self._changes.get(name)
        return change.direction if change else None

    def down(self, *names: str) -> bool:
        """Whether any of them fell beyond its limit."""
        return any(self.went(name) == "down" for name in names)

    def up(self, *names: str) -> bool:
        """Whether any of them grew beyond its limit."""
        return any(self.went(name) == "up" for name in names)

    def fell(self, *names: str) -> bool:
        """Whether any of them is lower at all, within its limit or not."""
        found = [self._changes[name] for name in names if name in self._changes]
        return any(change.after < change.before for change in found)
