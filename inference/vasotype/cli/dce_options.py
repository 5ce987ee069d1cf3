"""Options of what a DCE series does not say, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vasotype.perfusion import DceSettings

PANEL = "Scale of a DCE series"
B1_MEANING = "Map of the flip angle over the nominal one, on the grid of the series"


def _number(*flags: str, meaning: str, limits: tuple[float, float], default: str) -> Any:
    low, high = limits
    return typer.Option(
        *flags, min=low, max=high, help=meaning, show_default=default, rich_help_panel=PANEL
    )


B1Option = Annotated[
    Path | None,
    typer.Option("--b1", help=f"{B1_MEANING}.", rich_help_panel=PANEL),
]
B1sOption = Annotated[
    list[Path] | None,
    typer.Option("--b1", help=f"{B1_MEANING}; once for each examination.", rich_help_panel=PANEL),
]
DoseOption = Annotated[
    float | None,
    _number(
        "--dose",
        meaning="Dose, mmol/kg; scales the population input.",
        limits=(0.01, 0.5),
        default="0.1",
    ),
]
RelaxivityOption = Annotated[
    float | None,
    _number(
        "--relaxivity",
        meaning="r1 of the contrast agent, 1/(s mM).",
        limits=(1, 30),
        default="4.5",
    ),
]
HaematocritOption = Annotated[
    float | None,
    _number(
        "--haematocrit",
        "--hematocrit",
        meaning="Share of cells in blood.",
        limits=(0.1, 0.7),
        default="0.42",
    ),
]


def dce_settings(
    dose: float | None, relaxivity: float | None, haematocrit: float | None
) -> DceSettings:
    """Settings of a DCE analysis; what was not given keeps its default."""
    from vasotype.perfusion import DceSettings

    usual = DceSettings()
    return DceSettings(
        relaxivity_per_s_mm=relaxivity or usual.relaxivity_per_s_mm,
        haematocrit=haematocrit or usual.haematocrit,
        dose_mmol_per_kg=dose or usual.dose_mmol_per_kg,
    )
