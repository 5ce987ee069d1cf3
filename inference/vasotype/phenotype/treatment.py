"""What treatment may have done to a lesion: the competing explanation before any mode (FE-13).

After radiotherapy a growing, enhancing lesion may be radiation necrosis, and the wall of a
resection cavity may be scar. Neither can be told from viable tumor by structural images. Low blood
volume and permeability are the picture of necrosis and that of co-option as well, so a mode is read
only where perfusion, PET or tissue supports viable tumor (WF-12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vasotype_models.contract import MODES

from vasotype.clinical import Clinical
from vasotype.findings import Finding
from vasotype.lesions.biomarkers_cavity import LEAST_FLUID_SHARE, SHARE
from vasotype.phenotype.rules import Rulebook, default_rules
from vasotype.result import AfterTreatment, BiomarkerRecord, PathologyRecord, PhenotypeRecord

EVIDENCE = ("rcbv_mean", "vp_tumor_p50", "tbr_max")
"""Biomarkers of blood volume and of PET that bear on viable tumor against necrosis. The report
names those that were measured, whatever they say."""
NECROSIS = "recurrence or radiation necrosis"
CAVITY = "wall of a resection cavity: scar, recurrence or radiation necrosis"

Measured = Sequence[tuple[BiomarkerRecord, ...]]


@dataclass(frozen=True)
class Treated:
    """Phenotypes that know of the treatment, what competes with them, and findings, by lesion."""

    phenotypes: tuple[PhenotypeRecord, ...]
    treatments: tuple[AfterTreatment, ...]
    findings: tuple[Finding, ...]


def consider_treatment(
    phenotypes: Sequence[PhenotypeRecord],
    biomarkers: Measured,
    clinical: Clinical | None,
    rules: Rulebook | None = None,
    pathology: Sequence[PathologyRecord] = (),
) -> Treated:
    """Set the competing explanation of each lesion, numbered from 1 in this order.

    Where one competes, the phenotype abstains unless a well measured biomarker reaches the limit of
    viable tumor in ``rules``, a site's own (none ships: HA-02), or ``pathology`` has a mode for the
    lesion. What isn't known of the treatment asserts nothing.
    """
    facts = clinical or Clinical()
    least = (rules or default_rules()).viable_tumor
    seen = {record.lesion for record in pathology if record.mode is not None}
    read, explanations, findings = [], [], []
    for number, (phenotype, measured) in enumerate(
        zip(phenotypes, biomarkers, strict=True), start=1
    ):
        explanation = _explain(number, measured, facts)
        explanations.append(explanation)
        if explanation.competing is not None and number not in seen:
            doubt = _doubt(measured, least)
            if doubt is not None:
                phenotype = _abstaining(phenotype, f"{explanation.competing}, {doubt}")
        read.append(phenotype)
        if explanation.cavity != "no":
            message = f"Lesion {number}: a {explanation.cavity} resection cavity; its rim"
            findings.append(Finding("resection-cavity", f"{message} need not be a new lesion."))
    return Treated(tuple(read), tuple(explanations), tuple(findings))


def _explain(number: int, measured: Sequence[BiomarkerRecord], facts: Clinical) -> AfterTreatment:
    values = {b.name: b.value for b in measured if b.available}
    share = values.get(SHARE)
    fluid = isinstance(share, float) and share >= LEAST_FLUID_SHARE
    resected = facts.resected
    irradiated = facts.irradiated(number)
    treated = irradiated is True or (irradiated is None and facts.radiotherapy is not None)
    competing = NECROSIS if treated else None
    if fluid and resected:
        competing = CAVITY
    return AfterTreatment(
        irradiated=irradiated,
        cavity="probable"
        if fluid and resected
        else "possible"
        if fluid and resected is None
        else "no",
        competing=competing,
        evidence=tuple(name for name in EVIDENCE if name in values),
    )


def _doubt(measured: Sequence[BiomarkerRecord], least: Mapping[str, float]) -> str | None:
    """Why viable tumor isn't supported; None where a good value reaches its limit in ``least``."""
    if not least:
        return "and this site has set no limit of perfusion or PET for viable tumor"
    values = [
        (b.name, float(b.value))
        for b in measured
        if b.name in least and b.quality == "good" and isinstance(b.value, float | int)
    ]
    if any(value >= least[name] for name, value in values):
        return None
    if not values:
        return "not to be told without perfusion or PET of good quality"
    below = (f"{n.replace('_', ' ')} {v:.3g}, at least {least[n]:g} would" for n, v in values)
    return f"nothing supports viable tumor ({'; '.join(below)})"


def _abstaining(phenotype: PhenotypeRecord, doubt: str) -> PhenotypeRecord:
    """No leaning: necrosis and viable tumor look alike."""
    told = f"after treatment: {doubt}"
    suspicion = phenotype.mimicry_suspicion.model_copy(update={"level": "unknown"})
    return phenotype.model_copy(
        update={
            "label": None,
            "label_supported": False,
            "prediction_set": MODES,
            "reasons": (),
            "abstained": True,
            "reason": "; ".join(filter(None, (phenotype.reason, told))),
            "mimicry_suspicion": suspicion,
        }
    )
