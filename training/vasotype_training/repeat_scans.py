"""Test and retest by simulation: the same lesions scanned twice, everything measured anew.

Scanner, resolution, noise, shading and small motions are drawn for each scan; the patient stays as
it is. So this is how far scans alone move a number, of lesions as they are simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vasotype.findings import StudyError
from vasotype.phenotype.fusion import fuse
from vasotype.pipeline import Vasotype
from vasotype_models.contract import MODES

from vasotype_training.calibrate import as_features
from vasotype_training.lesion_crops import CropOptions, CropStream
from vasotype_training.measured_lesions import TIERS, MeasuredLesion, measure_crop
from vasotype_training.reliability import Reliability, reliability
from vasotype_training.simulate.shape import read_outlines
from vasotype_training.simulate.sources import anatomy_places

Pair = tuple[MeasuredLesion, MeasuredLesion]
Pairs = Sequence[Pair]


@dataclass(frozen=True)
class Repeated:
    """One number of the lesions, measured twice; ``unit`` 1 for a ratio."""

    name: str
    unit: str
    reliability: Reliability


@dataclass(frozen=True)
class Stability:
    """What two scans of the same simulated lesions have in common.

    ``found_twice`` of ``found`` lesions were found in both scans; ``same_leaning`` is the share of
    those with the same most probable mode, by tier.
    """

    patients: int
    found: int
    found_twice: int
    same_leaning: dict[str, float]
    repeated: tuple[Repeated, ...]

    def markdown(self) -> str:
        """The table, most stable first."""
        ordered = sorted(self.repeated, key=lambda r: -r.reliability.icc)
        same = ", ".join(f"{tier} {share:.0%}" for tier, share in self.same_leaning.items())
        return "\n".join(
            [
                f"{self.patients} simulated patients, each scanned twice: {self.found} lesions of "
                f"5 mm and more, {self.found_twice} found in both scans. Same leaning: {same}.",
                "",
                "| simulated lesions | ICC(2,1), 95 % interval | repeatability | of the mean | n |",
                "|---|---|---|---|---|",
                *(_row(repeated) for repeated in ordered),
                "",
            ]
        )


def repeat_scans(
    anatomies: Sequence[Path],
    analyser: Vasotype,
    patients: int,
    seed: int = 0,
    outlines: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Stability:
    """Scan simulated patients twice and compare all that was measured.

    Raises StudyError where there is no anatomy.
    """
    try:
        places = anatomy_places(anatomies)
    except FileNotFoundError as error:
        raise StudyError("cohort-empty", str(error)) from error
    shapes = read_outlines(outlines) if outlines else []
    stream = CropStream(places, shapes, CropOptions(), (seed,))
    pairs: list[Pair] = []
    found = 0
    for number in range(patients):
        first, second = (
            {lesion.truth: lesion for lesion in measure_crop(analyser.engine, visit, number)}
            for visit in stream.visits(number, 2)
        )
        found += len(first.keys() | second.keys())
        pairs += [(first[truth], second[truth]) for truth in sorted(first.keys() & second.keys())]
        if progress is not None:
            progress(number + 1, patients)
    return summarise(pairs, analyser, patients, found)


def summarise(pairs: Pairs, analyser: Vasotype, patients: int, found: int) -> Stability:
    """Reliability of every biomarker, and of what is concluded in each tier."""
    values, units = _biomarkers(pairs)
    same = {}
    for tier in TIERS:
        probabilities = np.array([[_read(x, tier, analyser) for x in pair] for pair in pairs])
        if len(pairs):
            best = probabilities.argmax(axis=2)
            same[tier] = float((best[:, 0] == best[:, 1]).mean())
        for k, mode in enumerate(MODES):
            name = f"p({mode.replace('_', '-')}), {tier}"
            values[name] = {n: probabilities[n, :, k] for n in range(len(pairs))}
            units[name] = "1"
    repeated = []
    for name, own in values.items():
        rows = np.array(list(own.values()))
        result = reliability(rows, [pairs[n][0].patient for n in own]) if len(own) else None
        if result is not None and np.isfinite(result.icc):
            repeated.append(Repeated(name, units[name], result))
    return Stability(patients, found, len(pairs), same, tuple(repeated))


def _biomarkers(
    pairs: Pairs,
) -> tuple[dict[str, dict[int, NDArray[np.float64]]], dict[str, str]]:
    """Values [2] by biomarker and number of the pair, where both scans gave one; units."""
    values: dict[str, dict[int, NDArray[np.float64]]] = {}
    units: dict[str, str] = {}
    for number, pair in enumerate(pairs):
        twice = [
            {b.name: b for b in lesion.biomarkers if b.available and _is_number(b.value)}
            for lesion in pair
        ]
        for name in twice[0].keys() & twice[1].keys():
            both = [twice[side][name].value for side in (0, 1)]
            values.setdefault(name, {})[number] = np.array(both, np.float64)
            units[name] = twice[0][name].unit
    return values, units


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


def _read(lesion: MeasuredLesion, tier: str, analyser: Vasotype) -> NDArray[np.float64]:
    calibration = analyser.engine.calibration
    features = as_features(lesion, tier, calibration.edema_size)
    return fuse(calibration, tier, lesion.answers[tier], features).probabilities


def _row(repeated: Repeated) -> str:
    own = repeated.reliability
    unit = "" if repeated.unit == "1" else f" {repeated.unit}"
    relative = "" if own.relative is None else f"{own.relative:.0%}"
    interval = f"{own.icc:.2f} ({own.low:.2f}-{own.high:.2f})"
    return (
        f"| `{repeated.name}` | {interval} | {own.repeatability:.3g}{unit} | {relative} | {own.n} |"
    )
