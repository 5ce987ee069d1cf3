"""Rules that score what a sequence is, kept as data in ``rules.json``.

A site may read another file; unknown fields or malformed conditions are refused when it is read.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

from vasotype.study.dicom import Series

Value = float | str | tuple[str, ...] | None


class Kind(StrEnum):
    """What a series can be."""

    T1 = "t1"
    T1C = "t1c"
    T2 = "t2"
    FLAIR = "flair"
    DSC = "dsc"
    DCE = "dce"
    VFA = "vfa"
    DWI = "dwi"
    SWI = "swi"
    MAP = "map"
    LOCALIZER = "localizer"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Rule:
    """``score`` points for ``kind`` where all conditions of ``when`` hold."""

    kind: Kind
    score: float
    reason: str
    when: Mapping[str, Any]

    def holds(self, facts: Mapping[str, Value]) -> bool:
        """Whether the facts of a series satisfy the rule."""
        return all(
            not any(_satisfies(facts[key], wanted) for key, wanted in condition.items())
            if field == "not"
            else _satisfies(facts[field], condition)
            for field, condition in self.when.items()
        )


@dataclass(frozen=True)
class ContrastWords:
    """Regular expressions on lower-case words of the header."""

    agent_absent: str
    name_with: str
    name_without: str


@dataclass(frozen=True)
class Rulebook:
    """All rules; a class is accepted at ``accept`` points, ``margin`` ahead of the next."""

    rules: tuple[Rule, ...]
    accept: float
    margin: float
    contrast: ContrastWords


@functools.cache
def default_rules() -> Rulebook:
    """The rules that ship with the package."""
    text = resources.files(__package__).joinpath("rules.json").read_text("utf-8")
    return parse_rules(text)


def parse_rules(text: str) -> Rulebook:
    """Rules from JSON; raises ValueError where a rule can't be meant so."""
    book = json.loads(text)
    rules = tuple(
        Rule(Kind(rule["kind"]), float(rule["score"]), rule["reason"], rule["when"])
        for rule in book["rules"]
    )
    fields = set(series_facts(None))
    for rule in rules:
        conditions = {**rule.when, **rule.when.get("not", {})}
        if unknown := set(conditions) - fields - {"not"}:
            raise ValueError(f"a rule of {rule.kind} asks for unknown fields {sorted(unknown)}")
        for value in conditions.values():
            if isinstance(value, str):
                re.compile(value)
    return Rulebook(rules, book["accept"], book["margin"], ContrastWords(**book["contrast"]))


def series_facts(series: Series | None) -> dict[str, Value]:
    """What rules may ask of a series (of None: the fields alone).

    ``name`` joins description and protocol, lower-case, with separators as spaces.
    """
    if series is None:
        return dict.fromkeys(_FACTS + _LAYOUT + ("name",))
    facts: dict[str, Value] = {field: getattr(series.facts, field) for field in _FACTS}
    facts |= {field: getattr(series.layout, field) for field in _LAYOUT}
    return facts | {"name": plain_words(f"{series.facts.description} | {series.facts.protocol}")}


def plain_words(text: str) -> str:
    """Lower-case words with single spaces; ``*``, ``+`` and ``-`` at a word's end stay."""
    return " ".join(re.sub(r"[_./,:;()\[\]|]|-(?=\w)", " ", text.lower()).split())


_FACTS = (
    "modality", "sequence_name", "body_part", "image_type", "scanning", "variant", "acquisition",
    "tr_ms", "te_ms", "ti_ms", "flip_deg", "echo_train", "field_t", "b_value", "samples",
)  # fmt: skip
_LAYOUT = ("slices", "times", "directions", "step_mm")


def _satisfies(value: Value, wanted: Any) -> bool:
    if wanted is None:
        return value is None
    if isinstance(wanted, str):
        return isinstance(value, str) and re.search(wanted, value.lower()) is not None
    if all(isinstance(item, str) for item in wanted):
        return isinstance(value, tuple) and not set(wanted).isdisjoint(value)
    low, high = wanted
    if value is None:  # an open lower end takes a missing value for a small one
        return low is None
    return (
        isinstance(value, (int, float))
        and (low is None or value >= low)
        and (high is None or value <= high)
    )
