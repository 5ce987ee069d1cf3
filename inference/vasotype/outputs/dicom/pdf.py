"""The report as a PDF: tables, pictures, research-use statement; the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from vasotype.outputs import report_words as words
from vasotype.outputs.dicom.pdf_pictures import PdfPicture
from vasotype.outputs.report_guide import guide
from vasotype.outputs.report_pictures import Scene, glass_brain, lesion_pictures, lesion_views
from vasotype.result import FindingRecord, LesionRecord

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN
VIEWS = 3
NAME = "vasotype report"
INK, MUTED, RULE = HexColor("#1c2833"), HexColor("#5a6772"), HexColor("#dde2e6")

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9, leading=12, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=7.5, leading=9.5)
NOTE = ParagraphStyle("note", SMALL, textColor=MUTED)
HEADING = ParagraphStyle("heading", BODY, fontSize=12, leading=16, spaceBefore=10, spaceAfter=4)
TITLE = ParagraphStyle("title", BODY, fontSize=17, leading=22)
LOUD = ParagraphStyle("loud", BODY, fontName="Helvetica-Bold", spaceBefore=4, spaceAfter=4)
LESION_COLUMNS = (
    "#", "mm from the middle of the brain", "Enhancing, mL", "Core, non-enh., mL", "Edema, mL",
    "Diameters, mm", "Enhancement", "Leaning", "Not excluded at 90 %",
)  # fmt: skip
LESION_WIDTHS = (0.05, 0.14, 0.1, 0.1, 0.09, 0.12, 0.12, 0.13, 0.15)


def report_pdf(analysis: Analysis) -> bytes:
    """The report of an analysis; what differs from run to run (date, times) is left out.

    So is the study's name, that of a folder: the object itself says whose study it is.
    """
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=NAME,
        author="vasotype",
        invariant=1,
    )
    story = [*_front(analysis), *_lesions(analysis), *_guide(analysis)]
    document.build(story, onFirstPage=_footer, onLaterPages=_footer)
    return buffer.getvalue()


def _footer(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont("Helvetica", 7)
    canvas.setFillColor(MUTED)
    canvas.drawString(MARGIN, 9 * mm, "UNVERIFIED. Research use only, not for diagnostic use.")
    canvas.drawRightString(A4[0] - MARGIN, 9 * mm, str(document.page))


def _front(analysis: Analysis) -> Iterator[Flowable]:
    result, scene = analysis.result, Scene.of(analysis)
    yield _text("vasotype · brain metastases on MRI", NOTE)
    yield _text(NAME, TITLE)
    yield _text(result.research_use, LOUD)
    yield _identity(analysis)
    yield _text("Overview", HEADING)
    if result.lesions:
        count = len(result.lesions)
        yield _text(
            f"{count} lesion{'s' if count > 1 else ''}: {words.leaning_counts(result.lesions)}. "
            f"Enhancing {words.ml(result.total_volume_ml.enhancing)} mL, non-enhancing core "
            f"{words.ml(result.total_volume_ml.non_enhancing_core)} mL, edema "
            f"{words.ml(result.total_volume_ml.edema)} mL.",
            BODY,
        )
    else:
        yield _text(
            "No lesion was found. That does not exclude metastases: small or faintly enhancing "
            "lesions may be missed.",
            LOUD,
        )
    yield Spacer(1, 6)
    yield _row([PdfPicture(picture, WIDTH / VIEWS - 6) for picture in glass_brain(scene)])
    if result.findings:
        yield _text("Findings about this study", HEADING)
        yield from (_finding(finding) for finding in result.findings)


def _identity(analysis: Analysis) -> Table:
    result = analysis.result
    rows = (
        ("Model", f"{result.model.name} {result.model.version}, sha256 {result.model.sha256}"),
        ("Software", f"vasotype {result.vasotype_version}"),
        ("Sequences used", words.sequences(analysis.prepared.channels)),
        ("Not available", words.sequences(result.missing) or "none"),
    )
    return Table(
        [[_text(name, NOTE), _text(value, SMALL)] for name, value in rows],
        colWidths=[0.18 * WIDTH, 0.82 * WIDTH],
        style=[("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1)],
    )


def _finding(finding: FindingRecord) -> Paragraph:
    return _text(f"{finding.severity}: {finding.message} ({finding.code})", SMALL)


def _lesions(analysis: Analysis) -> Iterator[Flowable]:
    result = analysis.result
    if not result.lesions:
        return
    yield _text("All lesions", HEADING)
    yield _lesion_table(analysis)
    yield _text("Lesion by lesion", HEADING)
    scene = Scene.of(analysis)
    for lesion in result.lesions:
        pictures = lesion_pictures(scene, lesion.id, lesion_views(scene, lesion))
        rows = [
            _row([PdfPicture(picture, WIDTH / VIEWS - 6) for picture in pictures[i : i + VIEWS]])
            for i in range(0, len(pictures), VIEWS)
        ]
        yield KeepTogether([_text(f"Lesion {lesion.id}", HEADING), *rows, *_reading(lesion)])


def _lesion_table(analysis: Analysis) -> Table:
    prepared, lesions = analysis.prepared, analysis.result.lesions
    compass = words.Compass(prepared.mask, prepared.grid.affine)
    head = [_text(title, NOTE) for title in LESION_COLUMNS]
    rows = [[_text(cell, SMALL) for cell in _cells(lesion, compass)] for lesion in lesions]
    return Table(
        [head, *rows],
        colWidths=[share * WIDTH for share in LESION_WIDTHS],
        repeatRows=1,
        style=[("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE), ("VALIGN", (0, 0), (-1, -1), "TOP")],
    )


def _cells(lesion: LesionRecord, compass: words.Compass) -> tuple[str, ...]:
    phenotype, volume = lesion.phenotype, lesion.volume_ml
    leaning = words.MODE_NAMES[phenotype.label] if phenotype.label else "abstained"
    return (
        str(lesion.id),
        compass.from_middle(lesion.centroid_ras_mm),
        words.ml(volume.enhancing),
        words.ml(volume.non_enhancing_core),
        words.ml(volume.edema),
        words.diameters(lesion),
        lesion.enhancement_pattern,
        leaning,
        phenotype.reason or "" if phenotype.abstained else words.open_modes(phenotype),
    )


def _reading(lesion: LesionRecord) -> Iterator[Paragraph]:
    sentences = (
        words.leaning(lesion.phenotype),
        words.support(lesion.phenotype),
        f"Suspicion of vasculogenic mimicry: {words.mimicry(lesion.phenotype.mimicry_suspicion)}",
        *words.remarks(lesion),
    )
    yield from (_text(sentence, SMALL) for sentence in sentences if sentence)


def _guide(analysis: Analysis) -> Iterator[Flowable]:
    yield _text("How to read this", HEADING)
    for sentence in guide(analysis.prepared.channels, analysis.result.missing):
        yield _text(f"· {sentence}", SMALL)


def _row(pictures: Sequence[PdfPicture]) -> Table:
    return Table([list(pictures)], colWidths=[WIDTH / VIEWS] * len(pictures), hAlign="LEFT")


def _text(words_: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(words_), style)
