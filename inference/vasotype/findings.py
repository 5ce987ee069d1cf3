"""Findings: what a reader of a result should know, each with a stable code and a remedy.

All that the package can say stands in ``catalogue/``, one TOML file a stage; the list in the
documentation is generated from it. A new finding is a new table there:

.. code-block:: toml

    [kebab-case-code]
    severity = "warning"  # or "refuse", "note"
    meaning = "One sentence."
    remedy = "What the user can do about it."
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


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


def read_catalogue() -> dict[str, Kind]:
    """Every kind of finding by its code.

    Raises ValueError for a code that stands in two files, TypeError for one with a part missing.
    """
    kinds: dict[str, Kind] = {}
    for path in sorted((files("vasotype") / "catalogue").iterdir(), key=lambda p: p.name):
        for code, parts in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if code in kinds:
                raise ValueError(f"{path.name}: {code} stands in another file, too")
            kinds[code] = Kind(**parts | {"severity": Severity(parts["severity"])})
    return kinds


CATALOGUE = read_catalogue()
"""Every finding that the package can make."""


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
