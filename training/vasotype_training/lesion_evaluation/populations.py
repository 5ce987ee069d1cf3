"""The populations of simulated lesions that a model is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

from vasotype_models.contract import QUANTITATIVE

from vasotype_training.lesion_crops import (
    CropOptions,
    shifted,
    with_linked_primary,
    without_edema_link,
)

USUAL, SHIFTED, SERIES = "usual", "shifted", "maps from series"
EDEMA, PRIMARY, NO_T1, PET = "edema independent of mode", "primary linked to mode", "no T1", "PET"


@dataclass(frozen=True)
class PopulationPlan:
    """One population: what its patients are like, and how many there are against the usual ones.

    ``paired``: they are the usual patients again, changed; ``pet``: the network sees PET too.
    """

    name: str
    options: CropOptions
    share: float
    paired: bool = True
    pet: bool = False


PLANS: tuple[PopulationPlan, ...] = (
    PopulationPlan(USUAL, CropOptions(), 1.0),
    PopulationPlan(EDEMA, CropOptions(change=without_edema_link), 0.12),
    PopulationPlan(PRIMARY, CropOptions(change=with_linked_primary), 0.12),
    PopulationPlan(SERIES, CropOptions(series=True), 0.12),
    PopulationPlan(NO_T1, CropOptions(channels=("t1c", "flair", *QUANTITATIVE)), 0.12),
    PopulationPlan(PET, CropOptions(), 0.12, pet=True),
    PopulationPlan(SHIFTED, shifted(), 0.3, paired=False),
)
"""The usual ones first; shares are ours. Pairs need few patients to show a difference."""
