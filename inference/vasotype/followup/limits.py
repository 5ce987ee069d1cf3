"""Repeatability limits: how much a feature must change before a change is called one.

They are data (``limits.json``), each with its source; none was measured in brain metastases.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from vasotype.site_file import read_site_file

Direction = Literal["up", "down", "within limit"]
Pole = Literal["angiogenic", "co_option"]
"""The ends of the scale of modes."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FeatureLimit(_Data):
    """Limit of one biomarker: ``relative`` is a share of its earlier value.

    ``drives_mode`` marks the features that a change of mode must be carried by, and
    ``rises_towards`` the end of the scale of modes towards which a higher value points.
    """

    biomarker: str
    label: str
    relative: float = Field(gt=0)
    drives_mode: bool
    rises_towards: Pole
    source: str


class VolumeLimit(_Data):
    """Limit of a volume as a share of its earlier value, whatever its size."""

    relative: float = Field(gt=0)
    source: str


class Matching(_Data):
    """When lesions of two timepoints are one: shared voxels over the smaller lesion, or distance of
    centres, mm."""

    least_overlap: float = Field(gt=0, le=1)
    largest_distance_mm: float = Field(gt=0)
    source: str


class Limits(_Data):
    """All limits of a follow-up; ``boundary_error_mm`` is the error of the outline of tumor.

    Edema has a limit of its own: it is no solid ball, and its border is a matter of degree.
    ``viable_tumor`` holds a site's own thresholds, biomarker to least value, from which perfusion
    or PET supports viable tumor after radiotherapy. It ships empty: published ones overlap.
    """

    note: str
    boundary_error_mm: float = Field(gt=0)
    boundary_source: str
    edema: VolumeLimit
    features: tuple[FeatureLimit, ...] = Field(min_length=1)
    matching: Matching
    viable_tumor: dict[str, float] = {}
    viable_tumor_source: str = ""

    def volume(self, volume_ml: float) -> float:
        """Relative limit at a tumor volume, mL: 6 x boundary error / diameter of the equal ball."""
        diameter_mm = float(np.cbrt(6000 * volume_ml / np.pi))
        return 6 * self.boundary_error_mm / diameter_mm


def read_limits(path: Path | None = None) -> Limits:
    """Limits from a file, or those that ship with the package.

    Raises StudyError ``file-missing`` or ``config-invalid``.
    """
    if path is not None:
        return read_site_file(path, Limits)
    text = resources.files(__package__).joinpath("limits.json").read_text("utf-8")
    return Limits.model_validate_json(text)


def direction(before: float, after: float, relative: float) -> Direction:
    """Whether a value left the limit about the earlier one, and to which side."""
    change = after - before
    if abs(change) <= relative * abs(before):
        return "within limit"
    return "up" if change > 0 else "down"
