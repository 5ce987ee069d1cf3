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
from vasotype.outputs.report_biomarkers import (
    BiomarkerTable,
    biomarker_name,
    biomarker_note,
    biomarker_value,
)
from vasotype.outputs.report_findings import for_reader
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
from vasotype.outputs.report_reasons import reason_chart, reason_sentences, unusual
from vasotype.phenotype.agreement import agreement
from vasotype.result import LesionRecord

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis


@dataclass(frozen=True)
class Card:
    """One lesion as the report shows it."""

    record: LesionRecord
    location: str
    from_middle: str
    leaning: str
    support: str
    network: str
    remarks: list[str]
    competing: str
    chart: Markup
    reasons: tuple[Sequence[str], Sequence[str]]
    unusual: bool
    by_rules: list[str]
    biomarkers: BiomarkerTable
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
        findings=for_reader(result.findings),
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
        diameters=words.diameters,
        biomarker_name=biomarker_name,
        biomarker_value=biomarker_value,
        biomarker_note=biomarker_note,
        reference_title=words.sequences([result.reference]),
    )


def _card(scene: Scene, compass: words.Compass, lesion: LesionRecord) -> Card:
    views = lesion_views(scene, lesion)
    phenotype, rules = lesion.phenotype, lesion.rule_reading
    leans = not phenotype.abstained
    return Card(
        record=lesion,
        location=compass.location(lesion.centroid_ras_mm),
        from_middle=compass.from_middle(lesion.centroid_ras_mm),
        leaning=words.leaning(phenotype),
        support=words.support(phenotype),
        network=words.network_alone(phenotype),
        remarks=words.remarks(lesion),
        competing=clinical_words.competing(lesion.after_treatment),
        chart=Markup(reason_chart(phenotype.reasons)),
        reasons=reason_sentences(phenotype),
        unusual=any(map(unusual, phenotype.reasons)),
        by_rules=words.rule_signs(rules, phenotype.label) if rules else [],
        biomarkers=BiomarkerTable.of(lesion.biomarkers),
        maps=clinical_words.map_values(lesion),
        pictures=lesion_pictures(scene, lesion.id, views),
        habitat=habitat_picture(scene, lesion.id, views[0]) if leans else None,
    )
