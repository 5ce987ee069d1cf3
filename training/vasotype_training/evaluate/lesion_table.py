"""The figures of lesions as one page of tables: readers side by side, then honesty, then shifts."""

from __future__ import annotations

from collections.abc import Sequence

from vasotype_models.contract import MODES

from vasotype_training.evaluate.figures import Figure, Figures
from vasotype_training.evaluate.lesion_figures import TIER_INFORMATION, cell
from vasotype_training.evaluate.lesion_readings import READERS

TIER_WORDS = {
    "structural": "structural",
    "dsc": "+ DSC",
    "dce": "+ DCE",
    "both": "+ DSC + DCE",
}
READER_WORDS = {
    "network": "network",
    "fused": "fused (reported)",
    "rules": "rules",
    "biomarkers": "biomarkers alone",
    "ceiling": "ceiling",
}
COMPARED = {
    "auroc": "AUROC angiogenic / co-option",
    "auroc_middle_enhancement": "the same, middle third of enhancement",
    "balanced_accuracy": "balanced accuracy, three modes",
    "calibration_error": "expected calibration error",
}
HONESTY = {
    **{f"coverage_{mode}": f"{mode.replace('_', '-')} covered" for mode in MODES},
    "set_size": "mean set size",
    "abstained": "abstained",
}


def markdown(figures: Figures) -> str:
    """The page; every figure on it is of simulated lesions."""
    names = [cohort.name for cohort in figures.cohorts]
    lines = [
        f"Model {figures.model} {figures.version}, sha256 `{figures.sha256}`; "
        f"vasotype {figures.vasotype_version}; `{figures.command}`",
        "",
        "All lesions are simulated: found, 5 mm and more, abstained ones included unless said. "
        "In brackets 95 % intervals over patients.",
        "",
        *(f"- {c.name}: {c.studies} patients, sha256 `{c.digest[:12]}`" for c in figures.cohorts),
        *(f"- **alarm**: {alarm}" for alarm in figures.alarms),
        "",
        *_readers(figures.figures, names[0]),
        "",
        *_honesty(figures.figures, names),
        "",
        *_drops(figures.figures, names),
    ]
    novelty = cell(figures.figures, names[-1], "both, fused", "auroc_novelty")
    if novelty is not None:
        lines += ["", f"Novelty score, {names[-1]} against {names[0]}: AUROC {_shown(novelty)}."]
    return "\n".join(lines) + "\n"


def _readers(figures: Sequence[Figure], population: str) -> list[str]:
    columns = (*READERS, "ceiling")
    lines = [
        f"| {population}: simulated lesions | {' | '.join(READER_WORDS[c] for c in columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for metric, words in COMPARED.items():
        for tier in TIER_INFORMATION:
            found = [cell(figures, population, f"{tier}, {c}", metric) for c in columns]
            if any(found):
                cells = " | ".join("" if f is None else _shown(f) for f in found)
                lines.append(f"| {words}: {TIER_WORDS[tier]} | {cells} |")
    return lines


def _honesty(figures: Sequence[Figure], names: Sequence[str]) -> list[str]:
    lines = [
        f"| 90 % sets of the answered lesions | {' | '.join(HONESTY.values())} |",
        f"|---|{'---|' * len(HONESTY)}",
    ]
    for name in names:
        for tier in TIER_INFORMATION:
            found = [cell(figures, name, f"{tier}, fused", metric) for metric in HONESTY]
            if any(found):
                cells = " | ".join("" if f is None else f"{f.value:.3f}" for f in found)
                lines.append(f"| {name}, {TIER_WORDS[tier]} | {cells} |")
    return lines


def _drops(figures: Sequence[Figure], names: Sequence[str]) -> list[str]:
    """The fused AUROC of each population, and by how much it is below the usual one."""
    lines = [
        f"| fused AUROC, simulated | {' | '.join(TIER_WORDS[t] for t in TIER_INFORMATION)} |",
        f"|---|{'---|' * len(TIER_INFORMATION)}",
    ]
    for name in names:
        cells = []
        for tier in TIER_INFORMATION:
            here = cell(figures, name, f"{tier}, fused", "auroc")
            usual = cell(figures, names[0], f"{tier}, fused", "auroc")
            if here is None or usual is None:
                cells.append("")
            elif name == names[0]:
                cells.append(f"{here.value:.3f}")
            else:
                cells.append(f"{here.value:.3f} ({here.value - usual.value:+.3f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _shown(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"
