"""Findings as the report tells them: to a reader of images, not to who ran the command."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vasotype.outputs.report_words import SEQUENCES
from vasotype.result import FindingRecord

SEQUENCE_CODES = ("map-missing", "sequence-missing")
"""Findings whose messages name sequences by their short names."""
CONSEQUENCES = {
    "map-missing": (
        "What they would show was not measured and nothing was filled in; the leanings rest on "
        "the other sequences."
    ),
    "protocol-deviation": (
        "Each requirement stands with what was found under “Quality of the input” below."
    ),
}
"""What a finding means for the report, in place of what can be done about it at the terminal."""
_CHANNEL = re.compile(rf"\b({'|'.join(SEQUENCES)})\b")
_CLAUSE = re.compile(r"(?<=[.;]) ")
_COMMAND = re.compile(r"(?<!\w)--\w|`|\bvasotype [a-z]|\bpip ")


def for_reader(findings: Iterable[FindingRecord]) -> list[FindingRecord]:
    """The findings, most severe first, in words that need no command line."""
    ordered = sorted(findings, key=lambda finding: finding.severity, reverse=True)
    return [
        finding.model_copy(update={"message": _message(finding), "remedy": _remedy(finding)})
        for finding in ordered
    ]


def _message(finding: FindingRecord) -> str:
    said = finding.message
    if finding.code in SEQUENCE_CODES:
        said = _CHANNEL.sub(lambda found: SEQUENCES[found[0]], said)
        said = said[:1].upper() + said[1:]
    return said


def _remedy(finding: FindingRecord) -> str:
    """The remedy without its clauses that name a flag or a command; the terminal prints those."""
    if finding.code in CONSEQUENCES:
        return CONSEQUENCES[finding.code]
    clauses = [c for c in _CLAUSE.split(finding.remedy) if not _COMMAND.search(c)]
    kept = " ".join(clauses)
    return f"{kept[:-1]}." if kept.endswith(";") else kept
