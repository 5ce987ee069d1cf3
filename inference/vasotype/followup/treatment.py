"""The parts of the treatment history that a lesion's change is read with; None is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vasotype.clinical import Clinical


@dataclass(frozen=True)
class Treatment:
    """What is known of one lesion at one timepoint; days count up to that scan.

    ``radiotherapy_days`` are those since the last course that reached it, or may have.
    """

    anti_vegf: bool | None = None
    steroids: bool | None = None
    radiotherapy: bool | None = None
    radiotherapy_days: float | None = None

    @classmethod
    def of(cls, clinical: Clinical | None, lesions: Sequence[int]) -> Treatment:
        """Treatment of lesions by their numbers in that timepoint's result."""
        if clinical is None:
            return cls()
        reached = [clinical.irradiated(lesion) for lesion in lesions]
        days = [
            course.days_since
            for course in clinical.radiotherapy or ()
            if course.days_since is not None
            and any(course.reaches(lesion) is not False for lesion in lesions)
        ]
        return cls(
            anti_vegf=clinical.anti_vegf.given if clinical.anti_vegf else None,
            steroids=clinical.steroids,
            radiotherapy=True if True in reached else None if None in reached else False,
            radiotherapy_days=min(days, default=None),
        )

    @property
    def closes_barrier(self) -> bool | None:
        """Whether anti-VEGF or steroids, which tighten vessels, are given."""
        if self.anti_vegf or self.steroids:
            return True
        return False if self.anti_vegf is False and self.steroids is False else None
