"""What a result was made with, as digests: alike, the same would come out again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """sha256 of each thing that a result depends on beside the package's version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="of the contract, which names the network by its own sha256")
    calibration: str
    rules: str
    protocol: str
    options: str = Field(description="of what to write, further files and all else that was asked")
    files: str | None = Field(
        default=None,
        description="of the names and sizes of the study's files; none: not read from a folder",
    )


def digest(value: object) -> str:
    """sha256 of a value as it prints: a file laid out anew reads the same and keeps its digest."""
    return hashlib.sha256(repr(value).encode()).hexdigest()


def digest_of_files(place: Path) -> str:
    """sha256 of the names and sizes of a study's files, which are not read.

    ``place`` is a folder or a single file. Hidden files don't count, nor do results that lie in
    the folder. Moving or copying a study leaves the digest as it is.
    """
    files = sorted(path for path in place.rglob("*") if path.is_file()) or [place]
    results = {path.parent for path in files if path.name == "result.json"}
    listed = [
        (path.relative_to(place).as_posix(), path.stat().st_size)
        for path in files
        if not path.name.startswith(".") and not results & set(path.parents)
    ]
    return digest(listed)
