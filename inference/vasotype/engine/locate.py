"""Where a model lies."""

from __future__ import annotations

from pathlib import Path

from vasotype_models.registry import resolve

from vasotype.findings import StudyError


def find_model(name_or_folder: str | Path) -> Path:
    """Folder of a model that is known by name, or given as a folder.

    Raises StudyError ``model-unknown``, which names the known models, when it is neither.
    """
    try:
        return resolve(name_or_folder)
    except LookupError as error:
        raise StudyError("model-unknown", str(error)) from error
