"""``report.html``: one self-contained file that a reader of brain MRI can judge a result by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from vasotype_models.contract import MODES

from vasotype.outputs import report_words as words
from vasotype.outputs.figures import Picture
from vasotype.outputs.report_pictures import (
    MODE_COLOURS,
    Scene,
    axial_strip,
    glass_brain,
    habitat_picture,
    lesion_pictures,
    lesion_views,
)
from vasotype.result import LesionRecord

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis


@dataclass(frozen=True)
class Card:
    """One lesion as the report shows it."""

    record: LesionRecord
    location: str
    leaning: str
    support: str
    remarks: list[str]
    pictures: tuple[Picture, ...]
    habitat: Picture | None


def write_report(analysis: Analysis, path: Path) -> None:
    """Write the report of an analysis as one HTML file that needs no other.

    Pictures lie on the prepared grid in radiological convention. Raises OSError when ``path``
    can't be written.
    """
    path.write_text(render_report(analysis), encoding="utf-8")


def render_report(analysis: Analysis) -> str:
    """The report's HTML."""
    result, scene = analysis.result, Scene.of(analysis)
    compass = words.Compass(analysis.prepared.mask, analysis.prepared.grid.affine)
    cards = [_card(scene, compass, lesion) for lesion in result.lesions]
    longest = max(result.lesions, key=lambda lesion: lesion.longest_diameter_mm, default=None)
    environment = Environment(
        loader=PackageLoader("vasotype.outputs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(ml=words.ml, date=words.date)
    return environment.get_template("report.html.j2").render(
        result=result,
        cards=cards,
        longest=longest,
        used=analysis.prepared.channels,
        glass=glass_brain(scene),
        strip=axial_strip(scene),
        words=words,
        sequences=words.sequences,
        position=words.position,
        diameters=words.diameters,
        reference_title=words.sequences([result.reference]),
        modes=MODES,
        colours=MODE_COLOURS,
    )


def _card(scene: Scene, compass: words.Compass, lesion: LesionRecord) -> Card:
    views = lesion_views(scene, lesion)
    leans = not lesion.phenotype.abstained
    return Card(
        record=lesion,
        location=compass.location(lesion.centroid_ras_mm),
        leaning=words.leaning(lesion.phenotype),
        support=words.support(lesion.phenotype),
        remarks=words.remarks(lesion),
        pictures=lesion_pictures(scene, lesion.id, views),
        habitat=habitat_picture(scene, lesion.id, views[0]) if leans else None,
    )
