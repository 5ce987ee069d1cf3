"""Pictures of what went wrong: the largest missed lesions, and what was found where nothing is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import jinja2
import numpy as np
from vasotype.outputs.figures import (
    AXIAL,
    Drawing,
    Picture,
    Window,
    data_uri,
    enlarge,
    grey,
    grey_window,
    outline,
)
from vasotype.prepare import resample
from vasotype.stages import Grid, Study

from vasotype_training.cohorts import LabelledStudy
from vasotype_training.evaluate.components import region
from vasotype_training.evaluate.detection import Place
from vasotype_training.evaluate.predictions import Prediction
from vasotype_training.evaluate.score import StudyScore, one_mm_grid

PICTURES = 12
"""Of each kind."""
FIELD_MM = 64
PIXELS = 256
SHOWN = ("t1", "t1c", "t2", "flair")
PERCENTILES = (1.0, 99.6)


@dataclass(frozen=True)
class Mistake:
    """A missed lesion, or (``diameter_mm`` None) a false positive, of a study of a cohort."""

    folder: Path
    study: str
    place: Place
    diameter_mm: float | None


def mistakes(folder: Path, score: StudyScore) -> list[Mistake]:
    """All mistakes of one study."""
    missed = [
        Mistake(folder, score.study, lesion.place, lesion.diameter_mm)
        for lesion in score.lesions
        if not lesion.found
    ]
    return missed + [Mistake(folder, score.study, stray.place, None) for stray in score.strays]


def worst(found: Sequence[Mistake]) -> list[Mistake]:
    """The largest missed lesions, and false positives of as many studies as possible."""
    missed = [m for m in found if m.diameter_mm is not None]
    missed.sort(key=lambda m: m.diameter_mm or 0, reverse=True)
    strays: dict[str, list[Mistake]] = defaultdict(list)
    for mistake in found:
        if mistake.diameter_mm is None:
            strays[mistake.study].append(mistake)
    rounds = zip_longest(*strays.values())
    in_turn = [mistake for turn in rounds for mistake in turn if mistake is not None]
    return missed[:PICTURES] + in_turn[:PICTURES]


@dataclass(frozen=True)
class Panel:
    """One mistake in every sequence."""

    title: str
    pictures: tuple[Picture, ...]


def panel(mistake: Mistake, labelled: LabelledStudy, prediction: Prediction) -> Panel:
    """Axial pictures of a mistake with the true and the predicted core outlined."""
    reference = labelled.on_grid(one_mm_grid(labelled.grid))
    answer = resample(prediction.tissue, prediction.grid, reference.grid, order=0)
    window = Window.around(AXIAL, np.array(mistake.place, np.float64), FIELD_MM)
    level = mistake.place[2]
    lines = {
        name: outline(window.slice(region(labels, "tc"), level))
        for name, labels in (("truth", reference.tissue), ("predicted", answer))
    }
    drawing = Drawing(AXIAL, FIELD_MM, FIELD_MM, {k: v for k, v in lines.items() if v})
    what = "found where there is none"
    if mistake.diameter_mm is not None:
        what = f"missed, {mistake.diameter_mm:.0f} mm"
    return Panel(
        f"{mistake.study}: {what}",
        tuple(_pictures(labelled.study, reference.grid, window, level, drawing)),
    )


def _pictures(
    study: Study, grid: Grid, window: Window, level: int, drawing: Drawing
) -> Iterable[Picture]:
    for channel in SHOWN:
        if channel not in study.volumes:
            continue
        volume = study.volumes[channel]
        values = resample(volume.data, volume.grid, grid)
        limits = grey_window(values, values != 0, PERCENTILES)
        pixels = enlarge(grey(window.slice(values, level), limits), PIXELS)
        yield Picture(data_uri(pixels), f"{channel}, axial", channel, drawing)


def write_page(panels: Sequence[Panel], title: str, path: Path) -> None:
    """Write all panels as one self-contained page."""
    loader = jinja2.PackageLoader("vasotype_training.evaluate", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True)
    page = environment.get_template("worst.html.j2").render(title=title, panels=panels)
    path.write_text(page, encoding="utf-8")
