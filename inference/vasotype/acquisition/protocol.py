"""The protocol that studies are held against, kept as data in ``protocol.json``.

A site may read another file; unknown keys and rules are refused when it is read.
"""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from vasotype.result import ProtocolLevel, Record
from vasotype.site_file import read_site_file

Rule = Literal[
    "any_present",
    "three_d",
    "isotropic",
    "matched",
    "slices",
    "between",
    "technique",
    "at_least",
    "at_most",
    "within",
    "volumes",
    "contrast",
    "coverage",
    "signal",
    "motion",
    "unreadable",
]
LIMITED = {
    "isotropic", "matched", "slices", "at_least", "at_most", "volumes", "coverage", "signal"
}  # fmt: skip


class Range(Record):
    """Bounds that count, of a parameter; with ``field_t`` they hold at that nominal field, T."""

    low: float
    high: float
    field_t: float | None = None


class Requirement(Record):
    """One thing that a protocol asks for.

    ``rule`` says how it is judged, ``series`` of what (a channel or a kind of series), ``limit`` in
    ``unit`` by which number, or ``ranges`` by which of several. What no header tells has the rule
    ``unreadable``: it is listed, never judged. ``source`` names one of the protocol's sources;
    ``verified`` is false where the number was not checked against it, and absent where it is ours.
    """

    id: str
    level: ProtocolLevel
    rule: Rule
    text: str
    source: str
    series: tuple[str, ...] = ()
    limit: float | None = None
    unit: str = ""
    ranges: tuple[Range, ...] = ()
    words: tuple[str, ...] = ()
    parameter: str = ""
    verified: bool | None = None

    @property
    def sentence(self) -> str:
        """The requirement in words, with its number."""
        return self.text.format(limit=self.limit)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.rule in LIMITED and self.limit is None:
            raise ValueError(f"{self.id}: the rule {self.rule} needs a limit")
        if self.rule == "within" and not self.ranges:
            raise ValueError(f"{self.id}: the rule {self.rule} needs ranges")
        if self.rule in ("at_least", "at_most", "within") and not self.parameter:
            raise ValueError(f"{self.id}: the rule {self.rule} needs a parameter")
        return self


class Protocol(Record):
    """A protocol: its name, its sources by their short names, and what it asks for."""

    name: str
    note: str
    sources: dict[str, str]
    requirements: tuple[Requirement, ...]

    @model_validator(mode="after")
    def _known_sources(self) -> Self:
        if unknown := {item.source for item in self.requirements} - set(self.sources):
            raise ValueError(f"sources that are not listed: {sorted(unknown)}")
        return self


@functools.cache
def default_protocol() -> Protocol:
    """The protocol that ships with the package."""
    text = resources.files(__package__).joinpath("protocol.json").read_text("utf-8")
    return Protocol.model_validate_json(text)


def read_protocol(path: Path | None) -> Protocol:
    """A protocol from a JSON file, or the one that ships.

    Raises StudyError ``file-missing`` or ``config-invalid``.
    """
    return default_protocol() if path is None else read_site_file(path, Protocol)
