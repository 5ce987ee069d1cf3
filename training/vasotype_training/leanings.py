"""The last layer of the vascular leanings, fitted on whole lesions.

A lesion's answer is the mean over its voxels of a linear function of the decoder's features and of
the maps. The best such function is a multinomial logistic regression on means: a convex problem
with one solution, which gradient steps through the whole network approach slowly, because a crop
holds few lesions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from torch.utils.data import DataLoader, IterableDataset
from vasotype_models.contract import (
    CHANNELS,
    ET,
    MODES,
    NETC,
    QUANTITATIVE,
    TISSUES,
    Inference,
)
from vasotype_models.network import Network

from vasotype_training.config import DataConfig
from vasotype_training.data import MOST_LESIONS, Crops, Materials, Sample, acquire
from vasotype_training.losses import viable_voxels

log = logging.getLogger(__name__)

Values = NDArray[np.float64]

TIERS = ((), ("rcbv",), ("ktrans",), ("rcbv", "ktrans"))
"""Maps at hand beside the sequences: each lesion is seen with each."""

FEWEST_VOXELS = 20
"""A smaller lesion says too little of itself."""

RIDGE = 5.0
"""Weight of the squared distance to the trained layer, in standard deviations of each feature."""

HELD_OUT = 5
"""Every so many crops one is left out of a first fit, which tells what the fit is worth."""


@dataclass(frozen=True)
class LesionMeans:
    """What the last layer sees of lesions, and their modes.

    ``features`` [N, F]: means over a lesion's viable voxels less a share of those around it, as
    the runtime pools; ``mode`` [N] indices; ``crop`` [N] tells which lesions come from one crop.
    """

    features: Values
    mode: NDArray[np.int64]
    crop: NDArray[np.int64]


class LesionScenes(IterableDataset[Sample]):
    """Simulated metastases with both maps and the sequences of their anatomies, T1c among them."""

    def __init__(self, materials: Materials, config: DataConfig, seed: int) -> None:
        simulated = {"lookalike_share": 0.0, "labelled_share": 0.0, "repaint": 6}
        self.crops = Crops(materials, config.model_copy(update=simulated), (seed,))
        self.seed = seed

    def __iter__(self) -> Iterator[Sample]:
        """Draw crops for ever."""
        torch.set_num_threads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            scene = self.crops.simulate(self.crops.draw_anatomy(rng), rng, with_maps=True)
            if "t1c" not in scene.images:
                continue
            have = (*scene.images, *TIERS[-1])
            present = np.array([c in have for c in CHANNELS], np.float32)
            sample = acquire(scene, present, rng)
            if sample["enhanced"]:
                yield sample


def refit_leanings(
    network: Network, materials: Materials, config: DataConfig, crops: int, seed: int
) -> None:
    """Fit the network's mode logits, in place, on the lesions of so many simulated ``crops``."""
    means = collect(network.eval(), materials, config, crops, seed)
    before = layer(network)
    held = means.crop % HELD_OUT == 0
    trial = fit_layer(before, means.features[~held], means.mode[~held])
    old, new = (cross_entropy(w, means.features[held], means.mode[held]) for w in (before, trial))
    log.info("leanings: %d lesions, held-out entropy %.3f -> %.3f", len(means.mode), old, new)
    set_layer(network, fit_layer(before, means.features, means.mode))


def collect(
    network: Network, materials: Materials, config: DataConfig, crops: int, seed: int
) -> LesionMeans:
    """Means of the lesions of so many crops, each in every tier of :data:`TIERS`."""
    loader = DataLoader(
        LesionScenes(materials, config, seed),
        batch_size=None,
        num_workers=min(config.workers, 1),
        prefetch_factor=8 if config.workers else None,
    )
    features: list[Values] = []
    modes: list[int] = []
    origins: list[int] = []
    for number, sample in zip(range(crops), loader, strict=False):
        if number % 100 == 0:
            log.info("leanings: crop %d of %d", number, crops)
        places = lesion_places(sample, Inference().surroundings_mm)
        if not places:
            continue
        seen = [last_features(network, sample, maps) for maps in TIERS]
        for slot, inside, around in places:
            for values in seen:
                features.append(pooled(values, inside, around))
                modes.append(int(sample["mode"][slot]))
                origins.append(number)
    return LesionMeans(np.stack(features), np.array(modes), np.array(origins))


Voxels = tuple[NDArray[np.int64], ...]


def lesion_places(sample: Sample, reach_mm: float) -> list[tuple[int, Voxels, Voxels]]:
    """Slot, viable voxels and voxels around of each lesion of known mode, on the 1 mm grid."""
    instances, tissue = sample["instances"].numpy(), sample["tissue"].numpy()
    viable = viable_voxels(sample["instances"], sample["tissue"], MOST_LESIONS).numpy()
    free = (sample["mask"][0].numpy() > 0) & ~np.isin(tissue, (NETC, ET))
    margin = int(np.ceil(reach_mm))
    found: list[tuple[int, Voxels, Voxels]] = []
    for slot, box in enumerate(ndimage.find_objects(viable, max_label=MOST_LESIONS)):
        if box is None or sample["mode"][slot] < 0:
            continue
        wide = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in box)
        inside = viable[wide] == slot + 1
        if inside.sum() < FEWEST_VOXELS:
            continue
        distance = ndimage.distance_transform_edt(instances[wide] != slot + 1)
        around = free[wide] & (distance <= reach_mm)
        start = np.array([s.start for s in wide])
        inner, outer = (tuple((np.argwhere(m) + start).T) for m in (inside, around))
        found.append((slot, inner, outer))
    return found


@torch.no_grad()
def last_features(network: Network, sample: Sample, maps: tuple[str, ...]) -> Values:
    """What the last layer of the leanings sees [F, X/2, Y/2, Z/2] with so many ``maps``."""
    hidden = [CHANNELS.index(c) for c in QUANTITATIVE if c not in maps]
    present = sample["present"].clone()
    present[hidden] = 0
    device = next(network.parameters()).device
    inputs = [
        value[None].to(device)
        for value in (sample["image"], sample["mask"], present, sample["stats"])
    ]
    with torch.autocast(device.type, torch.bfloat16):
        fine, _, quantities = network.features(*inputs)
    values: Values = torch.cat([fine.float(), quantities.float()], dim=1)[0].cpu().double().numpy()
    return values


def pooled(values: Values, inside: Voxels, around: Voxels) -> Values:
    """Mean [F] over the voxels of a lesion less a share of those around it."""
    mean = _mean(values, inside)
    if len(around[0]):
        mean = mean - Inference().surroundings_weight * _mean(values, around)
    return mean


def _mean(values: Values, voxels: Voxels) -> Values:
    x, y, z = (axis // 2 for axis in voxels)
    mean: Values = values[:, x, y, z].mean(axis=1)
    return mean


def layer(network: Network) -> Values:
    """Weights of the mode logits [3, F + 1]: decoder features, maps and which are there, offset."""
    count, modes = len(TISSUES), len(MODES)
    weight = network.head.weight[:, count : count + modes].mean(dim=(2, 3, 4)).T
    maps = network.maps_head.weight[:modes, :, 0, 0, 0]
    assert network.head.bias is not None
    offset = (1 - Inference().surroundings_weight) * network.head.bias[count : count + modes]
    stacked: Values = torch.cat([weight, maps, offset[:, None]], dim=1).detach().double().numpy()
    return stacked


def set_layer(network: Network, weights: Values) -> None:
    """Write ``weights`` [3, F + 1] into the network."""
    count, modes, maps = len(TISSUES), len(MODES), network.maps_head.in_channels
    values = torch.from_numpy(weights)
    place = slice(count, count + modes)
    assert network.head.bias is not None
    with torch.no_grad():
        features = values[:, : -maps - 1].T[:, :, None, None, None]
        network.head.weight[:, place] = features.to(network.head.weight)
        direct = values[:, -maps - 1 : -1, None, None, None]
        network.maps_head.weight[:modes] = direct.to(network.maps_head.weight)
        offset = values[:, -1] / (1 - Inference().surroundings_weight)
        network.head.bias[place] = offset.to(network.head.bias)


def logits(weights: Values, features: Values) -> Values:
    """Mode logits [N, 3] of lesion means [N, F]."""
    product: Values = features @ weights[:, :-1].T + weights[:, -1]
    return product


def cross_entropy(weights: Values, features: Values, mode: NDArray[np.int64]) -> float:
    """Mean cross-entropy of lesions in nats."""
    chosen = log_softmax(logits(weights, features), axis=1)[np.arange(len(mode)), mode]
    return float(-chosen.mean())


def fit_layer(start: Values, features: Values, mode: NDArray[np.int64]) -> Values:
    """Weights [3, F + 1] of least cross-entropy, held near ``start`` by a ridge."""
    extended = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    scale = np.append(features.std(axis=0), 1.0)
    truth = np.eye(len(MODES))[mode]

    def cost(flat: Values) -> tuple[float, Values]:
        moved = flat.reshape(start.shape)
        # In standard deviations, so that the ridge treats all features alike.
        weights = start + moved / np.maximum(scale, 1e-6)
        answer = extended @ weights.T
        loss = -(truth * log_softmax(answer, axis=1)).sum() + 0.5 * RIDGE * np.square(moved).sum()
        slope = (softmax(answer, axis=1) - truth).T @ extended / np.maximum(scale, 1e-6)
        return float(loss), (slope + RIDGE * moved).ravel()

    found = minimize(cost, np.zeros(start.size), jac=True, method="L-BFGS-B")
    fitted: Values = start + found.x.reshape(start.shape) / np.maximum(scale, 1e-6)
    return fitted
