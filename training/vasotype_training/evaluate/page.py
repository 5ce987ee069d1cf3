"""The summary of an evaluation as one self-contained page: tables and plots beside the bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from vasotype_training.evaluate.figures import Figures
from vasotype_training.evaluate.froc import Froc
from vasotype_training.evaluate.outlines import Reliability
from vasotype_training.evaluate.plots import (
    TISSUES,
    colour_legend,
    dot_plot,
    froc_plot,
    legend,
    reliability_plots,
)
from vasotype_training.evaluate.tables import Table


def write_summary(
    tables: Sequence[Table],
    reliability: Mapping[str, Sequence[Reliability]],
    curves: Mapping[str, Froc],
    evaluations: Sequence[Figures],
    path: Path,
) -> None:
    """Write the tables that hold a figure, each with its plot, then the curves of detection and of
    reliability by cohort.
    """
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
        tissues=Markup(colour_legend(TISSUES)),
        froc=Markup(froc_plot(curves)) if curves else "",
        cohorts=Markup(colour_legend(curves)),
    )
    path.write_text(page, encoding="utf-8")
