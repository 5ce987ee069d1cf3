"""``lesions.tsv``: one row a lesion, units in the column names, ``n/a`` where there is no value."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from vasotype.result import LesionRecord, Result

MISSING = "n/a"
"""BIDS's word for no value."""


def _biomarker(name: str) -> Callable[[LesionRecord], object]:
    """How a biomarker is read from a lesion."""
    return lambda lesion: next((b.value for b in lesion.biomarkers if b.name == name), None)


COLUMNS: dict[str, Callable[[LesionRecord], object]] = {
    "id": lambda lesion: lesion.id,
    "x_ras_mm": lambda lesion: lesion.centroid_ras_mm[0],
    "y_ras_mm": lambda lesion: lesion.centroid_ras_mm[1],
    "z_ras_mm": lambda lesion: lesion.centroid_ras_mm[2],
    "enhancing_ml": lambda lesion: lesion.volume_ml.enhancing,
    "non_enhancing_core_ml": lambda lesion: lesion.volume_ml.non_enhancing_core,
    "edema_ml": lambda lesion: lesion.volume_ml.edema,
    "edema_shared": lambda lesion: lesion.edema_shared,
    "longest_diameter_mm": lambda lesion: lesion.longest_diameter_mm,
    "perpendicular_diameter_mm": lambda lesion: lesion.perpendicular_diameter_mm,
    "enhancement_pattern": lambda lesion: lesion.enhancement_pattern,
    "confidence": lambda lesion: lesion.confidence,
    "label": lambda lesion: lesion.phenotype.label,
    "label_supported": lambda lesion: lesion.phenotype.label_supported,
    "p_angiogenic": lambda lesion: lesion.phenotype.probabilities.angiogenic,
    "p_intermediate": lambda lesion: lesion.phenotype.probabilities.intermediate,
    "p_co_option": lambda lesion: lesion.phenotype.probabilities.co_option,
    "prediction_set": lambda lesion: ",".join(lesion.phenotype.prediction_set),
    "mimicry_suspicion": lambda lesion: lesion.phenotype.mimicry_suspicion.level,
    "mimicry_score": lambda lesion: lesion.phenotype.mimicry_suspicion.score,
    "low_permeability_share": lambda lesion: lesion.phenotype.low_permeability_share,
    "enhancement_mean": _biomarker("enhancement_mean"),
    "enhancement_p95": _biomarker("enhancement_p95"),
    "edema_ratio": _biomarker("edema_ratio"),
    "border_width_mm": _biomarker("border_width"),
    "t1_bright_fraction": _biomarker("t1_bright_fraction"),
    "rcbv_mean": _biomarker("rcbv_mean"),
    "ktrans_mean_per_min": _biomarker("ktrans_tumor_mean"),
    "tbr_max": _biomarker("tbr_max"),
    "rule_label": lambda lesion: lesion.rule_reading and lesion.rule_reading.label,
    "tier": lambda lesion: lesion.phenotype.tier,
    "abstained": lambda lesion: lesion.phenotype.abstained,
    "reason": lambda lesion: lesion.phenotype.reason,
}
"""Column by column, how it is read from a lesion."""


def write_table(result: Result, path: Path) -> None:
    """Write the lesions of a result; a study without lesions gives the header alone."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        for lesion in result.lesions:
            writer.writerow(cell(value(lesion)) for value in COLUMNS.values())


def cell(value: object) -> str:
    """Text of a table's cell; a float has four decimals (0.1 mm³ of a volume in mL)."""
    match value:
        case None:
            return MISSING
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.4f}"
    return str(value)
