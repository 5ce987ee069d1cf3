"""The report's sentences about a patient's lesions together; each was read on its own before."""

from __future__ import annotations

from collections.abc import Sequence

from vasotype_models.contract import MODES

from vasotype.outputs.report_words import MODE_NAMES, standing
from vasotype.result import Agreement, LesionRecord, Triage

TEAM = "An estimate to lay before the multidisciplinary team; it proposes no treatment."


def numbers(ids: Sequence[int]) -> str:
    """Lesions by number: ``lesion 2``, ``lesions 2, 5 and 7``."""
    head, last = [str(i) for i in ids[:-1]], str(ids[-1])
    return f"lesions {', '.join(head)} and {last}" if head else f"lesion {last}"


def dominant(triage: Triage, lesions: Sequence[LesionRecord]) -> str:
    """Which lesion the summary starts from, why, and how it leans."""
    phenotype = next(lesion.phenotype for lesion in lesions if lesion.id == triage.dominant)
    why = {
        "largest": "the largest",
        "symptomatic": "named as the symptomatic one",
    }[triage.chosen_by]
    if phenotype.label is None:
        leaning = f"no leaning is given: {phenotype.reason}"
    else:
        share = getattr(phenotype.probabilities, phenotype.label)
        leaning = f"leans {MODE_NAMES[phenotype.label]} ({share:.2f}), {standing(phenotype)}"
    return f"Lesion {triage.dominant}, {why}: {leaning}."


def disagreement(triage: Triage, lesions: Sequence[LesionRecord]) -> str:
    """Every lesion that leans otherwise than the dominant one, with its leaning."""
    labels = {lesion.id: lesion.phenotype.label for lesion in lesions}
    if labels[triage.dominant] is None:
        return "The dominant lesion has no leaning to compare the others with."
    others = triage.counts.angiogenic + triage.counts.intermediate + triage.counts.co_option - 1
    if others == 0:
        return "No other lesion has a leaning to compare with it."
    if not triage.disagreeing:
        return f"Each of the {others} other lesions with a leaning leans the same way."
    groups = [
        f"{numbers(ids)} to {MODE_NAMES[mode]}"
        for mode in MODES
        if (ids := [i for i in triage.disagreeing if labels[i] == mode])
    ]
    return f"Leaning otherwise: {'; '.join(groups)}."


def heterogeneity(triage: Triage) -> str:
    """How far the lesions' probabilities lie apart."""
    if triage.spread is None:
        return "Fewer than two lesions have a leaning, so nothing can be said of their spread."
    spread = triage.spread.model_dump()
    parts = ", ".join(f"{MODE_NAMES[mode]} {spread[mode]:.2f}" for mode in MODES)
    return f"Largest minus smallest probability among the lesions: {parts}."


def non_enhancing(triage: Triage) -> str:
    """Lesions with minimal enhancement and a caution; empty where there are none."""
    if not triage.non_enhancing:
        return ""
    who = numbers(triage.non_enhancing)
    return (
        f"{who[0].upper()}{who[1:]}: minimal enhancement, which does not exclude active tumor; "
        "a look at enhancement alone would miss it."
    )


def agreement_words(agreement: Agreement) -> str:
    """Share of lesions in which pathology and leaning agree, with its interval."""
    silent = agreement.without_leaning
    rest = f" {silent} more with a mode from pathology had no leaning." if silent else ""
    if agreement.share is None:
        return f"No lesion has both a mode from pathology and a leaning.{rest}"
    low, high = agreement.ci95
    return (
        f"Pathology and leaning agree in {agreement.agreeing} of {agreement.n} lesions "
        f"({100 * agreement.share:.0f} %, 95 % interval {100 * low:.0f} to {100 * high:.0f} %, "
        f"{agreement.ci_method}; patients: {agreement.patients}).{rest}"
    )
