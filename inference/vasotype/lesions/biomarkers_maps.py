"""Biomarkers of quantitative maps: blood volume, permeability, niches, PET (FE-10 to FE-16)."""

from __future__ import annotations

import numpy as np

from vasotype.lesions.biomarkers_region import Region, given, lacking, rate, rated
from vasotype.perfusion.quality import (
    LEAST_SHARE,
    SURE_REFERENCE,
    has_unsure_scale,
    main_doubt,
    main_flaw,
)
from vasotype.result import BiomarkerRecord, ValueQuality
from vasotype.stages import Array, Mask

LOW_KTRANS, HIGH_KTRANS = 0.02, 0.10
"""Ktrans, per min, that parts a tight, a partly open and an open barrier (FE-14)."""
PATCH_MM, LEAST_MIXED = 4.0, 0.05
"""Distance at which patchiness is read, and the chance of two places to differ below which there
is nothing to arrange. Ours."""
LEAST_PET_MM = 10.0
"""Below this diameter no ratio is given: the scanner's blur lowers it (Unterrainer 2017)."""
METABOLIC_TBR = 1.6
"""Ratio from which tissue counts as metabolically active; published for FET."""
_SMALL_REFERENCE = f"relative to fewer than {SURE_REFERENCE} voxels of normal white matter"
_NOTHING_MEASURED = "T1 and the arterial input are both assumed, so its scale is rough"
UNSURE_SCALE = {
    **dict.fromkeys(("rcbv", "rcbv_uncorrected"), _SMALL_REFERENCE),
    **dict.fromkeys(("ktrans", "vp", "ve"), _NOTHING_MEASURED),
}
"""Why the scale of a map may be unsure, which makes its values of low quality."""

Records = list[BiomarkerRecord]
Worth = tuple[ValueQuality, str | None]
RATIO, PER_MIN = "of white matter", "1/min"


def map_biomarkers(region: Region, enhancement: Array | str) -> Records:
    """FE-10 to FE-16 of a lesion, each without a value where its map is missing.

    Voxels that hold exactly 0, or NaN, have no value: so maps mark them. Negative values are noise
    as positive ones are, and count.
    """
    return [
        *_blood_volume(region),
        *_permeability(region),
        *_exchange(region),
        *_barrier(region),
        *_niches(region, enhancement),
        *_pet(region),
    ]


def _blood_volume(region: Region) -> Records:
    percentiles = {"mean": None, "p50": 50, "p75": 75, "p90": 90, "p95": 95, "max": 98}
    records = [
        _value(region, "rcbv", region.tumor, ("FE-10", f"rcbv_{name}", RATIO), percentile)
        for name, percentile in percentiles.items()
    ]
    kinds = (
        ("rcbv_uncorrected", ("FE-10", "rcbv_uncorrected", RATIO)),
        ("k2", ("FE-10", "leakage_k2", "1/s")),
    )
    reason = "it needs a DSC series; a map alone doesn't tell"
    for channel, kind in kinds:
        if channel in region.images:
            records.append(_value(region, channel, region.tumor, kind, None))
        else:
            records.append(lacking(*kind, reason))
    return records


def _permeability(region: Region) -> Records:
    """Ktrans, and with a DCE series the volumes of plasma and interstitium, by place (FE-11)."""
    places = {
        "tumor": region.tumor,
        "rim": region.rim,
        "core": region.tumor & ~region.rim,
        "edema": region.edema,
    }
    records = [
        _value(region, "ktrans", region.tumor, ("FE-11", "ktrans_tumor_mean", PER_MIN), None)
    ]
    for channel, unit in (("ktrans", PER_MIN), ("vp", "mL/100mL"), ("ve", "mL/100mL")):
        if channel != "ktrans" and channel not in region.images:
            records.append(lacking("FE-11", channel, unit, "it needs a DCE series"))
            continue
        records += [
            _value(
                region,
                channel,
                mask,
                ("FE-11", f"{channel}_{place}_p{percentile}", unit),
                percentile,
            )
            for place, mask in places.items()
            for percentile in (50, 90)
        ]
    return records


def _exchange(region: Region) -> Records:
    """Permeability-surface product, never taken from Ktrans (FE-12)."""
    places = {"rim": region.rim, "core": region.tumor & ~region.rim, "edema": region.edema}
    kinds = {place: ("FE-12", f"ps_{place}_p50", "mL/100mL/min") for place in places}
    if "ps" not in region.images:
        reason = "not measured: it needs a map of CT perfusion or of two-compartment exchange"
        return [lacking(*kind, reason) for kind in kinds.values()]
    return [_value(region, "ps", places[place], kind, 50) for place, kind in kinds.items()]


def _barrier(region: Region) -> Records:
    """Shares of the tumor behind a tight, a partly open and an open barrier (FE-14)."""
    kinds = [
        ("FE-14", f"ktrans_{name}_fraction", "1")
        for name in ("below_0.02", "0.02_to_0.10", "above_0.10")
    ]
    values, worth = _values(region, "ktrans", region.tumor)
    shares: tuple[float | None, ...] = (None,) * 3
    if len(values):
        low, high = float((values < LOW_KTRANS).mean()), float((values > HIGH_KTRANS).mean())
        shares = low, 1.0 - low - high, high
    records = [rated(*kind, share, worth) for kind, share in zip(kinds, shares, strict=True)]
    return [*records, _patchiness(region, worth)]


def _patchiness(region: Region, barrier_worth: Worth) -> BiomarkerRecord:
    """How mixed the three barriers of the tumor lie: 0 is one block of each, 1 is chance (FE-14).

    The share of pairs of places 4 mm apart whose barriers differ, over that of pairs drawn
    anywhere. At 4 mm, about a slice of a DCE series, it hardly follows the map's voxels.
    """
    kind = ("FE-14", "ktrans_patchiness", "1")
    if barrier_worth[0] == "none" or "ktrans" not in region.images:
        return lacking(*kind, "too few values of Ktrans")
    ktrans = region.images["ktrans"]
    there = region.tumor & np.isfinite(ktrans) & (ktrans != 0)
    barrier = np.digitize(np.where(there, ktrans, 0), (LOW_KTRANS, HIGH_KTRANS))
    anywhere = 1.0 - float(((np.bincount(barrier[there]) / there.sum()) ** 2).sum())
    if anywhere < LEAST_MIXED:
        return lacking(*kind, "undefined: one kind of barrier fills the tumor")
    pairs = differing = 0
    for axis, spacing in enumerate(region.grid.spacing_mm):
        step = max(1, round(PATCH_MM / spacing))
        first, second = (np.moveaxis(a, axis, 0)[:-step] for a in (there, barrier))
        third, fourth = (np.moveaxis(a, axis, 0)[step:] for a in (there, barrier))
        both = first & third
        pairs += int(both.sum())
        differing += int((second != fourth)[both].sum())
    worth = rate(region.samples(pairs, "ktrans"))
    if worth[0] == "good":
        worth = barrier_worth
    return rated(*kind, differing / max(pairs, 1) / anywhere, worth)


def _niches(region: Region, enhancement: Array | str) -> Records:
    """Rim and infiltrative front, apart (FE-15)."""
    records = []
    for place, mask in (("rim", region.rim), ("front", region.front)):
        kind = ("FE-15", f"enhancement_{place}", "of white matter's T1")
        if isinstance(enhancement, str):
            records.append(lacking(*kind, enhancement))
        else:
            value = float(enhancement[mask].mean()) if mask.any() else None
            worth = rate(region.samples(int(mask.sum()), "t1", "t1c"))
            records.append(rated(*kind, value, worth))
        records += [
            _value(region, "rcbv", mask, ("FE-15", f"rcbv_{place}", RATIO), 50),
            _value(region, "ktrans", mask, ("FE-15", f"ktrans_{place}", PER_MIN), 50),
        ]
    return [
        *records,
        lacking("FE-15", "along_tracts", "", "no tract atlas or diffusion tensor is used"),
    ]


def _pet(region: Region) -> Records:
    """Tumor-to-brain ratio of amino-acid PET over the tumor and 5 mm around it (FE-16).

    What counts as active is known for FET alone; other tracers have other ratios.
    """
    kinds = (("FE-16", "tbr_max", "1"), ("FE-16", "tbr_mean", "1"), ("FE-16", "tbr_volume", "mL"))
    diameter = region.lesion.longest_diameter_mm
    if diameter < LEAST_PET_MM:
        reason = f"the lesion measures {diameter:.1f} mm; below {LEAST_PET_MM:.0f} mm PET can't say"
        return [lacking(*kind, reason) for kind in kinds]
    values, (quality, note) = _values(region, "tbr", region.tumor | region.front)
    if quality == "none" or not len(values):
        return [lacking(*kind, note or "") for kind in kinds]
    highest = float(values.max())
    tracer = region.facts.pet_tracer
    if tracer != "fet":
        named = f"tracer {tracer.upper() if tracer else 'not known'}; limits are those of FET"
        said = "; ".join(filter(None, (note, named)))
        return [given(*kinds[0], highest, "low", said), *(lacking(*k, named) for k in kinds[1:])]
    active = values[values >= METABOLIC_TBR]
    records = [given(*kinds[0], highest, quality, note)]
    if len(active):
        records.append(given(*kinds[1], float(active.mean()), quality, note))
    else:
        records.append(lacking(*kinds[1], f"undefined: nowhere at least {METABOLIC_TBR}"))
    volume = len(active) * region.grid.voxel_ml
    return [*records, given(*kinds[2], volume, quality, note)]


def _value(
    region: Region, channel: str, mask: Mask, kind: tuple[str, str, str], percentile: int | None
) -> BiomarkerRecord:
    """A percentile of a map in ``mask``, or its mean where that is None."""
    values, worth = _values(region, channel, mask)
    if not len(values):
        return lacking(*kind, worth[1] or "")
    value = values.mean() if percentile is None else np.percentile(values, percentile)
    return rated(*kind, float(value), worth)


def _values(region: Region, channel: str, mask: Mask) -> tuple[Array, Worth]:
    """Valid values of a map in ``mask`` [N], and what they are worth."""
    if channel not in region.images:
        return np.zeros(0, np.float32), ("none", "the map is missing")
    inside = region.images[channel][mask]
    values = inside[np.isfinite(inside) & (inside != 0)]
    share = len(values) / max(len(inside), 1)
    quality, note = rate(region.samples(len(values), channel), share)
    if share < LEAST_SHARE and channel in region.quality and len(inside):
        return values, ("none", main_flaw(region.quality[channel][mask]))
    if quality != "none" and channel in region.quality:
        flags, notes = region.quality[channel][mask], [note]
        if channel in UNSURE_SCALE and has_unsure_scale(flags):
            quality = "low"
            notes.append(UNSURE_SCALE[channel])
        note = "; ".join(filter(None, (*notes, main_doubt(flags)))) or None
    return values, (quality, note)
