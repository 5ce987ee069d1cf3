"""mkdocs hook: fills pages from the package, so that they can't fall behind it."""

from collections.abc import Iterable
from typing import Any

from vasotype.findings import CATALOGUE, Severity
from vasotype_models.registry import list_models

MARKER = "<!-- findings: {severity} -->"
CARD = "<!-- model card: {name} -->"
FIGURES = "<!-- model figures: {name} -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace each marker by the findings of a severity, a model's card or its figures."""
    for entry in list_models():
        for marker, file in ((CARD, "CARD.md"), (FIGURES, "FIGURES.md")):
            path = entry.folder / file
            text = path.read_text(encoding="utf-8") if path.is_file() else "None are recorded yet."
            markdown = markdown.replace(marker.format(name=entry.name), text)
    for severity in Severity:
        markdown = markdown.replace(MARKER.format(severity=severity), "\n".join(_table(severity)))
    return markdown


def _table(severity: Severity) -> Iterable[str]:
    yield "| code | what it says | what to do |"
    yield "| --- | --- | --- |"
    for code, kind in sorted(CATALOGUE.items()):
        if kind.severity is severity:
            cells = (f"`{code}`", kind.meaning, kind.remedy)
            yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
