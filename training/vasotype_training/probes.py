"""Fixed simulated crops, and what a network finds in them and in the steering cases.

Cheap, and the same for every run, so that short runs can be compared with each other; no measure
of how good a model is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from vasotype.stages import Labels
from vasotype_models.contract import CHANNELS, ET, STRUCTURAL
from vasotype_models.network import Network

from vasotype_training.config import DataConfig, PortablePath, Section, expand
from vasotype_training.data import Crops, Materials, acquire
from vasotype_training.evaluate.detection import detect
from vasotype_training.evaluate.outlines import lesion_dice
from vasotype_training.simulate.anatomy import Anatomy, RealBrain
from vasotype_training.simulate.sources import find_sources
from vasotype_training.task import case_tensors, segment_dice

SIZES_MM = {"found, below 5 mm": (0.0, 5.0), "5-10 mm": (5.0, 10.0), "10+ mm": (10.0, np.inf)}
LEAST_OUTLINED_MM = 5.0
BESIDE = 8
"""Voxels around a real tumor that are looked at with it."""
STRIDE = 16
"""The network needs sides that are multiples of this."""
T1, T1C = CHANNELS.index("t1"), CHANNELS.index("t1c")

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]
"""Image, mask, availability and statistics of a batch of one."""


class ProbeConfig(Section):
    """``crops`` drawn with ``seed`` in ``anatomies`` that do not train, as ``data`` says."""

    seed: int = 0
    crops: int = 48
    anatomies: tuple[PortablePath, ...]
    data: DataConfig = DataConfig()


@dataclass(frozen=True)
class Probe:
    """A crop as scanned with all four sequences (image in half precision), and its true tissue."""

    inputs: Inputs
    tissue: Labels


def draw_probes(config: ProbeConfig) -> list[Probe]:
    """The crops; the same configuration gives the same ones."""
    sources = find_sources([expand(path) for path in config.anatomies])
    real = [source for source in sources if isinstance(source, RealBrain)]
    painted = [source for source in sources if not isinstance(source, RealBrain)]
    crops = Crops(Materials(real, painted, [], []), config.data, (config.seed,))
    rng = np.random.default_rng(config.seed)
    present = np.array([channel in STRUCTURAL for channel in CHANNELS], np.float32)
    probes: list[Probe] = []
    while len(probes) < config.crops:
        scene = crops.simulate(crops.draw_anatomy(rng), rng, with_maps=False)
        if not set(STRUCTURAL) <= set(scene.images):
            continue
        sample = acquire(scene, present, rng)
        if not sample["enhanced"]:  # T1 stands in the place of T1c: training does that
            continue
        image, mask, there, stats = (
            sample[name][None] for name in ("image", "mask", "present", "stats")
        )
        probes.append(Probe((image.half(), mask, there, stats), scene.tissue))
    return probes


def score_probes(network: Network, probes: Sequence[Probe]) -> dict[str, float]:
    """Share of lesions found by size, their mean core Dice, and false positives a crop."""
    found: dict[str, list[bool]] = {name: [] for name in SIZES_MM}
    outlines: list[float] = []
    strays = 0
    for probe in probes:
        predicted = segment(network, probe.inputs)
        detection = detect(probe.tissue, predicted, np.eye(4))
        strays += len(detection.strays)
        for name, (low, high) in SIZES_MM.items():
            inside = [v for v in detection.lesions if low <= v.diameter_mm < high]
            found[name] += [lesion.found_by > 0 for lesion in inside]
        hits = [
            lesion.number
            for lesion in detection.lesions
            if lesion.found_by and lesion.diameter_mm >= LEAST_OUTLINED_MM
        ]
        dice = lesion_dice(probe.tissue, predicted, detection.truth, hits)
        outlines += [values["tc"] for values in dice.values() if "tc" in values]
    scores = {name: float(np.mean(hits)) for name, hits in found.items() if hits}
    if outlines:
        scores["core Dice of found"] = float(np.mean(outlines))
    return scores | {"false positives a crop": strays / len(probes)}


def score_cases(network: Network, cases: Sequence[Anatomy]) -> dict[str, float]:
    """Mean Dice of labelled cases, and the share of ET that is left with T1 in place of T1c.

    Nothing without a case.
    """
    if not cases:
        return {}
    dice = np.mean([segment_dice(network, case) for case in cases], axis=0)
    names = ("real: whole", "core", "enhancing")
    left = [share for case in cases if (share := _enhancing_left(network, case)) is not None]
    scores = {name: float(value) for name, value in zip(names, dice, strict=True)}
    return scores | ({"ET left, T1c := T1": float(np.mean(left))} if left else {})


@torch.no_grad()
def segment(network: Network, inputs: Inputs) -> Labels:
    """Most probable tissue [X, Y, Z] of one crop."""
    image, mask, present, stats = inputs
    tissue = network(image.float(), mask, present, stats)[0]
    return tissue[0].argmax(dim=0).numpy().astype(np.uint8)


def _enhancing_left(network: Network, case: Anatomy) -> float | None:
    """ET volume around the tumor with T1 in place of T1c over that with T1c; None without any."""
    if case.tumor is None:
        return None
    corners = np.argwhere(case.tumor > 0)
    low, high = corners.min(axis=0), corners.max(axis=0) + 1
    x, y, z = (
        slice(max(0, a - BESIDE), b + BESIDE)
        for a, b in zip(low.tolist(), high.tolist(), strict=True)
    )
    image, mask, present, stats = case_tensors(case)
    image, mask = _padded(image[..., x, y, z]), _padded(mask[..., x, y, z])
    before = (segment(network, (image, mask, present, stats)) == ET).sum()
    image[:, T1C], stats = image[:, T1].clone(), stats.clone()
    stats[:, T1C] = stats[:, T1]
    after = (segment(network, (image, mask, present, stats)) == ET).sum()
    return float(after / before) if before else None


def _padded(volume: Tensor) -> Tensor:
    """Zeros at the far ends until every side is a multiple of ``STRIDE``."""
    sides = [(-n) % STRIDE for n in volume.shape[-3:]]
    return torch.nn.functional.pad(volume, (0, sides[2], 0, sides[1], 0, sides[0]))


def steering_cases(paths: Sequence[PortablePath]) -> list[Anatomy]:
    """Labelled cases that steer, whole brains."""
    found = find_sources([expand(path) for path in paths]) if paths else []
    return [
        source.anatomy
        for source in found
        if isinstance(source, RealBrain) and source.anatomy.tumor is not None
    ]
