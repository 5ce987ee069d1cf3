"""What a header says of a sequence: the facts that identification looks at, and no others.

Nothing about the patient is among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from vasotype.stages import AcquisitionFacts
from vasotype.study.dicom.tags import Tags, parse_moment

Facts = AcquisitionFacts
"""Their short name among headers."""


def read_facts(frames: Iterable[Tags]) -> Facts:
    """Facts of a stack from its frames' headers; single values are the first frame's."""
    tags = list(frames)
    first = tags[0]
    moments = [moment for frame in tags if (moment := acquisition_moment(frame))]
    b_values = [b for frame in tags if (b := b_value(frame)) is not None]
    return Facts(
        modality=first.text("Modality").upper(),
        description=first.text("SeriesDescription"),
        protocol=first.text("ProtocolName"),
        sequence_name=_sequence_name(first),
        body_part=first.text("BodyPartExamined"),
        image_type=image_type(first),
        scanning=_scanning(first),
        variant=first.words("SequenceVariant"),
        acquisition=first.text("MRAcquisitionType").upper(),
        tr_ms=_positive(first.number("RepetitionTime")),
        te_ms=echo_time(first),
        ti_ms=inversion_time(first),
        flip_deg=first.number("FlipAngle"),
        echo_train=first.number("EchoTrainLength"),
        field_t=_positive(first.number("MagneticFieldStrength")),
        b_value=max(b_values, default=None),
        slice_thickness_mm=_positive(first.number("SliceThickness")),
        samples=int(first.number("SamplesPerPixel") or 1),
        agent=_agent(first),
        dose_ml=_positive(_contrast(first).number("ContrastBolusVolume")),
        scanner=" ".join(
            filter(None, (first.text("Manufacturer"), first.text("ManufacturerModelName")))
        ),
        lossy=any(frame.text("LossyImageCompression") == "01" for frame in tags),
        acquired=min(moments, default=None),
        contrast_started=_contrast_start(first),
    )


def image_type(tags: Tags) -> tuple[str, ...]:
    """ImageType or FrameType from its third value on."""
    return (tags.words("FrameType") or tags.words("ImageType"))[2:]


def echo_time(tags: Tags) -> float | None:
    """Echo time, ms."""
    return _positive(_first(tags, "EffectiveEchoTime", "EchoTime"))


def inversion_time(tags: Tags) -> float | None:
    """Inversion time, ms."""
    return _positive(_first(tags, "InversionTimes", "InversionTime"))


def b_value(tags: Tags) -> float | None:
    """Diffusion weighting, s/mm2, also from the vendors' private elements."""
    public = tags.number("DiffusionBValue")
    if public is not None:
        return public
    siemens = _number(tags.private("SIEMENS MR HEADER", 0x0019, 0x0C))
    if siemens is not None:
        return siemens
    ge = _number(tags.private("GEMS_PARM_01", 0x0043, 0x39))
    if ge is not None and ge > 0:
        return ge % 1e9
    return _number(tags.private("Philips Imaging DD 001", 0x2001, 0x03))


def acquisition_moment(tags: Tags) -> datetime | None:
    """When the slice was acquired; SeriesTime, often the end, is the last resort."""
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        if moment := parse_moment(tags.text(keyword)):
            return moment
    for kind in ("Acquisition", "Content", "Series"):
        date = next(
            (d for d in (f"{kind}Date", "SeriesDate", "StudyDate") if tags.text(d)), "StudyDate"
        )
        if moment := tags.moment(date, f"{kind}Time"):
            return moment
    return None


def _sequence_name(tags: Tags) -> str:
    vendor = tags.private("SIEMENS MR SDI 02", 0x0021, 0x77) or tags.private(
        "GEMS_ACQU_01", 0x0019, 0x9C
    )
    names = tags.text("PulseSequenceName"), tags.text("SequenceName"), str(vendor or "")
    return " ".join(dict.fromkeys(filter(None, names)))


def _scanning(tags: Tags) -> tuple[str, ...]:
    words = list(tags.words("ScanningSequence"))
    words += {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}.get(
        tags.text("EchoPulseSequence").upper(), []
    )
    if tags.text("InversionRecovery").upper() == "YES":
        words.append("IR")
    if tags.text("EchoPlanarPulseSequence").upper() == "YES":
        words.append("EP")
    technique = str(tags.private("Philips Imaging DD 001", 0x2001, 0x20) or "").upper()
    kinds = {*words, *image_type(tags)}
    if "EPI" in technique:
        words.append("EP")
    if kinds & {"FFE", "M_FFE"} or "FFE" in technique or "TFE" in technique:
        words.append("GR")
    if kinds & {"M_SE"} or "TSE" in technique:
        words.append("SE")
    if kinds & {"M_IR"}:
        words += ["IR", "SE"]
    return tuple(dict.fromkeys(words))


def _agent(tags: Tags) -> str:
    if text := tags.text("ContrastBolusAgent"):
        return text
    sequence = tags.sequence("ContrastBolusAgentSequence") or tags.sequence(
        "ContrastBolusUsageSequence"
    )
    return "given, not named" if sequence else ""


def _contrast(tags: Tags) -> Tags:
    """Where the injection is described: an enhanced object keeps it in a sequence."""
    items = tags.sequence("ContrastBolusAgentSequence")
    return Tags(items[0]) if items else tags


def _contrast_start(tags: Tags) -> datetime | None:
    date = next((d for d in ("AcquisitionDate", "SeriesDate", "StudyDate") if tags.text(d)), "")
    return tags.moment(date, "ContrastBolusStartTime") if date else None


def _first(tags: Tags, *keywords: str) -> float | None:
    numbers = (tags.number(keyword) for keyword in keywords)
    return next((number for number in numbers if number is not None), None)


def _positive(number: float | None) -> float | None:
    return number if number is not None and number > 0 else None


def _number(value: object) -> float | None:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        value = value[0] if value else None
    try:
        return float(str(value))
    except ValueError:
        return None
