"""What the JSON sidecar beside an image says of its acquisition (BIDS keys, as dcm2niix writes).

It may name the patient; what is taken from it does not.
Everything in it is optional, and a sidecar that can't be read says nothing: an image needs none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from vasotype.stages import AcquisitionFacts
from vasotype.study.identity import read_identity
from vasotype.study.naming import stem

LARGEST_BYTES = 4 * 1024**2
"""A sidecar has some kB; those of dynamic series list a time a volume."""


def read_facts(path: Path) -> AcquisitionFacts:
    """Facts of the image ``path`` from the ``.json`` of the same name; empty where there is none.

    BIDS gives times in s; facts hold ms.
    """
    sidecar = _Sidecar(_load(path))
    facts = AcquisitionFacts(
        modality=sidecar.text("Modality") or "MR",
        description=sidecar.text("SeriesDescription"),
        protocol=sidecar.text("ProtocolName"),
        sequence_name=sidecar.text("PulseSequenceName") or sidecar.text("SequenceName"),
        body_part=sidecar.text("BodyPartExamined"),
        image_type=sidecar.words("ImageType")[2:],
        scanning=sidecar.words("ScanningSequence"),
        variant=sidecar.words("SequenceVariant"),
        acquisition=sidecar.text("MRAcquisitionType").upper(),
        tr_ms=sidecar.milliseconds("RepetitionTimeExcitation", "RepetitionTime"),
        te_ms=sidecar.milliseconds("EchoTime"),
        ti_ms=sidecar.milliseconds("InversionTime"),
        flip_deg=sidecar.number("FlipAngle"),
        echo_train=sidecar.number("EchoTrainLength"),
        field_t=sidecar.number("MagneticFieldStrength"),
        slice_thickness_mm=sidecar.number("SliceThickness"),
        agent=sidecar.text("ContrastBolusIngredient") or sidecar.text("ContrastBolusAgent"),
        dose_ml=sidecar.number("ContrastBolusVolume"),
        scanner=" ".join(
            filter(None, map(sidecar.text, ("Manufacturer", "ManufacturersModelName")))
        ),
        acquired=sidecar.moment("AcquisitionDateTime", "AcquisitionTime"),
    )
    return read_identity([sidecar]).withhold(facts)


def _load(path: Path) -> Mapping[str, Any]:
    beside = path.with_name(f"{stem(path.name)}.json")
    try:
        if beside.stat().st_size > LARGEST_BYTES:
            return {}
        content = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


class _Sidecar:
    """Typed, forgiving access to a sidecar."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def text(self, key: str) -> str:
        value = self._content.get(key)
        return " ".join(value.split()) if isinstance(value, str) else ""

    def words(self, key: str) -> tuple[str, ...]:
        value = self._content.get(key)
        if isinstance(value, str):  # dcm2niix joins values as DICOM does
            value = value.replace("\\", "_").split("_") if key == "ScanningSequence" else [value]
        if isinstance(value, int):  # an identifier of digits only
            value = [value]
        if not isinstance(value, list):
            return ()
        return tuple(str(word).strip().upper() for word in value)

    def number(self, key: str) -> float | None:
        """A finite positive number."""
        value = self._content.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) and number > 0 else None

    def milliseconds(self, *keys: str) -> float | None:
        """The first of the times, given in s."""
        seconds = next((n for key in keys if (n := self.number(key)) is not None), None)
        return None if seconds is None else round(1000 * seconds, 4)

    def moment(self, *keys: str) -> datetime | None:
        """The first date and time; a time alone is read as of the year 1900."""
        for key in keys:
            text = self.text(key)
            try:
                return datetime.fromisoformat(text if "T" in text else f"1900-01-01T{text}")
            except ValueError:
                continue
        return None
