"""Identifiers and dates that follow from content: a repeat makes the same objects, byte by byte."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydicom.dataset import Dataset
from pydicom.uid import UID

from vasotype.study.dicom.facts import acquisition_moment
from vasotype.study.dicom.tags import Tags

NAMESPACE = uuid.UUID("e2ad1476-e29b-42d4-9a99-8c1d01e8f389")
"""Of all identifiers that we derive (ours, arbitrary)."""
UNDATED = datetime(1900, 1, 1)
"""Stands in where a de-identified source has no date at all."""

_DATED = ("InstanceCreation", "Content", "Series", "StructureSet")


@dataclass(frozen=True)
class Identity:
    """``key`` is a digest of all that content depends on; ``moment`` dates every object."""

    key: str
    moment: datetime

    def uid(self, role: str) -> UID:
        """The identifier of one role, the same for the same key."""
        return UID(f"2.25.{uuid.uuid5(NAMESPACE, f'{self.key}/{role}').int}")

    def stamp(self, dataset: Dataset) -> None:
        """Put dates and identifiers of our own in the place of those made up on writing."""
        date, time = self.moment.strftime("%Y%m%d"), self.moment.strftime("%H%M%S")
        for kind in _DATED:
            if f"{kind}Date" in dataset:
                setattr(dataset, f"{kind}Date", date)
                setattr(dataset, f"{kind}Time", time)
        for equipment in dataset.get("ContributingEquipmentSequence", ()):
            equipment.ContributionDateTime = date + time
        organization = self.uid(f"{dataset.SOPInstanceUID}/dimensions")
        for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
            for item in dataset.get(sequence, ()):
                item.DimensionOrganizationUID = organization


def digest(parts: Iterable[bytes]) -> str:
    """SHA-256 over parts, each with its length."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()


def moment_of(header: Dataset) -> datetime:
    """Date of the results: ``SOURCE_DATE_EPOCH`` where it is set, else of the source's slices."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), UTC)
    moment = acquisition_moment(Tags(header)) or UNDATED
    return moment.replace(microsecond=0)
