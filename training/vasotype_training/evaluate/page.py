"""The summary of an evaluation as one self-contained page: tables and plots beside the bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from vasotype_training.evaluate.figures import Figures
from vasotype_training.evaluate.outlines import Reliability
from vasotype_training.evaluate.plots import (
    dot_plot,
    legend,
    reliability_plots,
    tissue_legend,
)
from vasotype_training.evaluate.tables import Table


def write_summary(
    tables: Sequence[Table],
    reliability: Mapping[str, Sequence[Reliability]],
    evaluations: Sequence[Figures],
    path: Path,
) -> None:
    """Write the tables that hold a figure, each with its plot, and the reliability diagrams."""
    loader = jinja2.PackageLoader("vasotype_training.evaluate", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True)
    shown = [
        {"table": table, "plot": Markup(dot_plot(table)), "legend": Markup(legend(table))}
        for table in (table.shown() for table in tables if table.measured)
    ]
    page = environment.get_template("summary.html.j2").render(
        first=evaluations[0],
        evaluations=evaluations,
        shown=shown,
        reliability=Markup(reliability_plots(reliability)),
        tissues=Markup(tissue_legend()),
    )
    path.write_text(page, encoding="utf-8")
