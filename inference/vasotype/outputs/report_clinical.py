"""The report's sentences about the patient's history; what is not known is said to be so."""

from __future__ import annotations

from collections.abc import Sequence

from vasotype.clinical import Clinical, Drug, Radiotherapy, Surgery
from vasotype.result import AfterTreatment, LesionRecord

SHOWN = {
    "rcbv_mean": "rCBV, mean",
    "ktrans_tumor_mean": "Ktrans, mean",
    "tbr_max": "TBRmax",
}
"""Biomarkers of maps that a card shows beside its pictures, where they were measured."""


def history(facts: Clinical | None) -> str:
    """Primary tumor and treatments in one line."""
    if facts is None:
        return "not known"
    said = [f"primary tumor {facts.primary or 'not known'}", _steroids(facts.steroids)]
    said.append(_courses("radiotherapy", facts.radiotherapy))
    said.append(_courses("surgery", facts.surgery))
    said.append(_drug("anti-VEGF", facts.anti_vegf))
    said.append(_drug("immune checkpoint inhibitor", facts.ici))
    return "; ".join(said)


def competing(treatment: AfterTreatment | None) -> str:
    """What competes with tumor growth, said before any leaning; empty where nothing does."""
    if treatment is None:
        return ""
    if treatment.competing is None:
        if treatment.cavity != "possible":
            return ""
        return "Fluid in its core as in a resection cavity: its rim need not be a new lesion."
    evidence = ", ".join(name.replace("_", " ") for name in treatment.evidence)
    measured = f"measured: {evidence}" if evidence else "neither perfusion nor PET was measured"
    return f"After treatment: {treatment.competing} ({measured})."


def map_values(lesion: LesionRecord) -> list[tuple[str, str]]:
    """Title and value of the map biomarkers that were measured well in a lesion."""
    values = {b.name: b for b in lesion.biomarkers if b.quality == "good"}
    return [
        (title, f"{values[name].value:.3g}{_unit(values[name].unit)}")
        for name, title in SHOWN.items()
        if name in values
    ]


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def _steroids(given: bool | None) -> str:
    return {True: "steroids", False: "no steroids", None: "steroids not known"}[given]


def _drug(name: str, drug: Drug | None) -> str:
    if drug is None:
        return f"{name} not known"
    if not drug.given:
        return f"no {name}"
    days = drug.days_since_start
    start = "start not known" if days is None else f"started {days:.0f} days before"
    return f"{name}, {start}"


def _courses(name: str, courses: Sequence[Radiotherapy | Surgery] | None) -> str:
    """Whether there was any course, and when the last one was, if that is known."""
    if courses is None:
        return f"{name} not known"
    if not courses:
        return f"no {name}"
    days = [course.days_since for course in courses if course.days_since is not None]
    return f"{name} {min(days):.0f} days before" if days else name
