"""The figures of lesions as one page: what is asked, readers side by side, honesty, changes."""

from __future__ import annotations

from collections.abc import Sequence

from vasotype_models.contract import MODES

from vasotype_training.evaluate.bars import Bars
from vasotype_training.evaluate.figures import Figure, Figures
from vasotype_training.evaluate.modes import TIER_INFORMATION
from vasotype_training.evaluate.tables import filled
from vasotype_training.lesion_evaluation.figures import BEFORE, DIFFERENCE, MEASURABLE
from vasotype_training.lesion_evaluation.populations import PLANS, SHIFTED, USUAL
from vasotype_training.lesion_evaluation.readings import READERS
from vasotype_training.lesion_evaluation.scores import cell

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
    "auroc_angiogenic_intermediate": "AUROC angiogenic / mixed",
    "auroc_intermediate_co_option": "AUROC mixed / co-option",
    "balanced_accuracy": "balanced accuracy, three modes",
    "calibration_error": "expected calibration error",
}
HONESTY = {
    **{f"coverage_{mode}": f"{mode.replace('_', '-')} covered" for mode in MODES},
    "coverage": "all covered",
    "set_size": "mean set size",
    "abstained": "abstained",
}


def markdown(figures: Figures, bars: Bars) -> str:
    """The page, its first tables beside their ``bars``; every figure is of simulated lesions."""
    own = figures.figures
    lines = [
        f"Model {figures.model} {figures.version}, sha256 `{figures.sha256}`; "
        f"vasotype {figures.vasotype_version}; `{figures.command}`",
        "",
        "All lesions are simulated: found, 5 mm and more, abstained ones included unless said. "
        "In brackets 95 % intervals over patients.",
        "",
        *(_population(c.name, c.studies, c.digest, own) for c in figures.cohorts),
        *(f"- **alarm**: {alarm}" for alarm in figures.alarms),
        "",
        *(table.shown().markdown() for table in filled(bars, [figures]) if table.measured),
        *_readers(own),
        "",
        *_honesty(own),
        "",
        *_differences(own),
    ]
    return "\n".join(lines) + "\n"


def _population(name: str, patients: int, digest: str, figures: Sequence[Figure]) -> str:
    place = name, "structural, fused"
    whole = cell(figures, *place, "balanced_accuracy") or cell(figures, *place, MEASURABLE)
    lesions = "" if whole is None else f", {whole.n} lesions"
    return f"- {name}: {patients} patients{lesions}, sha256 `{digest[:12]}`"


def _readers(figures: Sequence[Figure]) -> list[str]:
    columns = (*READERS, "ceiling")
    lines = [
        f"| {USUAL}: simulated lesions | {' | '.join(READER_WORDS[c] for c in columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for metric, words in COMPARED.items():
        for tier in TIER_INFORMATION:
            found = [cell(figures, USUAL, f"{tier}, {c}", metric) for c in columns]
            if any(found):
                cells = " | ".join("" if f is None else _shown(f) for f in found)
                lines.append(f"| {words}: {TIER_WORDS[tier]} | {cells} |")
    return lines


def _honesty(figures: Sequence[Figure]) -> list[str]:
    lines = [
        f"| simulated: 90 % sets of the answered lesions | {' | '.join(HONESTY.values())} |",
        f"|---|{'---|' * len(HONESTY)}",
    ]
    for name in (USUAL, SHIFTED):
        for tier in TIER_INFORMATION:
            found = [cell(figures, name, f"{tier}, fused", metric) for metric in HONESTY]
            if any(found):
                cells = " | ".join("" if f is None else f"{f.value:.3f}" for f in found)
                lines.append(f"| {name}, {TIER_WORDS[tier]} | {cells} |")
    return lines


def _differences(figures: Sequence[Figure]) -> list[str]:
    """The same simulated lesions as usual and changed; shifted ones are others."""
    lines = [
        "| fused AUROC, simulated | as usual | changed | difference | pure lesions | with a value "
        "| calibration error | covered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for plan in PLANS:
        if plan.name == USUAL:
            continue
        for tier in TIER_INFORMATION:
            place = plan.name, f"{tier}, fused"
            changed = cell(figures, *place, "auroc")
            if changed is None:
                continue
            before = cell(figures, *place, BEFORE) or cell(figures, USUAL, place[1], "auroc")
            difference, there, error, covered = (
                cell(figures, *place, metric)
                for metric in (DIFFERENCE, MEASURABLE, "calibration_error", "coverage")
            )
            cells = (
                "" if before is None else f"{before.value:.3f}",
                f"{changed.value:.3f}",
                _shown(difference, "+") if difference else "other lesions",
                str(changed.n),
                "" if there is None else f"{there.value:.0%}",
                "" if error is None else f"{error.value:.3f}",
                "" if covered is None else f"{covered.value:.3f}",
            )
            lines.append(f"| {plan.name}, {TIER_WORDS[tier]} | {' | '.join(cells)} |")
    return lines


def _shown(figure: Figure, sign: str = "") -> str:
    value = f"{figure.value:{sign}.3f}"
    if figure.low is None or figure.high is None:
        return value
    joint = " to " if sign else "-"
    return f"{value} ({figure.low:{sign}.3f}{joint}{figure.high:{sign}.3f})"
