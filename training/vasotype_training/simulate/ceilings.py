"""Bayes ceilings: how well any reader could tell the simulator's vascular modes apart.

A ceiling is the score of the exact likelihood on lesions drawn from the assumptions themselves. A
model that scores above it has found the truth elsewhere than in vascular biology.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from vasotype_models.contract import MODES

from vasotype_training.simulate.biology import MIMICRY_EDEMA, PRIMARIES
from vasotype_training.simulate.likelihood import (
    ENHANCEMENT,
    Assumptions,
    Floats,
    Integers,
    draw_kinetics,
    draw_lesions,
    log_likelihood,
)

STRUCTURAL = ("edema", "width", ENHANCEMENT, "heterogeneity")
DCE = ("ktrans", "low_permeability")

INFORMATION: dict[str, tuple[str, ...]] = {
    "edema": ("edema",),
    "infiltration width": ("width",),
    "enhancement": (ENHANCEMENT,),
    "heterogeneity": ("heterogeneity",),
    "rCBV": ("rcbv",),
    "Ktrans": ("ktrans",),
    "TBR": ("tbr",),
    "structural (the first four)": STRUCTURAL,
    "structural, f without error": ("edema", "width", ENHANCEMENT, "low_permeability"),
    "structural + rCBV": (*STRUCTURAL, "rcbv"),
    "structural + Ktrans, f": (*STRUCTURAL, *DCE),
    "structural + rCBV + Ktrans, f": (*STRUCTURAL, "rcbv", *DCE),
    "all + TBR": (*STRUCTURAL, "rcbv", *DCE, "tbr"),
}
"""What a reader may know of a lesion; f is the share of low permeability."""

Scores = tuple[float | None, float | None, float | None, float | None]

REFERENCE: dict[str, Scores] = {
    "edema": (0.667, None, None, None),
    "infiltration width": (0.702, None, None, None),
    "enhancement": (0.746, None, None, None),
    "heterogeneity": (0.808, None, None, None),
    "rCBV": (0.803, None, None, 0.50),
    "Ktrans": (0.880, None, None, 0.55),
    "TBR": (0.698, None, None, 0.43),
    "structural (the first four)": (0.858, 0.706, 0.699, 0.53),
    "structural + rCBV": (0.897, 0.737, 0.734, 0.56),
    "structural + Ktrans, f": (0.919, 0.764, 0.752, 0.59),
    "structural + rCBV + Ktrans, f": (0.933, 0.778, 0.770, 0.60),
    "all + TBR": (0.934, None, None, 0.60),
}
"""The ceilings recorded when the assumptions were made, with standard errors of 0.003-0.005."""


def _mixture(with_mimicry: bool) -> tuple[tuple[float, Mapping[str, float]], ...]:
    """What the reader is not told: the primary tumor and, if rendered, mimicry."""
    shares: dict[tuple[float, bool], float] = {}
    for primary in PRIMARIES.values():
        chance = primary.mimicry if with_mimicry else 0.0
        for mimicry, part in ((False, 1 - chance), (True, chance)):
            key = (primary.rcbv_shift, mimicry)
            shares[key] = shares.get(key, 0.0) + primary.share * part
    return tuple(
        (share, {"rcbv": shift, "edema": float(np.log(MIMICRY_EDEMA)) if mimicry else 0.0})
        for (shift, mimicry), share in shares.items()
        if share > 0
    )


SPECIFIED = Assumptions(_mixture(with_mimicry=False), rendered=False)
"""Latents as such, the primary tumor unknown."""

RENDERED = Assumptions(_mixture(with_mimicry=True), rendered=True)
"""Latents as the simulator draws and renders them: vascular mimicry adds edema."""

COLUMNS = (
    "angiogenic / co-option",
    "angiogenic / intermediate",
    "intermediate / co-option",
    "balanced accuracy",
)
PAIRS = ((0, 2), (0, 1), (1, 2))
"""The modes of the first three columns, by number."""


@dataclass(frozen=True)
class Ceiling:
    """Scores of the exact likelihood in the order of ``COLUMNS``, each with its standard error."""

    information: str
    scores: tuple[tuple[float, float], ...]


def bayes_ceilings(assumptions: Assumptions, lesions: int = 4000, seed: int = 0) -> list[Ceiling]:
    """Ceilings of every entry of ``INFORMATION``, from ``lesions`` drawn in each mode.

    Columns are AUROCs of pairs of modes and the balanced accuracy over the three modes.
    """
    drawn = draw_lesions(assumptions, lesions, np.random.default_rng(seed))
    kinetics = draw_kinetics(assumptions, seed)
    ceilings = []
    for name, information in INFORMATION.items():
        likelihood = np.stack(
            [log_likelihood(drawn, information, m, assumptions, kinetics) for m in MODES], axis=1
        )
        ceilings.append(Ceiling(name, _scores(drawn.mode, likelihood)))
    return ceilings


def _scores(mode: Integers, likelihood: Floats) -> tuple[tuple[float, float], ...]:
    pairs = []
    for first, second in PAIRS:
        ratio = likelihood[:, first] - likelihood[:, second]
        pairs.append(auroc_with_error(ratio[mode == first], ratio[mode == second]))
    right = likelihood.argmax(axis=1) == mode
    recalls = [float(right[mode == k].mean()) for k in range(len(MODES))]
    count = len(mode) / len(MODES)
    error = float(np.sqrt(sum(r * (1 - r) / count for r in recalls)) / len(MODES))
    return (*pairs, (float(np.mean(recalls)), error))


def auroc_with_error(positive: Floats, negative: Floats) -> tuple[float, float]:
    """AUROC and its standard error after DeLong et al., Biometrics 1988."""
    n, m = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[:n] - rankdata(positive)) / m
    below = 1 - (ranks[n:] - rankdata(negative)) / n
    error = np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)
    return float(above.mean()), float(error)


def ceiling_table(ceilings: Sequence[Ceiling], reference: bool = True) -> str:
    """Markdown table: value ± standard error and, with ``reference``, the recorded value."""
    lines = [
        f"| what is known | {' | '.join(COLUMNS)} |",
        f"| --- |{' --- |' * len(COLUMNS)}",
    ]
    for ceiling in ceilings:
        recorded = REFERENCE.get(ceiling.information, (None,) * len(COLUMNS))
        cells = []
        for (value, error), known in zip(ceiling.scores, recorded, strict=True):
            beside = f" ({known:.3g})" if reference and known is not None else ""
            cells.append(f"{value:.3f} ± {error:.3f}{beside}")
        lines.append(f"| {ceiling.information} | {' | '.join(cells)} |")
    return "\n".join(lines)
