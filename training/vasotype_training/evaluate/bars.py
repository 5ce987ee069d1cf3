"""What a model is held to: tables of figures and the bar of each, as a data file of the release."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator
from vasotype.findings import StudyError
from vasotype_models.registry import resolve

from vasotype_training.evaluate.figures import Record

BARS = "bars.json"
"""Lies beside the model; those of the default model serve where a model has none of its own."""
REPORTED, NO_CELL = "report", "-"

Key = dict[str, str]
"""Parts of the key of a figure: cohort, variant, metric, study.

A part may hold alternatives (``all|t1c+flair``) and names of other parts in braces; ``each`` study
means the worst of all, ``each but NAME`` the worst of the others.
"""


class Column(Record):
    """A column: its title, and what it adds to the key of its cells."""

    words: str
    key: Key = Field(default_factory=dict)


class BarRow(Record):
    """A row: its title, what it adds to the key, and a bar for each column.

    A bar is ``>= 0.9``, ``<= 4``, ``report`` (none) or ``-`` (no figure belongs here).
    """

    words: str
    key: Key = Field(default_factory=dict)
    cells: tuple[str, ...]


class Section(Record):
    """One table."""

    title: str
    about: str
    key: Key = Field(default_factory=dict)
    columns: tuple[Column, ...]
    rows: tuple[BarRow, ...]

    @model_validator(mode="after")
    def _complete(self) -> Section:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"{self.title}, {row.words}: {len(row.cells)} cells")
            for cell in row.cells:
                Bar.parse(cell)
        return self


class Bars(Record):
    """All tables (``bars.json``)."""

    sections: tuple[Section, ...]


class Bar(Record):
    """A bound that a figure must keep."""

    relation: Literal[">=", "<="]
    bound: float

    @classmethod
    def parse(cls, text: str) -> Bar | None:
        """``>= 0.9`` or ``<= 4``; None where there is no bar. Raises ValueError."""
        if text in (REPORTED, NO_CELL):
            return None
        relation, bound = text.split()
        return cls.model_validate({"relation": relation, "bound": float(bound)})

    def reached(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return value >= self.bound if self.relation == ">=" else value <= self.bound

    def __str__(self) -> str:
        bound = f"{self.bound:g}" if self.bound.is_integer() else f"{self.bound:.2f}"
        return f"{'≥' if self.relation == '>=' else '≤'} {bound}"


def read_bars(model: Path) -> Bars:
    """Bars of a model folder, or the default model's.

    Raises StudyError ``model-damaged`` where they can't be read.
    """
    own = model / BARS
    path = own if own.is_file() else resolve("default") / BARS
    try:
        return Bars.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise StudyError("model-damaged", f"{path.parent.name}/{BARS}: {error}") from error
