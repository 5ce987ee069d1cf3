"""Losses of the multitask network.

Tissue: weighted Tversky and cross-entropy over the nested regions whole tumor, core and enhancing
tumor, with inverse-size voxel weights (Shirokikh et al. 2020), and soft Dice lesion by lesion, each
in its own surroundings (the idea of Bouteille et al. 2025), so that a small lesion counts as much
as a large one. Habitat: per-lesion cross-entropy of
the mode and of mimicry, voxel-wise for low permeability.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from torch import Tensor
from vasotype_models.contract import ET, MODES, NETC, SNFH

REGIONS = ((NETC, SNFH, ET), (NETC, ET), (ET,))
"""Whole tumor, core, enhancing: classes whose probabilities add up."""

VIABLE_SHARE = 0.1
"""A lesion pools over ET, or over its whole core where ET is a smaller share."""


SMOOTH = 50.0
"""Weighted voxels added to both sides of the Tversky ratio: an empty crop scores 1."""
TINY = 1e-6


@dataclass(frozen=True)
class TissueWeights:
    """``miss``: Tversky weight of misses; ``cap``: largest voxel weight; ``regions`` [B, 3]."""

    miss: float
    cap: float
    regions: Tensor


def tissue_loss(logits: Tensor, tissue: Tensor, weight: Tensor, weights: TissueWeights) -> Tensor:
    """Mean over regions of Tversky + binary cross-entropy.

    ``logits`` [B, 4, X, Y, Z]; ``tissue`` labels [B, X, Y, Z]; ``weight`` [B, X, Y, Z] uncapped,
    of hits and errors alike.
    """
    probability = torch.softmax(logits, dim=1)
    weight = weight.clamp(max=weights.cap)
    total = logits.new_zeros(())
    for index, region in enumerate(REGIONS):
        p = probability[:, list(region)].sum(dim=1)
        truth = _inside(tissue, region)
        importance = weights.regions[:, index][:, None, None, None]
        gain, loss = weight * truth * importance, weight * (1 - truth) * importance
        entropy = gain * p.clamp(min=TINY).log() + loss * (1 - p).clamp(min=TINY).log()
        hit, everything = (gain * p).sum(), gain.sum()
        errors = weights.miss * (everything - hit) + (1 - weights.miss) * (loss * p).sum()
        tversky = (hit + SMOOTH) / (hit + errors + SMOOTH)
        total = total + (1 - tversky) - entropy.mean()
    return total / len(REGIONS)


def lesion_loss(
    logits: Tensor, tissue: Tensor, territory: Tensor, weights: TissueWeights
) -> Tensor:
    """One minus soft Dice of core and of enhancing tumor, averaged over lesions.

    A lesion in which nothing enhances costs the share of it that is called enhancing instead: Dice
    and Tversky have no slope there. ``territory`` [B, X, Y, Z] is the number of the nearest lesion,
    from 1; 0 where a crop has none. Zero where the batch holds no lesion.
    """
    probability = torch.softmax(logits, dim=1)
    losses, shares = [], []
    for p, label, place, importance in zip(
        probability, tissue, territory, weights.regions, strict=True
    ):
        index = place.reshape(-1)
        count = int(index.max())
        if count == 0:
            continue
        core = _inside(label, REGIONS[1]).reshape(-1)
        for region, share in zip(REGIONS[1:], importance[1:], strict=True):
            guess = p[list(region)].sum(dim=0).reshape(-1)
            truth = _inside(label, region).reshape(-1)
            stacked = torch.stack([guess * truth, guess + truth, truth, guess * core, core], dim=1)
            sums = guess.new_zeros(count + 1, 5).index_add(0, index, stacked)[1:]
            hit, both, size, called, lesion = sums.unbind(dim=1)
            cost = torch.where(size > 0, 1 - (2 * hit + 1) / (both + 1), called / (lesion + TINY))
            cost = cost[lesion > 0]
            losses.append(share * cost)
            shares.append(share.expand(len(cost)))
    if not losses:
        return logits.new_zeros(())
    total = torch.cat(shares).sum()
    return torch.cat(losses).sum() / total.clamp(min=1)


def _inside(label: Tensor, region: tuple[int, ...]) -> Tensor:
    """Membership of each voxel, as float; several times faster than ``torch.isin``."""
    inside = label == region[0]
    for value in region[1:]:
        inside = inside | (label == value)
    return inside.float()


def viable_voxels(instances: Tensor, tissue: Tensor, slots: int) -> Tensor:
    """The lesion [X, Y, Z] that each voxel speaks for, from 1; 0 for none.

    A lesion's enhancing voxels speak for it, or all of its core where few enhance; ``instances``
    [X, Y, Z] counts from 1, and those beyond ``slots`` are passed over.
    """
    flat = instances.clamp(max=slots + 1).reshape(-1)
    enhancing = (tissue == ET).reshape(-1)
    size = torch.bincount(flat, minlength=slots + 2)
    bright = torch.bincount(flat[enhancing], minlength=slots + 2)
    viable = (bright >= VIABLE_SHARE * size)[flat]
    use = (flat <= slots) & (enhancing | ~viable)
    return (flat * use).reshape(instances.shape)


def pool_lesions(values: Tensor, lesion: Tensor, slots: int) -> Tensor:
    """Mean of ``values`` [N, C] over the voxels of each lesion [N], from 1 -> [slots, C].

    NaN for a slot without voxels.
    """
    sums = values.new_zeros(slots + 1, values.shape[1]).index_add(0, lesion, values)
    count = torch.bincount(lesion, minlength=slots + 1)[:, None]
    return (sums / count)[1:]


def habitat_loss(habitat: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of the habitat head and its parts; zero where no lesion of the batch is known.

    ``habitat`` [B, 5, x, y, z] logits of blocks of voxels; ``batch`` holds instances, tissue, mode,
    mimicry and low_permeability, the volumes [B, X, Y, Z] at full resolution.
    """
    slots = batch["mode"].shape[1]
    count = len(MODES)
    step = batch["tissue"].shape[-1] // habitat.shape[-1]
    stacked = []
    for value, instances, tissue, low in zip(
        habitat, batch["instances"], batch["tissue"], batch["low_permeability"], strict=True
    ):
        lesion = viable_voxels(instances, tissue, slots)
        x, y, z = torch.nonzero(lesion, as_tuple=True)
        there = value[:, x // step, y // step, z // step].T
        barrier = F.binary_cross_entropy_with_logits(there[:, -1], low[x, y, z], reduction="none")
        stacked.append(
            pool_lesions(
                torch.cat([there[:, : count + 1], barrier[:, None]], dim=1), lesion[x, y, z], slots
            )
        )
    pooled = torch.stack(stacked)
    known = (batch["mode"] >= 0) & torch.isfinite(pooled[..., 0])
    if not known.any():
        return habitat.sum() * 0.0, {}
    mode = F.cross_entropy(pooled[known][:, :count], batch["mode"][known])
    mimicry = F.binary_cross_entropy_with_logits(
        pooled[known][:, count], batch["mimicry"][known].float()
    )
    barrier = pooled[known][:, count + 1].mean()
    parts = {"mode": mode, "mimicry": mimicry, "barrier": barrier}
    return mode + 0.5 * mimicry + barrier, parts
