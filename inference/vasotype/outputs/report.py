"""``report.html``: one self-contained file that a reader of brain MRI can judge a result by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from vasotype.outputs import report_clinical as clinical_words
from vasotype.outputs import report_considerations
from vasotype.outputs import report_triage as triage_words
from vasotype.outputs import report_words as words
from vasotype.outputs.figures import Picture
from vasotype.outputs.report_guide import guide
from vasotype.outputs.report_page import render
from vasotype.outputs.report_pictures import (
    Scene,
    axial_strip,
    glass_brain,
    habitat_picture,
    lesion_pictures,
    lesion_views,
)
from vasotype.outputs.report_quality import quality_section
from vasotype.outputs.report_reasons import reason_chart, reason_sentences
from vasotype.phenotype.agreement import agreement
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
    network: str
    remarks: list[str]
    competing: str
    chart: Markup
    reasons: tuple[Sequence[str], Sequence[str]]
    maps: list[tuple[str, str]]
    pictures: tuple[Picture, ...]
    habitat: Picture | None


def write_report(analysis: Analysis, path: Path, *, considerations: bool = False) -> None:
    """Write the report of an analysis as one HTML file that needs no other.

    Pictures lie on the prepared grid in radiological convention. ``considerations`` adds what the
    review discusses for each leaning. Raises OSError when ``path`` can't be written.
    """
    html = render_report(analysis, considerations=considerations)
    path.write_text(html, encoding="utf-8")


def render_report(analysis: Analysis, *, considerations: bool = False) -> str:
    """The report's HTML."""
    result, scene = analysis.result, Scene.of(analysis)
    compass = words.Compass(analysis.prepared.mask, analysis.prepared.grid.affine)
    cards = [_card(scene, compass, lesion) for lesion in result.lesions]
    longest = max(result.lesions, key=lambda lesion: lesion.longest_diameter_mm, default=None)
    return render(
        "report.html.j2",
        result=result,
        cards=cards,
        longest=longest,
        used=analysis.prepared.channels,
        guide=guide(analysis.prepared.channels, result.missing),
        glass=glass_brain(scene),
        strip=axial_strip(scene),
        quality=quality_section(analysis),
        triage=result.triage,
        labels={lesion.id: lesion.phenotype.label for lesion in result.lesions},
        agreement=agreement([result]),
        considerations=report_considerations if considerations else None,
        triage_words=triage_words,
        clinical_words=clinical_words,
        position=words.position,
        diameters=words.diameters,
        reference_title=words.sequences([result.reference]),
    )


def _card(scene: Scene, compass: words.Compass, lesion: LesionRecord) -> Card:
    views = lesion_views(scene, lesion)
    leans = not lesion.phenotype.abstained
    return Card(
        record=lesion,
        location=compass.location(lesion.centroid_ras_mm),
        leaning=words.leaning(lesion.phenotype),
        support=words.support(lesion.phenotype),
        network=words.network_alone(lesion.phenotype),
        remarks=words.remarks(lesion),
        competing=clinical_words.competing(lesion.after_treatment),
        chart=Markup(reason_chart(lesion.phenotype.reasons)),
        reasons=_reasons(lesion),
        maps=clinical_words.map_values(lesion),
        pictures=lesion_pictures(scene, lesion.id, views),
        habitat=habitat_picture(scene, lesion.id, views[0]) if leans else None,
    )


def _reasons(lesion: LesionRecord) -> tuple[Sequence[str], Sequence[str]]:
    """What speaks for and against the label: to the fused model, else to the rules."""
    if lesion.phenotype.reasons:
        return reason_sentences(lesion.phenotype.reasons)
    rules = lesion.rule_reading
    return (rules.in_favour, rules.against) if rules else ((), ())
