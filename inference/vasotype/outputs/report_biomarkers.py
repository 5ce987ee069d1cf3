"""The report's table of biomarkers: names and values in words, and what could not be measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from vasotype.result import BiomarkerRecord

NAMES = {
    "enhancement_pattern": "pattern of enhancement",
    "enhancement_mean": "enhancement, mean",
    "enhancement_p95": "enhancement, 95th percentile",
    "enhancement_cv": "enhancement, coefficient of variation",
    "enhancement_entropy": "enhancement, entropy",
    "enhancement_patchiness": "enhancement, patchiness",
    "enhancement_rim": "enhancement in the rim",
    "enhancement_front": "enhancement in the 5 mm around it",
    "low_enhancement_fraction": "share that hardly enhances",
    "half_enhancement_fraction": "share that enhances less than half as much as its brightest",
    "minimal_enhancement": "minimal enhancement",
    "edema_volume": "edema",
    "edema_ratio": "edema to tumor",
    "edema_ratio_size_adjusted": "edema to tumor, logarithm against tumors of its size",
    "rim_thickness": "thickness of the rim",
    "rim_to_core": "enhancement, rim to core",
    "border_width": "border width, median",
    "border_width_iqr": "border width, interquartile range",
    "sphericity": "roundness (sphericity)",
    "t1_bright_volume": "volume bright on T1 before contrast",
    "t1_bright_fraction": "share bright on T1 before contrast",
    "leakage_k2": "leakage K2",
    "ktrans_patchiness": "Ktrans, patchiness",
    "ktrans_below_0.02_fraction": "share with Ktrans below 0.02 per min",
    "ktrans_0.02_to_0.10_fraction": "share with Ktrans of 0.02 to 0.10 per min",
    "ktrans_above_0.10_fraction": "share with Ktrans above 0.10 per min",
    "along_tracts": "spread along white matter tracts",
    "distance_to_grey_white_border": "distance to the border of grey and white matter",
    "fluid_share_of_core": "share of the core that looks like fluid",
    "fluid_volume": "volume that looks like fluid",
    "wall_thickness": "thickness of the wall around fluid",
    "wall_enhancement": "enhancement of the wall around fluid",
    "surrounding_flair_volume": "FLAIR-bright volume around fluid",
}
QUANTITIES = {"rcbv": "rCBV", "ktrans": "Ktrans", "vp": "vp", "ve": "ve", "ps": "PS", "tbr": "TBR"}
"""What maps measure; their names are put together from quantity, place and statistic."""
PLACES = {"rim": " in the rim", "core": " in the core", "edema": " in the edema",
          "front": " in the 5 mm around it", "tumor": ""}  # fmt: skip
STATISTICS = {"mean": ", mean", "max": ", highest", "p50": ", median", "volume": ", active volume",
              "uncorrected": " before leakage correction"}  # fmt: skip
_PARTS = re.compile(r"(rcbv|ktrans|vp|ve|ps|tbr)(?:_(rim|core|edema|front|tumor))?(?:_(\w+))?")
_SHARE = re.compile(r"_fraction$|^fluid_share")
_BRIGHT, _BRIGHT_NOTE = "FE-08", "blood or melanin"


@dataclass(frozen=True)
class BiomarkerTable:
    """What was measured in a lesion, and in few words what was not.

    ``absent`` gives for each reason the biomarkers that it left without a value.
    """

    measured: tuple[BiomarkerRecord, ...]
    absent: dict[str, str]
    absent_count: int

    @classmethod
    def of(cls, biomarkers: Iterable[BiomarkerRecord]) -> BiomarkerTable:
        """The table of a lesion's biomarkers."""
        every = tuple(biomarkers)
        missing = [b for b in every if not b.available]
        reasons: dict[str, list[str]] = {}
        for item in missing:
            reasons.setdefault(item.note or "not measured", []).append(_quantity(item))
        absent = {reason: _counted(names) for reason, names in reasons.items()}
        return cls(tuple(b for b in every if b.available), absent, len(missing))


def biomarker_name(biomarker: BiomarkerRecord) -> str:
    """Name of a biomarker in words, e.g. ``Ktrans in the rim, median``."""
    if biomarker.name in NAMES:
        return NAMES[biomarker.name]
    parts = _PARTS.fullmatch(biomarker.name)
    if parts is None:
        return biomarker.name.replace("_", " ")
    quantity, place, statistic = parts.groups()
    named = STATISTICS.get(statistic or "", "")
    if statistic and not named:
        named = re.sub(r"^, p(\d+)$", r", \1th percentile", f", {statistic}")
    return f"{QUANTITIES[quantity]}{PLACES.get(place, '')}{named}"


def biomarker_value(biomarker: BiomarkerRecord) -> str:
    """Value with its unit, a share in percent; a dash where there is none."""
    match biomarker.value:
        case None:
            return "–"
        case bool():
            return "yes" if biomarker.value else "no"
        case str():
            return biomarker.value
    if _SHARE.search(biomarker.name):
        return f"{100 * biomarker.value:.0f} %"
    unit = "" if biomarker.unit == "1" else f" {biomarker.unit}"
    return f"{biomarker.value:.3g}{unit}"


def biomarker_note(biomarker: BiomarkerRecord) -> str:
    """What to keep in mind; that bright tissue may be blood only where there is some."""
    note = biomarker.note or ""
    if biomarker.id == _BRIGHT and not biomarker.value:
        return note.partition(_BRIGHT_NOTE)[0].rstrip("; ")
    return note


def _quantity(biomarker: BiomarkerRecord) -> str:
    """What a biomarker measures, its place and statistic left out where a map gives several."""
    quantity = biomarker.name.partition("_")[0]
    return QUANTITIES.get(quantity) or biomarker_name(biomarker)


def _counted(names: Iterable[str]) -> str:
    """E.g. ``rCBV (8 values), spread along white matter tracts``."""
    return ", ".join(
        f"{name} ({count} values)" if count > 1 else name for name, count in Counter(names).items()
    )
