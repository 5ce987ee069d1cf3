"""mkdocs hook: fills pages from the package, so that they can't fall behind it."""

from collections.abc import Iterable
from typing import Any

from vasotype.findings import CATALOGUE, Severity

MARKER = "<!-- findings: {severity} -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace each findings marker by the table of that severity."""
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
