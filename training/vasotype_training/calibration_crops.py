"""Pooled answers of simulated lesions, tier by tier: what the calibration is fitted on.

Every crop is answered once a tier: all structural sequences alone, with rCBV, with Ktrans, with
both. Logits are pooled over the lesion's true viable voxels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from vasotype_models.contract import CHANNELS, MODES, STRUCTURAL, Calibration
from vasotype_models.network import Network

from vasotype_training.calibrate import PooledLesions, calibrate
from vasotype_training.config import read_config
from vasotype_training.data import Crops, acquire
from vasotype_training.losses import pool_lesions
from vasotype_training.simulate.scene import Scene
from vasotype_training.task import load_weights
from vasotype_training.train import gather

TIERS: dict[str, tuple[str, ...]] = {
    "structural": STRUCTURAL,
    "dsc": (*STRUCTURAL, "rcbv"),
    "dce": (*STRUCTURAL, "ktrans"),
    "both": (*STRUCTURAL, "rcbv", "ktrans"),
}
"""Channels of each input tier of the phenotype."""

LEAST_DIAMETER_MM = 5.0
"""Smaller lesions get no phenotype, so they are not calibrated on."""


CALIBRATION_STREAM = 1_000_003
"""Second part of the seed: calibration crops are never those of the training."""


def fit_on_crops(checkpoint: Path, config_path: Path, count: int) -> Calibration:
    """Fit the calibration of a checkpoint on ``count`` simulated crops of its own configuration.

    Raises ValueError where a tier lacks a mode (too few crops).
    """
    state, architecture, _ = load_weights(checkpoint)
    network = Network(architecture)
    network.load_state_dict(state)
    config = read_config(config_path)
    crops = Crops(gather(config), config.data, (config.seed, CALIBRATION_STREAM))
    source = f"{count} simulated crops by {config_path.name}, seed {config.seed}"
    return calibrate(pool_simulated(network.eval(), crops, count), source)


def pool_simulated(network: Network, crops: Crops, count: int) -> dict[str, PooledLesions]:
    """Pooled logits and true modes of the lesions in ``count`` simulated crops, by tier."""
    rng = np.random.default_rng(crops.seed)
    rows: dict[str, list[NDArray[np.float64]]] = {tier: [] for tier in TIERS}
    for _ in range(count):
        scene = crops.simulate(crops.draw_anatomy(rng), rng, with_maps=True)
        for tier, channels in TIERS.items():
            rows[tier] += _answers(network, scene, channels, rng)
    return {tier: _table(found) for tier, found in rows.items()}


@torch.no_grad()
def _answers(
    network: Network, scene: Scene, channels: tuple[str, ...], rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """One row a known lesion of 5 mm and more: four logits, mode, mimicry."""
    present = np.array([c in channels for c in CHANNELS], np.float32)
    sample = {name: value[None] for name, value in acquire(scene, present, rng).items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        habitat = network(*(sample[k] for k in ("image", "mask", "present", "stats")))[1]
    slots = sample["mode"].shape[1]
    count = len(MODES) + 1
    pooled = pool_lesions(habitat[:, :count].float(), sample["instances"], sample["tissue"], slots)[
        0
    ].numpy()
    diameters = {t.id: p.diameter_mm for t, p in zip(scene.truth, scene.plans, strict=True)}
    rows = []
    for lesion in scene.truth:
        slot = lesion.id - 1
        if slot >= slots or lesion.mode is None or diameters[lesion.id] < LEAST_DIAMETER_MM:
            continue
        if np.isfinite(pooled[slot]).all():
            truth = (sample["mode"][0, slot], sample["mimicry"][0, slot])
            rows.append(np.array([*pooled[slot], *truth], np.float64))
    return rows


def _table(rows: list[NDArray[np.float64]]) -> PooledLesions:
    table = np.array(rows).reshape(-1, len(MODES) + 3)
    count = len(MODES)
    return PooledLesions(
        mode_logits=table[:, :count],
        mimicry_logits=table[:, count],
        modes=table[:, count + 1].astype(np.int64),
        mimicry=table[:, count + 2].astype(np.int64),
    )
