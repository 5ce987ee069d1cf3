"""A transparent reading of a lesion by thresholds, kept as data in ``rules.json``.

The thresholds are ours, taken from the simulator or assumed; they hold for no scanner and no site.
The reading stands beside the model's answer and never changes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vasotype.findings import Finding
from vasotype.result import BiomarkerRecord, PhenotypeRecord, RuleReading
from vasotype.site_file import read_site_file

Mode = Literal["angiogenic", "intermediate", "co_option"]
Level = Literal["high", "middle", "low"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Rule(_Data):
    """What one biomarker says: at least ``upper`` is high, at most ``lower`` is low.

    ``angiogenic`` tells which of the two ends speaks for the angiogenic mode; the other speaks
    for vessel co-option and what lies between for the intermediate one. ``basis`` is where the
    thresholds come from; ``measure`` names the biomarker for a reader, ``high``, ``middle`` and
    ``low`` are words for the finding.
    """

    biomarker: str
    measure: str
    angiogenic: Literal["high", "low"]
    upper: float
    lower: float
    weight: float = Field(gt=0)
    basis: Literal["simulated", "assumed", "site"]
    high: str
    middle: str
    low: str

    @model_validator(mode="after")
    def _ordered(self) -> Rule:
        if self.lower >= self.upper:
            raise ValueError(f"{self.biomarker}: lower {self.lower} must be below {self.upper}")
        return self

    def level(self, value: float) -> Level:
        """Where a value lies."""
        return "high" if value >= self.upper else "low" if value <= self.lower else "middle"

    def mode(self, value: float) -> Mode:
        """The mode that a value speaks for."""
        level = self.level(value)
        if level == "middle":
            return "intermediate"
        return "angiogenic" if level == self.angiogenic else "co_option"


class Rulebook(_Data):
    """All rules: with ``least_signs`` measured biomarkers at least, there is a reading.

    It leans to an end where the weighted balance of signs, -1 (all co-option) to 1 (all
    angiogenic), reaches ``least_balance``, and to the intermediate mode otherwise.

    ``viable_tumor`` holds least values, by biomarker, from which perfusion or PET supports viable
    tumor after treatment; with none of them only pathology does.
    """

    source: str
    note: str
    least_signs: int = Field(ge=1)
    least_balance: float = Field(gt=0, le=1)
    rules: tuple[Rule, ...] = Field(min_length=1)
    viable_tumor: dict[str, float] = {}
    viable_tumor_source: str = ""


def default_rules() -> Rulebook:
    """The rules that ship with the package."""
    return parse_rules(resources.files(__package__).joinpath("rules.json").read_text("utf-8"))


def read_rules(path: Path | None) -> Rulebook:
    """Rules from a JSON file, or those that ship.

    Raises StudyError ``file-missing`` or ``config-invalid``.
    """
    return default_rules() if path is None else read_site_file(path, Rulebook)


def parse_rules(text: str) -> Rulebook:
    """Rules from JSON; pydantic's ValidationError (a ValueError) says what is wrong with them."""
    return Rulebook.model_validate_json(text)


def unused_rules(
    rulebook: Rulebook, lesions: Iterable[Iterable[BiomarkerRecord]]
) -> tuple[Finding, ...]:
    """A finding where rules name what is no biomarker; every lesion lists all, measured or not."""
    wanted = {rule.biomarker for rule in rulebook.rules} | set(rulebook.viable_tumor)
    listed = [{biomarker.name for biomarker in biomarkers} for biomarkers in lesions]
    unknown = sorted(wanted.difference(*listed)) if listed else []
    if not unknown:
        return ()
    return (Finding("rule-unused", f"No biomarker is called {' or '.join(unknown)}."),)


def read_by_rules(
    biomarkers: Iterable[BiomarkerRecord], phenotype: PhenotypeRecord, rulebook: Rulebook
) -> RuleReading:
    """The rules' own leaning, and what speaks for and against the label of ``phenotype``.

    A biomarker without a number, or of low quality, says nothing. Where the model abstains the
    rules do so too. A value in the middle speaks for the intermediate mode but not against the
    others.
    """
    signs = _signs(biomarkers, rulebook)
    if phenotype.abstained or len(signs) < rulebook.least_signs:
        return RuleReading(label=None, in_favour=(), against=())
    label = phenotype.label
    opposed = [
        (rule, value) for rule, value in signs if rule.mode(value) not in (label, "intermediate")
    ]
    return RuleReading(
        label=_leaning(signs, rulebook.least_balance),
        in_favour=tuple(_words(r, v) for r, v in signs if r.mode(v) == label),
        against=tuple(_words(r, v) for r, v in opposed),
    )


def leaning_by_rules(biomarkers: Iterable[BiomarkerRecord], rulebook: Rulebook) -> Mode | None:
    """The rules' own leaning, whatever the model says; None with too few signs."""
    signs = _signs(biomarkers, rulebook)
    return _leaning(signs, rulebook.least_balance) if len(signs) >= rulebook.least_signs else None


def _signs(biomarkers: Iterable[BiomarkerRecord], rulebook: Rulebook) -> list[tuple[Rule, float]]:
    """The rules that have a biomarker of good quality to go by, with its value."""
    values = {b.name: b.value for b in biomarkers if b.quality == "good"}
    return [
        (rule, float(value))
        for rule in rulebook.rules
        if isinstance(value := values.get(rule.biomarker), float | int)
    ]


def _leaning(signs: list[tuple[Rule, float]], least: float) -> Mode:
    """The mode to which the weighted signs lean."""
    side = {"angiogenic": 1.0, "intermediate": 0.0, "co_option": -1.0}
    total = sum(rule.weight for rule, _ in signs)
    balance = sum(rule.weight * side[rule.mode(value)] for rule, value in signs) / total
    if abs(balance) < least:
        return "intermediate"
    return "angiogenic" if balance > 0 else "co_option"


def _words(rule: Rule, value: float) -> str:
    """A finding with its number, e.g. ``modest blood volume (mean rCBV 1.8, at most 2.2)``."""
    level = rule.level(value)
    bound = {
        "high": f"at least {rule.upper:g}",
        "low": f"at most {rule.lower:g}",
        "middle": f"between {rule.lower:g} and {rule.upper:g}",
    }[level]
    words = {"high": rule.high, "middle": rule.middle, "low": rule.low}[level]
    return f"{words} ({rule.measure} {value:.3g}, {bound})"
