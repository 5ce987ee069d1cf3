"""What all pages share: where templates lie and how numbers are written in them."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from vasotype_models.contract import MODES

from vasotype.outputs import report_words as words
from vasotype.outputs.report_pictures import MODE_COLOURS


def render(template: str, **values: object) -> str:
    """HTML of a template; a name that it needs and that isn't given is an error."""
    environment = Environment(
        loader=PackageLoader("vasotype.outputs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(ml=words.ml, date=words.date)
    return environment.get_template(template).render(
        words=words, modes=MODES, colours=MODE_COLOURS, sequences=words.sequences, **values
    )
