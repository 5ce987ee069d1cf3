"""What the user already knows of single lesions, by their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from vasotype.phenotype.pathology import check_pathology
from vasotype.phenotype.triage import triage
from vasotype.result import PathologyRecord, Result


@dataclass(frozen=True)
class Known:
    """The lesion that causes symptoms, and what pathology said; both may be unknown."""

    symptomatic: int | None = None
    pathology: tuple[PathologyRecord, ...] = ()


def compare_lesions(result: Result, known: Known) -> Result:
    """The result with its lesions compared (triage) and pathology stored beside them.

    No prediction is changed. Raises StudyError ``symptomatic-unknown`` or ``pathology-table`` when
    ``known`` names a lesion that isn't there.
    """
    check_pathology(known.pathology, result.lesions)
    summary = triage(result.lesions, known.symptomatic)
    return result.model_copy(update={"triage": summary, "pathology": known.pathology})
