"""A report's pictures on a PDF page: pixels as JPEG, outlines and marks as vectors."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject
from reportlab.platypus import Flowable

from vasotype.outputs.figures import Drawing, Picture

COLOURS: Mapping[str, Color] = {
    "enhancing": HexColor("#ff9a2e"),
    "necrosis": HexColor("#4fa8ff"),
    "edema": HexColor("#e8f5c8"),
    "brain": HexColor("#9aa5ae"),
}
"""Of the outlines, as in the HTML report."""
LINE_PT, MARK_PT = 0.8, 7.0
CAPTION_PT = 10.0
_STEP = re.compile(r"([MQZ])([^MQZ]*)")


class PdfPicture(Flowable):
    """One picture, ``width`` points wide, its caption below."""

    def __init__(self, picture: Picture, width: float) -> None:
        super().__init__()
        self.picture = picture
        self.scale = width / picture.drawing.width_mm
        self.width = width
        self.inside = picture.drawing.height_mm * self.scale
        self.height = self.inside + (CAPTION_PT if picture.caption else 0.0)

    def draw(self) -> None:
        """Draw at the origin of the canvas that reportlab has set."""
        canvas, drawing = self.canv, self.picture.drawing
        base = self.height - self.inside
        pixels = base64.b64decode(self.picture.source.partition(",")[2])
        canvas.drawImage(ImageReader(io.BytesIO(pixels)), 0, base, self.width, self.inside)
        canvas.saveState()
        canvas.translate(0, self.height)
        canvas.scale(self.scale, -self.scale)  # mm from the upper left corner, as in Drawing
        canvas.setLineWidth(LINE_PT / self.scale)
        _draw_lines(canvas, drawing)
        canvas.restoreState()
        self._draw_words(canvas, drawing, base)

    def _draw_words(self, canvas: Canvas, drawing: Drawing, base: float) -> None:
        canvas.setFont("Helvetica", MARK_PT)
        canvas.setFillColor(HexColor("#ffffff") if drawing.scale_bar_mm else HexColor("#5a6772"))
        left, right, top, bottom = drawing.plane.marks
        middle = base + self.inside / 2
        canvas.drawString(2, middle - 2, left)
        canvas.drawRightString(self.width - 2, middle - 2, right)
        canvas.drawCentredString(self.width / 2, self.height - MARK_PT, top)
        canvas.drawCentredString(self.width / 2, base + 2, bottom)
        if drawing.scale_bar_mm:
            canvas.drawString(4, base + 6, f"{drawing.scale_bar_mm} mm")
        for tag in drawing.tags:
            canvas.drawCentredString(
                tag.x * self.scale, self.height - tag.y * self.scale - 2, str(tag.id)
            )
        if self.picture.caption:
            canvas.setFillColor(HexColor("#5a6772"))
            canvas.drawString(0, 2, self.picture.caption)


def _draw_lines(canvas: Canvas, drawing: Drawing) -> None:
    for tissue, data in drawing.outlines.items():
        canvas.setStrokeColor(COLOURS[tissue])
        path = canvas.beginPath()
        for step in _steps(data):
            _follow(path, *step)
        canvas.drawPath(path)
    canvas.setStrokeColor(HexColor("#ffffff"))
    if line := drawing.diameter:
        canvas.setDash(1.0, 1.0)
        canvas.line(line.x1, line.y1, line.x2, line.y2)
        canvas.setDash()
    if drawing.scale_bar_mm:
        level = drawing.height_mm - 1.5
        canvas.line(2, level, 2 + drawing.scale_bar_mm, level)


def _steps(data: str) -> Iterator[tuple[str, list[float], tuple[float, float]]]:
    """Command, its numbers, and the point where it starts, of SVG path data (M, Q, Z)."""
    here = 0.0, 0.0
    for command, text in _STEP.findall(data):
        numbers = [float(word) for word in text.split()]
        yield command, numbers, here
        if numbers:
            here = numbers[-2], numbers[-1]


def _follow(
    path: PDFPathObject, command: str, numbers: list[float], here: tuple[float, float]
) -> None:
    match command, numbers:
        case "M", [x, y]:
            path.moveTo(x, y)
        case "Q", [a, b, x, y]:  # a cubic curve of the same shape; PDF has no quadratic ones
            path.curveTo(
                (here[0] + 2 * a) / 3, (here[1] + 2 * b) / 3, (x + 2 * a) / 3, (y + 2 * b) / 3, x, y
            )
        case "Z", []:
            path.close()
