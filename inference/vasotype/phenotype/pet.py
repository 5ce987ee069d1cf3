"""PET as far as the model can read it: ratios of FET, which it learned from and no other."""

from __future__ import annotations

from dataclasses import replace

from vasotype_models.contract import CHANNELS

from vasotype.clinical import PetTracer
from vasotype.findings import Finding
from vasotype.stages import Prepared

TBR = CHANNELS.index("tbr")


def readable_pet(prepared: Prepared, tracer: PetTracer | None) -> Prepared:
    """The study as network and phenotype may see it: without PET unless the tracer is FET.

    Ratios of tracers are not comparable; a finding says where one was left out. Biomarkers are
    measured on the study as it is.
    """
    if not prepared.present[TBR] or tracer == "fet":
        return prepared
    named = "is not known" if tracer is None else f"is {tracer.upper()}"
    message = f"the PET tracer {named}; the phenotype is read without PET"
    return replace(
        prepared,
        present=tuple(there and n != TBR for n, there in enumerate(prepared.present)),
        findings=(*prepared.findings, Finding("pet-not-read", message)),
    )
