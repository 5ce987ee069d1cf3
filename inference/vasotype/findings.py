"""Findings: what a reader of a result should know, each with a stable code and a remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How far a finding reaches."""

    REFUSE = "refuse"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Kind:
    """Catalogue entry of one finding code."""

    severity: Severity
    meaning: str
    remedy: str


CATALOGUE: dict[str, Kind] = {}
"""Every finding the package can make; the docs list is generated from it."""


@dataclass(frozen=True)
class Finding:
    """One finding about one study."""

    code: str
    message: str

    @property
    def severity(self) -> Severity:
        """Severity by the catalogue."""
        return CATALOGUE[self.code].severity

    @property
    def remedy(self) -> str:
        """What the user can do about it."""
        return CATALOGUE[self.code].remedy


class StudyError(Exception):
    """The input can't give a right answer; the message names the file, the rule and the remedy.

    ``code`` is a catalogue code of severity ``refuse``.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def _entry(code: str, severity: Severity, meaning: str, remedy: str) -> None:
    CATALOGUE[code] = Kind(severity, meaning, remedy)
