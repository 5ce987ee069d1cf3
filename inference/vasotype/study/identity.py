"""Who a study is of: known while it is read, so that nothing that is written tells it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from vasotype.stages import AcquisitionFacts

SHORTEST_WORD, SHORTEST_NUMBER = 3, 4
"""Shorter parts of a name, and shorter identifiers, occur in any text."""
PLACEHOLDERS = frozenset({"anon", "anonymous", "anonymized", "anonymised", "patient", "unknown"})
"""Words that stand where a name was taken out."""
WITHHELD = "[...]"
"""What stands in a text where the patient was named; the rules see no word in it."""
NAMES = ("PatientName", "OtherPatientNames", "PatientBirthName")
NUMBERS = ("PatientID", "OtherPatientIDs", "PatientBirthDate")
FREE_TEXTS = (
    *("description", "protocol", "sequence_name", "body_part", "acquisition", "agent", "scanner"),
)
"""Facts that people type, at the console, in the archive or in a sidecar."""


class Header(Protocol):
    """What a DICOM object or a sidecar says of patient and study."""

    def text(self, keyword: str) -> str:
        """One line of text; empty when there is none."""

    def words(self, keyword: str) -> tuple[str, ...]:
        """Values in capitals."""


@dataclass(frozen=True)
class Identity:
    """Words of patients' names, their identifiers and birth dates, in lower-case; the study's UID.

    It prints as nothing, so that no log or traceback shows it.
    """

    words: frozenset[str] = field(default=frozenset(), repr=False)
    numbers: frozenset[str] = field(default=frozenset(), repr=False)
    study_uid: str = field(default="", repr=False)

    def is_named_in(self, text: str) -> bool:
        """Whether a text, such as a folder's name, holds a part of the name or the identifier."""
        return self._pattern.search(text) is not None

    def safe(self, text: str) -> str:
        """The text, or where it names the patient an alias that stays the same for the study."""
        if not self.is_named_in(text):
            return text
        return f"study-{hashlib.sha256(self.study_uid.encode()).hexdigest()[:8]}"

    def without(self, text: str) -> str:
        """The text with what names the patient struck out.

        >>> Identity(frozenset({"doe", "jane"})).without("t1 post Doe_Jane")
        't1 post [...]_[...]'
        """
        return self._pattern.sub(WITHHELD, text)

    def withhold(self, facts: AcquisitionFacts) -> AcquisitionFacts:
        """The facts, their free texts without what names the patient."""
        texts: dict[str, str] = {name: getattr(facts, name) for name in FREE_TEXTS}
        changed = {name: self.without(text) for name, text in texts.items()}
        return facts if changed == texts else replace(facts, **changed)  # type: ignore[arg-type] # texts only

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Words of the name between no other letters, also run together; numbers in any spelling.

        Longer ones come first, so that nothing of them is left over.
        """
        words = "|".join(map(re.escape, sorted(self.words, key=len, reverse=True)))
        numbers = sorted(self.numbers, key=len, reverse=True)
        spelled = [r"[\W_]*".join(map(re.escape, number)) for number in numbers]
        alone = [rf"(?<![^\W\d_])(?:{words})+(?![^\W\d_])"] if words else []
        return re.compile("|".join([*spelled, *alone]) or r"(?!)", re.IGNORECASE)


def read_identity(headers: Iterable[Header]) -> Identity:
    """Identity of the patients of some objects or sidecars; the study is the first's."""
    words: set[str] = set()
    numbers: set[str] = set()
    uid = ""
    for header in headers:
        for keyword in NAMES:
            words.update(w for w in _words(header.text(keyword)) if len(w) >= SHORTEST_WORD)
        for keyword in NUMBERS:
            found = ("".join(_words(number)) for number in header.words(keyword))
            numbers.update(number for number in found if len(number) >= SHORTEST_NUMBER)
        uid = uid or header.text("StudyInstanceUID")
    return Identity(frozenset(words - PLACEHOLDERS), frozenset(numbers - PLACEHOLDERS), uid)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.lower()) if word]
