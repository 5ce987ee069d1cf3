"""What a result was made with, as digests: alike, the same would come out again."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """sha256 of each thing that a result depends on beside its study and the package's version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="of the contract, which names the network by its own sha256")
    calibration: str
    rules: str
    protocol: str
    options: str = Field(description="of what to write, further files and all else that was asked")


def digest(value: object) -> str:
    """sha256 of a value as it prints: a file laid out anew reads the same and keeps its digest."""
    return hashlib.sha256(repr(value).encode()).hexdigest()
