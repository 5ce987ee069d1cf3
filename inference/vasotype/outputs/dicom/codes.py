"""Coded concepts of the results: public ones by name, our own from ``99vasotype.json``.

Choices follow DICOM PS3.16: CID 7168 (brain lesion segmentation with necrosis), CID 7159, TID 1500.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any

from highdicom import AlgorithmIdentificationSequence
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from vasotype_models.contract import ET, NETC, SNFH

from vasotype.result import Result

CATEGORY = codes.SCT.MorphologicallyAbnormalStructure
TISSUES = {
    NETC: ("non-enhancing core", codes.SCT.Necrosis),
    SNFH: ("edema", codes.SCT.Edema),
    ET: ("enhancing tumor", codes.NCIt.EnhancingLesion),
}
"""Label -> name and type of a tissue segment."""
LESION = codes.SCT.NeoplasmSecondary
BRAIN = codes.SCT.Brain
SIDES = {"right": codes.SCT.Right, "left": codes.SCT.Left}
YES = CodedConcept("373066001", "SCT", "Yes")
NO = CodedConcept("373067005", "SCT", "No")
MILLIMETRE, CUBIC_MILLIMETRE = codes.UCUM.Millimeter, codes.UCUM.CubicMillimeter
NO_UNITS = codes.UCUM.NoUnits
PER_MINUTE = CodedConcept("/min", "UCUM", "/min")
RATIO = CodedConcept("{ratio}", "UCUM", "ratio")

NOT_DIAGNOSTIC = "research use only, not for diagnostic use"


@functools.cache
def scheme() -> dict[str, Any]:
    """Our published coding scheme, as it stands in ``99vasotype.json``."""
    text = files("vasotype.outputs.dicom").joinpath("99vasotype.json").read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def own(code: str) -> CodedConcept:
    """A concept of our scheme; raises KeyError for a code that is not published."""
    book = scheme()
    return CodedConcept(
        code, book["designator"], book["concepts"][code]["meaning"], scheme_version=book["version"]
    )


def scheme_identification() -> Dataset:
    """Item that tells a reader where our codes come from (PS3.3 C.12.1)."""
    book, item = scheme(), Dataset()
    item.CodingSchemeDesignator = book["designator"]
    item.CodingSchemeUID = book["uid"]
    item.CodingSchemeName = book["name"]
    item.CodingSchemeVersion = book["version"]
    item.CodingSchemeResponsibleOrganization = book["responsible"]
    return item


def algorithm(result: Result) -> AlgorithmIdentificationSequence:
    """Which algorithm made a segment."""
    return AlgorithmIdentificationSequence(
        name="vasotype",
        family=codes.DCM.ArtificialIntelligence,
        version=result.vasotype_version,
        source="vasotype developers",
        parameters=algorithm_parameters(result),
    )


def algorithm_parameters(result: Result) -> dict[str, str]:
    """What fixes the algorithm's answer besides its input."""
    return {
        "model": f"{result.model.name} {result.model.version}",
        "onnx_sha256": result.model.sha256,
        "use": NOT_DIAGNOSTIC,
    }
