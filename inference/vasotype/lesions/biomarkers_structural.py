"""Biomarkers of routine MRI: enhancement, edema, rim and T1-bright tissue (FE-01 to FE-09).

Enhancement is T1c - T1, each in units of its own normal-appearing white matter, so that the two
need no common scale: 1 means that the signal rose by that of white matter.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vasotype.lesions.biomarkers_interface import border_widths, sphericity
from vasotype.lesions.biomarkers_region import Region, given, lacking, rate, rated
from vasotype.lesions.enhancement import MINIMAL_P95
from vasotype.perfusion.quality import LEAST_VOXELS
from vasotype.prepare.white_matter import WhiteMatter
from vasotype.result import BiomarkerRecord, ValueQuality
from vasotype.stages import Array

LOW_SHARE_OF_P95 = 0.25
ENTROPY_BIN = 0.1
"""Width of the histogram's bins, in units of white matter's signal. Ours."""
LEAST_CORE = 0.05
"""Mean enhancement of the core below which a ratio to it is noise. Ours."""

SIGNAL = "of white matter's T1"
Records = list[BiomarkerRecord]


def structural_biomarkers(region: Region, white: WhiteMatter, enhancement: Array | str) -> Records:
    """FE-01 to FE-09 of a lesion; ``enhancement`` [X, Y, Z], or the reason why there is none."""
    return [
        *_pattern(region),
        *_degree(region, enhancement),
        *_edema(region),
        *_rim(region, enhancement),
        *_interface(region, white),
        *_bright(region, white),
        _minimal(region, enhancement),
    ]


def _pattern(region: Region) -> Records:
    """Ring, nodular or minimal (FE-01)."""
    pattern = region.lesion.enhancement_pattern
    if pattern == "not assessable":
        return [lacking("FE-01", "enhancement_pattern", "", "T1 after contrast is missing")]
    return [given("FE-01", "enhancement_pattern", "", pattern)]


def _degree(region: Region, enhancement: Array | str) -> Records:
    """Degree (FE-02) and heterogeneity (FE-03) of the enhancement over the tumor."""
    kinds = (
        ("FE-02", "enhancement_mean", SIGNAL),
        ("FE-02", "enhancement_p95", SIGNAL),
        ("FE-03", "enhancement_cv", "1"),
        ("FE-03", "enhancement_entropy", "bit"),
        ("FE-03", "low_enhancement_fraction", "1"),
    )
    if isinstance(enhancement, str):
        return [lacking(*kind, enhancement) for kind in kinds]
    inside = enhancement[region.tumor].astype(np.float64)
    mean, p95 = float(inside.mean()), float(np.percentile(inside, 95))
    enhances = p95 >= MINIMAL_P95
    counts = np.unique(np.floor(inside / ENTROPY_BIN), return_counts=True)[1] / len(inside)
    values = (
        mean,
        p95,
        float(inside.std()) / mean if enhances and mean > 0 else None,
        float(-(counts * np.log2(counts)).sum()),
        float((inside < LOW_SHARE_OF_P95 * p95).mean()) if enhances else None,
    )
    quality, note = rate(region.samples(len(inside), "t1", "t1c"))
    minutes = region.facts.minutes_after_contrast
    time = "minutes after injection not known"
    if minutes is not None:
        time = f"{minutes:g} minutes after injection"
    records = []
    for kind, value in zip(kinds, values, strict=True):
        if value is None and quality != "none":
            records.append(lacking(*kind, "undefined where enhancement is minimal"))
        else:
            said = "; ".join(filter(None, (note, time if kind[0] == "FE-02" else None))) or None
            records.append(rated(*kind, value, (quality, said)))
    return records


def _edema(region: Region) -> Records:
    """Volume of the edema, and its ratio to the tumor (FE-04, FE-05)."""
    lesion = region.lesion
    kinds = (("FE-04", "edema_volume", "mL"), ("FE-05", "edema_ratio", "1"))
    adjusted = lacking(
        "FE-05",
        "edema_ratio_size_adjusted",
        "1",
        "the model stores no regression of the ratio on tumor volume",
    )
    if not {"flair", "t2"} & set(region.images):
        missing = "FLAIR and T2 are missing"
        return [*(lacking(*kind, missing) for kind in kinds), adjusted]
    tumor_ml = lesion.enhancing_ml + lesion.non_enhancing_core_ml
    note = (
        "confluent with another lesion's and split by the nearest" if lesion.edema_shared else None
    )
    quality: ValueQuality = "low" if note else "good"
    return [
        given(*kinds[0], lesion.edema_ml, quality, note),
        given(*kinds[1], lesion.edema_ml / tumor_ml, quality, note),
        adjusted,
    ]


def _rim(region: Region, enhancement: Array | str) -> Records:
    """Thickness of the enhancing rim, and its enhancement against the core's (FE-06)."""
    thickness, ratio = ("FE-06", "rim_thickness", "mm"), ("FE-06", "rim_to_core", "1")
    if region.lesion.enhancement_pattern != "ring":
        reason = "undefined: the lesion does not enhance as a ring"
        return [lacking(*thickness, reason), lacking(*ratio, reason)]
    surface = region.enhancing & ~ndimage.binary_erosion(region.tumor)
    to_core = ndimage.distance_transform_edt(~region.necrotic, sampling=region.grid.spacing_mm)
    records = [
        rated(
            *thickness,
            float(np.median(to_core[surface])),
            rate(region.samples(int(surface.sum()), "t1c")),
        )
    ]
    if isinstance(enhancement, str):
        return [*records, lacking(*ratio, enhancement)]
    core = float(enhancement[region.necrotic].mean())
    if core < LEAST_CORE:
        return [*records, lacking(*ratio, "undefined: the core does not enhance measurably")]
    rim = float(enhancement[region.enhancing].mean())
    fewest = min(int(region.necrotic.sum()), int(region.enhancing.sum()))
    worth = rate(region.samples(fewest, "t1", "t1c"))
    return [*records, rated(*ratio, rim / core, worth)]


def _interface(region: Region, white: WhiteMatter) -> Records:
    """Sharpness of the border on T1c, and roundness (FE-07)."""
    kinds = (("FE-07", "border_width", "mm"), ("FE-07", "border_width_iqr", "mm"))
    roundness = sphericity(region.tumor, region.grid)
    worth = rate(region.samples(int(region.tumor.sum()), "t1c"))
    round_ = rated("FE-07", "sphericity", "1", roundness, worth)
    if "t1c" not in region.images:
        missing = "T1 after contrast is missing"
        return [*(lacking(*kind, missing) for kind in kinds), round_]
    if white.t1c is None:
        return [*(lacking(*kind, white.reason or "") for kind in kinds), round_]
    contrast = MINIMAL_P95 * abs(white.t1c)
    widths, tried = border_widths(region, contrast)
    worth = rate(region.samples(len(widths), "t1c"), len(widths) / max(tried, 1))
    if len(widths) < LEAST_VOXELS:
        return [*(rated(*kind, None, worth) for kind in kinds), round_]
    low, middle, high = (float(v) for v in np.percentile(widths, (25, 50, 75)))
    return [rated(*kinds[0], middle, worth), rated(*kinds[1], high - low, worth), round_]


def _bright(region: Region, white: WhiteMatter) -> Records:
    """Tumor that is bright on T1 before contrast: blood or melanin (FE-08)."""
    kinds = (("FE-08", "t1_bright_volume", "mL"), ("FE-08", "t1_bright_fraction", "1"))
    if white.bright_t1 is None:
        reason = white.reason or "T1 before contrast is missing"
        return [lacking(*kind, reason) for kind in kinds]
    bright = int((region.images["t1"][region.tumor] > white.bright_t1).sum())
    voxels = int(region.tumor.sum())
    quality, note = rate(region.samples(voxels, "t1"))
    said = "; ".join(filter(None, (note, "blood or melanin; no T2*-weighted image confirms it")))
    values = bright * region.grid.voxel_ml, bright / voxels
    return [rated(*kind, value, (quality, said)) for kind, value in zip(kinds, values, strict=True)]


def _minimal(region: Region, enhancement: Array | str) -> BiomarkerRecord:
    """Whether the lesion hardly enhances (FE-09), on which its pattern (FE-01) rests as well."""
    kind = ("FE-09", "minimal_enhancement", "")
    pattern = region.lesion.enhancement_pattern
    if pattern == "not assessable":
        return lacking(*kind, "T1 after contrast is missing")
    minimal = pattern == "minimal"
    if isinstance(enhancement, str):
        return given(*kind, minimal, "low", f"not measured against white matter: {enhancement}")
    return given(*kind, minimal)
