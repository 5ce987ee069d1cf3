"""Who a study is of: known while it is read, so that nothing that is written tells it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from vasotype.study.dicom.tags import Tags

SHORTEST_WORD, SHORTEST_NUMBER = 3, 4
"""Shorter parts of a name, and shorter identifiers, occur in any text."""
PLACEHOLDERS = frozenset({"anon", "anonymous", "anonymized", "anonymised", "patient", "unknown"})
"""Words that stand where a name was taken out."""


@dataclass(frozen=True)
class Identity:
    """Words of patients' names, and their identifiers, in plain lower-case; the study's UID.

    It prints as nothing, so that no log or traceback shows it.
    """

    words: frozenset[str] = field(default=frozenset(), repr=False)
    numbers: frozenset[str] = field(default=frozenset(), repr=False)
    study_uid: str = field(default="", repr=False)

    def is_named_in(self, text: str) -> bool:
        """Whether a text, such as a folder's name, holds a part of the name or the identifier."""
        words = set(_words(text))
        plain = "".join(_words(text))
        return not self.words.isdisjoint(words) or any(n in plain for n in self.numbers)

    def safe(self, text: str) -> str:
        """The text, or where it names the patient an alias that stays the same for the study."""
        if not self.is_named_in(text):
            return text
        return f"study-{hashlib.sha256(self.study_uid.encode()).hexdigest()[:8]}"


def read_identity(headers: Iterable[Tags]) -> Identity:
    """Identity of the patients of some objects; the study is the first's."""
    words: set[str] = set()
    numbers: set[str] = set()
    uid = ""
    for tags in headers:
        words.update(w for w in _words(tags.text("PatientName")) if len(w) >= SHORTEST_WORD)
        number = "".join(_words(tags.text("PatientID")))
        numbers.update({number} if len(number) >= SHORTEST_NUMBER else ())
        uid = uid or tags.text("StudyInstanceUID")
    return Identity(frozenset(words - PLACEHOLDERS), frozenset(numbers - PLACEHOLDERS), uid)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.lower()) if word]
