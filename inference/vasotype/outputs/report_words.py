"""The report's sentences about a lesion: a leaning with its uncertainty, never a fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import MODES

from vasotype.result import (
    LesionRecord,
    MimicrySuspicion,
    PhenotypeRecord,
    RuleReading,
)
from vasotype.stages import Affine, Mask

MODE_NAMES = {
    "angiogenic": "angiogenic",
    "intermediate": "intermediate",
    "co_option": "vessel co-option",
}
TIERS = {
    "structural": "Read from routine MRI alone; perfusion or PET could change it.",
    "dsc": "Read from routine MRI and DSC perfusion; permeability or PET could change it.",
    "dce": "Read from routine MRI and DCE permeability; blood volume or PET could change it.",
    "both": "Read from routine MRI with DSC and DCE perfusion; PET could change it.",
}
SEQUENCES = {
    "t1": "T1",
    "t1c": "T1c",
    "t2": "T2",
    "flair": "FLAIR",
    "rcbv": "rCBV",
    "ktrans": "Ktrans",
    "tbr": "amino-acid PET",
}
LEVEL = "90 %"
"""Coverage of the prediction sets."""
REPEATED = (
    "Volumes and diameters are as sure as the outline. An error of half a millimetre, which is "
    "assumed, makes 1 mm of a diameter, and 30 % of a volume at 10 mm or 15 % at 20 mm. In 95 of "
    "100 simulated lesions scanned twice, edema differed by less than 86 %."
)
"""What another scan would change, as the follow-up's limits have it."""
MIDLINE_MM = 5.0
"""A centroid nearer to the middle of the brain mask has no side."""


def date(created: str) -> str:
    """ISO 8601 time as a reader writes it: ``24 Nov 2026, 08:13 UTC``."""
    moment = datetime.fromisoformat(created)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def ml(volume: float) -> str:
    """Volume in mL, with the digits that its size carries."""
    return f"{volume:.1f}" if volume >= 10 else f"{volume:.2f}"


def sequences(channels: Sequence[str]) -> str:
    """Names of channels, joined by commas."""
    return ", ".join(SEQUENCES.get(channel, channel) for channel in channels)


def diameters(lesion: LesionRecord) -> str:
    """Longest × perpendicular diameter, mm."""
    return f"{lesion.longest_diameter_mm:.1f} × {lesion.perpendicular_diameter_mm:.1f}"


def pattern(lesion: LesionRecord) -> str:
    """Enhancement pattern as a phrase."""
    if lesion.enhancement_pattern == "not assessable":
        return "enhancement not assessable"
    return f"{lesion.enhancement_pattern} enhancement"


def open_modes(phenotype: PhenotypeRecord) -> str:
    """The prediction set in few words, for a table."""
    count = len(phenotype.prediction_set)
    if count in (0, len(MODES)):
        return "all three" if count else "none reaches it"
    return mode_list(phenotype.prediction_set)


def mimicry(suspicion: MimicrySuspicion) -> str:
    """Level of suspicion, never without its limit."""
    score = "" if suspicion.score is None else f" (score {suspicion.score:.2f})"
    return f"{suspicion.level.capitalize()}{score}. No single imaging feature is pathognomonic."


def mode_list(modes: Sequence[str]) -> str:
    """Names of modes in their fixed order, joined by commas."""
    return ", ".join(MODE_NAMES[m] for m in MODES if m in modes)


class Compass:
    """Says where a point lies in the imaged brain, whose box is that of its mask.

    The origin of a scan's own coordinates may lie anywhere, so they would tell a reader nothing.
    """

    def __init__(self, mask: Mask, affine: Affine) -> None:
        self._to_voxel = np.linalg.inv(affine)
        self._spacing = np.linalg.norm(affine[:3, :3], axis=0)
        filled = [np.nonzero(mask.any(axis=axes))[0] for axes in ((1, 2), (0, 2), (0, 1))]
        ends = [(int(f[0]), int(f[-1])) if f.size else (0, 1) for f in filled]
        self._low, self._high = np.array(ends, dtype=np.float64).T

    def location(self, point_ras_mm: tuple[float, float, float]) -> str:
        """Side, and third of the box, of a RAS position, e.g. ``left, posterior, superior``."""
        offset = float(self._from_middle(point_ras_mm)[0])
        side = "midline" if abs(offset) < MIDLINE_MM else "right" if offset > 0 else "left"
        voxel = self._voxel(point_ras_mm)
        thirds = np.clip(3 * (voxel - self._low) / (self._high - self._low + 1), 0, 2.99)
        depth = ("posterior", "", "anterior")[int(thirds[1])]
        height = ("inferior", "", "superior")[int(thirds[2])]
        return ", ".join(word for word in (side, depth, height) if word)

    def from_middle(self, point_ras_mm: tuple[float, float, float]) -> str:
        """A RAS position from the middle of the box, mm, e.g. ``L 31, P 12, S 40``."""
        offsets: list[float] = self._from_middle(point_ras_mm).tolist()
        pairs = zip(offsets, ("RL", "AP", "SI"), strict=True)
        return ", ".join(f"{letters[value < 0]} {abs(value):.0f}" for value, letters in pairs)

    def _voxel(self, point_ras_mm: tuple[float, float, float]) -> NDArray[np.float64]:
        return np.asarray(self._to_voxel[:3, :3] @ point_ras_mm + self._to_voxel[:3, 3])

    def _from_middle(self, point_ras_mm: tuple[float, float, float]) -> NDArray[np.float64]:
        middle = (self._low + self._high) / 2
        return np.asarray((self._voxel(point_ras_mm) - middle) * self._spacing)


def leaning(phenotype: PhenotypeRecord) -> str:
    """One sentence: what the lesion leans to, or that no leaning is given and why."""
    if phenotype.abstained or phenotype.label is None:
        return f"No leaning is given: {phenotype.reason or 'the evidence is insufficient'}."
    values = phenotype.probabilities.model_dump()
    top = phenotype.label
    rest = " and ".join(f"{MODE_NAMES[m]} {values[m]:.2f}" for m in MODES if m != top)
    return f"Leans {MODE_NAMES[top]} ({values[top]:.2f}), against {rest}."


def network_alone(phenotype: PhenotypeRecord) -> str:
    """The network's own probabilities, where biomarkers were added to them; else empty."""
    if phenotype.network_probabilities is None or phenotype.fused_from is None:
        return ""
    values = phenotype.network_probabilities.model_dump()
    alone = ", ".join(f"{MODE_NAMES[m]} {values[m]:.2f}" for m in MODES)
    return f"The network alone, before biomarkers are weighed in: {alone}."


def network_favours(phenotype: PhenotypeRecord) -> str | None:
    """The mode that the network alone favours, where that is another than the label."""
    if phenotype.network_probabilities is None:
        return None
    values = phenotype.network_probabilities.model_dump()
    first = max(MODES, key=lambda mode: values[mode])
    return None if first == phenotype.label else first


def support(phenotype: PhenotypeRecord) -> str:
    """What the 90 % prediction set leaves open; empty where no leaning is given."""
    if phenotype.abstained:
        return ""
    if not phenotype.prediction_set:
        return "No mode reaches the 90 % level: the lesion is unlike those used for calibration."
    if len(phenotype.prediction_set) == len(MODES):
        return "At the 90 % level no mode is excluded: the leaning is weak evidence."
    names = mode_list(phenotype.prediction_set)
    if phenotype.label_supported:
        return f"At the 90 % level only {names} is left."
    return f"At the 90 % level these modes are not excluded: {names}."


def remarks(lesion: LesionRecord) -> list[str]:
    """What a reader should keep in mind with this lesion."""
    said = []
    if lesion.enhancement_pattern == "minimal":
        said.append("Minimal enhancement does not exclude active tumor.")
    if lesion.enhancement_pattern == "not assessable":
        said.append("Without T1c the enhancement can't be assessed.")
    if lesion.edema_shared:
        said.append("Edema is confluent with another lesion's and was split by the nearest lesion.")
    return said


def rule_reading(reading: RuleReading) -> str:
    """What the thresholds say, as a leaning."""
    if reading.label is None:
        return "No leaning by rules: too few biomarkers could be measured well."
    if reading.label == "intermediate":
        return (
            "By rules it leans intermediate: the signs point to both ends, or lie between them, "
            "so that neither end prevails."
        )
    return f"By rules it leans {MODE_NAMES[reading.label]}."


def thresholds(source: str | None) -> str:
    """Whose the thresholds are; ``source`` is what rules other than those that ship say of it."""
    if source is None:
        return "The thresholds are ours, simulated or assumed; they hold for no particular scanner."
    return (
        "The thresholds are not those that ship with vasotype but of a file given for this "
        f"analysis, which names as their source: {source.rstrip('.')}."
    )


def rule_signs(reading: RuleReading, label: str | None) -> list[str]:
    """The signs for and against the model's ``label``, with their limits; none without a label."""
    if reading.label is None or label is None:
        return []
    name = MODE_NAMES[label]
    return [
        f"Signs for {name}: {'; '.join(reading.in_favour) or 'none'}.",
        f"Signs against it: {'; '.join(reading.against) or 'none'}.",
    ]


def leaning_counts(lesions: Sequence[LesionRecord]) -> str:
    """Lesions by leaning, and in how many of them no other mode is left.

    E.g. ``2 angiogenic, 1 vessel co-option, 1 without a leaning; 1 of 3 alone at 90 %``.
    """
    labels: Counter[str | None] = Counter(lesion.phenotype.label for lesion in lesions)
    counts = [f"{labels[m]} {MODE_NAMES[m]}" for m in MODES if labels[m]]
    leaning_ones = len(lesions) - labels[None]
    if labels[None]:
        counts.append(f"{labels[None]} without a leaning")
    if not leaning_ones:
        return ", ".join(counts)
    alone = sum(lesion.phenotype.label_supported for lesion in lesions)
    share = {0: "not ", leaning_ones: ""}.get(alone, f"{alone} of {leaning_ones} ")
    return f"{', '.join(counts)}; {share}alone at {LEVEL}"


def standing(phenotype: PhenotypeRecord) -> str:
    """Whether a label is the only mode left in its prediction set, in few words."""
    return f"{'' if phenotype.label_supported else 'not '}alone at {LEVEL}"
