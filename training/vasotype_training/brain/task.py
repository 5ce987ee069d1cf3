"""The Lightning task of the brain network: loss and schedule."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional
from vasotype_models.brain_network import BrainNetwork
from vasotype_models.network import Architecture

from vasotype_training.brain.config import BrainConfig
from vasotype_training.optimiser import configure


class BrainTask(lightning.LightningModule):
    """Trains :class:`vasotype_models.brain_network.BrainNetwork`."""

    def __init__(self, config: BrainConfig) -> None:
        super().__init__()
        self.config = config
        self.network = BrainNetwork(Architecture(config.widths))

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        """Loss of one batch."""
        brain, tissue = self.network.logits(batch["image"], batch["ends"])
        with torch.autocast(self.device.type, enabled=False):
            mask = mask_loss(
                brain[:, 0].float(), batch["brain"], batch["tumor"], self.config.tumor_weight
            )
            kind = tissue_loss(tissue.float(), batch["tissue"])
            total = mask + self.config.tissue_weight * kind
        self.log_dict({"loss": total, "mask": mask, "tissue": kind})
        return total

    def configure_optimizers(self) -> Any:
        """AdamW, linear warm-up, cosine."""
        return configure(self.network, self.config.optimiser)


def mask_loss(logit: Tensor, brain: Tensor, tumor: Tensor, tumor_weight: float) -> Tensor:
    """Cross-entropy plus soft Dice of the brain; all [B, X, Y, Z], ``brain`` a share 0-1.

    A lesion's voxels weigh more: a mask that leaves one out is worse than one that is wide.
    """
    weight = 1 + (tumor_weight - 1) * tumor.float()
    cross = functional.binary_cross_entropy_with_logits(logit, brain, weight=weight)
    share = torch.sigmoid(logit)
    axes = (1, 2, 3)
    both = (weight * share * brain).sum(dim=axes)
    either = (weight * (share + brain)).sum(dim=axes)
    dice = (2 * both + 1) / (either + 1)
    return 2 * cross + (1 - dice).mean()


def tissue_loss(logits: Tensor, tissue: Tensor) -> Tensor:
    """Cross-entropy of CSF, grey and white matter [B, 3, X, Y, Z] where they are known."""
    known = tissue.sum(dim=1)
    losses = -(tissue * functional.log_softmax(logits, dim=1)).sum(dim=1)
    return losses.sum() / known.sum().clamp(min=1)
