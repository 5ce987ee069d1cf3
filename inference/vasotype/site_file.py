"""JSON files of a site that take the place of those that ship: rules, protocol, limits."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from vasotype.findings import StudyError

Form = TypeVar("Form", bound=BaseModel)


def read_site_file(path: Path, form: type[Form]) -> Form:
    """What a file of this form holds.

    Raises StudyError ``file-missing`` or ``config-invalid``; the message names file and key.
    """
    try:
        return form.model_validate_json(path.read_text("utf-8"))
    except OSError as error:
        raise StudyError("file-missing", f"{path.name}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        place = ".".join(str(part) for part in first["loc"])
        message = ": ".join(part for part in (path.name, place, said) if part)
        raise StudyError("config-invalid", message) from error
    except UnicodeDecodeError as error:
        raise StudyError("config-invalid", f"{path.name}: not UTF-8 text") from error
