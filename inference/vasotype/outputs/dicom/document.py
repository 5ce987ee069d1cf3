"""The report as an encapsulated PDF (PS3.3 A.45.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as public
from pydicom.uid import EncapsulatedPDFStorage

from vasotype.outputs.dicom.case import DicomCase

TITLE = "vasotype report, UNVERIFIED, not for diagnostic use"


def encapsulated(case: DicomCase, pdf: bytes) -> Dataset:
    """An object that holds ``pdf`` as it is."""
    made = case.plain_object("report", EncapsulatedPDFStorage, "DOC")
    made.ConversionType = "WSD"
    made.AcquisitionDateTime = ""
    made.BurnedInAnnotation = "YES"
    made.VerificationFlag = "UNVERIFIED"
    made.DocumentTitle = TITLE
    concept = Dataset()
    code = public.LN.DiagnosticImagingReport
    concept.CodeValue, concept.CodingSchemeDesignator = code.value, code.scheme_designator
    concept.CodeMeaning = code.meaning
    made.ConceptNameCodeSequence = [concept]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return made
