"""What treatment may have done to a lesion: the competing explanation before any mode (FE-13).

After radiotherapy a growing, enhancing lesion may be radiation necrosis, and the wall of a
resection cavity may be scar. Neither can be told from viable tumor by structural images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vasotype_models.contract import MODES

from vasotype.clinical import Clinical
from vasotype.findings import Finding
from vasotype.lesions.biomarkers_cavity import LEAST_FLUID_SHARE, SHARE
from vasotype.result import AfterTreatment, BiomarkerRecord, PhenotypeRecord

EVIDENCE = ("rcbv_mean", "vp_tumor_p50", "tbr_max")
"""Biomarkers of blood volume and of PET that bear on viable tumor against necrosis."""
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
    phenotypes: Sequence[PhenotypeRecord], biomarkers: Measured, clinical: Clinical | None
) -> Treated:
    """Set the competing explanation of each lesion, numbered from 1 in this order.

    Where one competes and neither perfusion nor PET was measured in the lesion, its phenotype
    abstains. What isn't known of the treatment asserts nothing.
    """
    facts = clinical or Clinical()
    read, explanations, findings = [], [], []
    for number, (phenotype, measured) in enumerate(
        zip(phenotypes, biomarkers, strict=True), start=1
    ):
        explanation = _explain(number, measured, facts)
        explanations.append(explanation)
        if explanation.competing is not None and not explanation.evidence:
            phenotype = _abstaining(phenotype, explanation)
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


def _abstaining(phenotype: PhenotypeRecord, explanation: AfterTreatment) -> PhenotypeRecord:
    """No leaning: necrosis and viable tumor look alike without perfusion and PET."""
    told = f"after treatment, {explanation.competing}: not to be told without perfusion or PET"
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
