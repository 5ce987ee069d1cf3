"""What lies in a study's result folder already, and whether the same would come out again."""

from __future__ import annotations

from pathlib import Path

from vasotype import __version__
from vasotype.clinical import Clinical, read_participants
from vasotype.findings import StudyError
from vasotype.result import Result
from vasotype.settings import Settings, digest_of_files
from vasotype.study import read_study

WORDS = {
    "model": "another model",
    "calibration": "another calibration",
    "rules": "other rules",
    "protocol": "another protocol",
    "options": "other options",
}
"""What is said of each setting that differs."""


def earlier_result(folder: Path) -> Result | None:
    """The result that a folder holds; None where there is none that can be read."""
    try:
        return Result.read(folder)
    except (OSError, ValueError):
        return None


def made_otherwise(earlier: Result, study: Path, settings: Settings) -> list[str]:
    """What an earlier result of ``study`` was made with that is not so now, in words.

    Raises StudyError where the study has to be read to tell and can't be.
    """
    said = []
    if earlier.vasotype_version != __version__:
        said.append(f"version {earlier.vasotype_version}")
    if earlier.settings is None:
        return [*said, "settings that it doesn't tell"]
    said += [
        words
        for name, words in WORDS.items()
        if getattr(earlier.settings, name) != getattr(settings, name)
    ]
    if earlier.settings.files not in (None, digest_of_files(study)):
        said.append("other files")
    if earlier.clinical != _facts(study):
        said.append("other clinical facts")
    return said


def _facts(study: Path) -> Clinical | None:
    """The clinical facts that an analysis would find now."""
    try:
        return read_participants(study)
    except StudyError:  # dates may count from the scan's own, which its images tell
        return read_study(study).clinical
