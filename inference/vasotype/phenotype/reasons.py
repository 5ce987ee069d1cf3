"""What speaks for and against a leaning: the terms of the fused model, in words and numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from vasotype_models.contract import MODES

from vasotype.phenotype.features import NETWORK, Features
from vasotype.phenotype.fusion import Contribution, Fused
from vasotype.result import ReasonRecord

NETWORK_REASON = "network"
LEAST_LOGIT = 0.05
"""A contribution below this moves a probability by about one per cent: it says nothing. Ours."""

WORDS: dict[str, tuple[str, str, str]] = {
    # name: what it is, said of a high value, said of a low value
    "network_low_permeability": (
        "tightly sealed vessels",
        "much of the tumor looks barely permeable to the network",
        "little of the tumor looks barely permeable to the network",
    ),
    "enhancement_mean": ("enhancement", "strong enhancement", "faint enhancement"),
    "enhancement_cv": ("uneven enhancement", "uneven enhancement", "even enhancement"),
    "low_enhancement_fraction": (
        "hardly enhancing share",
        "a large part hardly enhances",
        "hardly any part is without enhancement",
    ),
    "half_enhancement_fraction": (
        "weakly enhancing share",
        "a large part enhances less than half as much as the rest",
        "hardly any part enhances less than half as much as the rest",
    ),
    "enhancement_patchiness": ("patchiness", "patchy enhancement", "smooth enhancement"),
    "edema_ratio_size_adjusted": (
        "edema for its size",
        "much edema for its size",
        "little edema for its size",
    ),
    "edema_present": ("edema at all", "there is edema", "there is no edema"),
    "border_width": ("border width", "a gradual border", "a sharp border"),
    "border_width_iqr": ("border variation", "a border of varying width", "an even border"),
    "sphericity": ("roundness", "a round shape", "an irregular shape"),
    "rcbv_mean": ("blood volume", "elevated blood volume", "modest blood volume"),
    "rcbv_p90": ("highest blood volume", "high peaks of blood volume", "low peaks of blood volume"),
    "ktrans_tumor_mean": ("permeability", "high permeability", "low permeability"),
    "ktrans_tumor_p90": (
        "highest permeability",
        "high peaks of permeability",
        "low peaks of permeability",
    ),
    "ktrans_below_0.02_fraction": (
        "sealed share",
        "a large part with a tight barrier",
        "hardly any part with a tight barrier",
    ),
    "tbr_max": ("amino-acid uptake", "high amino-acid uptake", "low amino-acid uptake"),
}
"""Words for each term; high and low are against simulated lesions on average."""


def reasons(fused: Fused, label: str | None, features: Features) -> tuple[ReasonRecord, ...]:
    """What moved the fused model to or from ``label``, the strongest first.

    A contribution is coefficient times standardised value, for the label against the mean of the
    other two modes: positive speaks for the label, negative against it. The network's three logits
    count together. Nothing without a label or a fused model.
    """
    if label is None or fused.contributions is None:
        return ()
    k = MODES.index(label)
    network = [c for c in fused.contributions if c.term.name in NETWORK]
    records = [
        _reason(c, _toward(c, k), features)
        for c in fused.contributions
        if c.term.name not in NETWORK
    ]
    if network:
        total = sum(_toward(c, k) for c in network)
        side = "for" if total > 0 else "against"
        words = f"what the network sees in the images speaks {side} it"
        records.append(
            ReasonRecord(
                feature=NETWORK_REASON,
                name="network",
                words=words,
                value=None,
                standardised=None,
                contribution=total,
                direction=_direction(total),
            )
        )
    return tuple(sorted(records, key=lambda r: -abs(r.contribution)))


def _toward(contribution: Contribution, mode: int) -> float:
    """Logit for a mode against the mean of the others."""
    others = np.delete(contribution.logits, mode)
    return float(contribution.logits[mode] - others.mean())


def _reason(contribution: Contribution, toward: float, features: Features) -> ReasonRecord:
    name, high, low = WORDS[contribution.term.name]
    return ReasonRecord(
        feature=contribution.term.name,
        name=name,
        words=high if contribution.standardised >= 0 else low,
        value=features[contribution.term.name],
        standardised=contribution.standardised,
        contribution=toward,
        direction=_direction(toward),
    )


def _direction(contribution: float) -> Literal["for", "against", "neither"]:
    if abs(contribution) < LEAST_LOGIT:
        return "neither"
    return "for" if contribution > 0 else "against"
