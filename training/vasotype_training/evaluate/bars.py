"""What a model is held to: tables of figures and the bar of each, as a data file of the release."""

from __future__ import annotations

from pathlib import Path

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

    A bar is ``>= 0.9``, ``<= 4``, ``0.87 to 0.93``, ``report`` (none) or ``-`` (no figure belongs
    here).
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
    """Bounds that a figure must keep; None is no bound, but one of the two is there."""

    least: float | None = None
    most: float | None = None

    @classmethod
    def parse(cls, text: str) -> Bar | None:
        """``>= 0.9``, ``<= 4`` or ``0.87 to 0.93``; None where there is no bar.

        Raises ValueError.
        """
        if text in (REPORTED, NO_CELL):
            return None
        match text.split():
            case [">=", least]:
                return cls(least=float(least))
            case ["<=", most]:
                return cls(most=float(most))
            case [least, "to", most]:
                return cls(least=float(least), most=float(most))
        raise ValueError(f"{text!r} is no bar")

    @property
    def bounds(self) -> tuple[float, ...]:
        """The bounds that there are, in ascending order."""
        return tuple(bound for bound in (self.least, self.most) if bound is not None)

    def reached(self, value: float) -> bool:
        """Whether a value keeps the bounds."""
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        shown = [f"{b:g}" if b.is_integer() else f"{b:.2f}" for b in self.bounds]
        if len(shown) == 2:
            return " to ".join(shown)
        return f"{'≤' if self.least is None else '≥'} {shown[0]}"


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
