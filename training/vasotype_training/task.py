"""The Lightning task: losses, schedule, validation on real cases, weights on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor
from vasotype_models.brain_network import BrainNetwork
from vasotype_models.contract import CHANNELS, STRUCTURAL
from vasotype_models.network import Architecture, Network

from vasotype_training.config import TrainConfig, expand
from vasotype_training.losses import (
    REGIONS,
    TissueWeights,
    habitat_loss,
    lesion_loss,
    tissue_loss,
)
from vasotype_training.optimiser import configure
from vasotype_training.simulate.anatomy import Anatomy

REGION_NAMES = ("whole", "core", "enhancing")


class MultitaskTask(lightning.LightningModule):
    """Trains :class:`vasotype_models.network.Network`; validates on the ``steering`` cases."""

    def __init__(self, config: TrainConfig, steering: Sequence[Anatomy] = ()) -> None:
        super().__init__()
        self.config = config
        self.steering = steering
        self.network = Network(Architecture(config.widths))
        if config.initial is not None:
            self.network.load_state_dict(load_weights(expand(config.initial))[0])

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        """Loss of one batch."""
        loss = self.config.loss
        late = int(self.global_step >= loss.switch * self.config.optimiser.steps)
        tissue_logits, habitat, coarse = self.network.logits(
            batch["image"], batch["mask"], batch["present"], batch["stats"]
        )
        contrast = batch["present"][:, CHANNELS.index("t1c")]
        sure = contrast * batch["enhanced"]
        core = sure + (1 - sure) * loss.no_contrast
        # With T1 in the place of T1c it is known that nothing enhances.
        enhancing = contrast + (1 - contrast) * loss.no_contrast
        weights = TissueWeights(
            miss=loss.miss_weight[late],
            cap=loss.size_cap[late],
            regions=torch.stack([torch.ones_like(core), core, enhancing], dim=1),
        )
        # Softmax and logarithms in bfloat16 lose small lesions: losses run in float32.
        with torch.autocast(self.device.type, enabled=False):
            tissue = tissue_loss(tissue_logits.float(), batch["tissue"], batch["weight"], weights)
            step = coarse.shape[-1]
            stride = batch["tissue"].shape[-1] // step
            thin = (slice(None), *[slice(stride // 2, None, stride)] * 3)
            deep = tissue_loss(
                coarse.float(), batch["tissue"][thin], batch["weight"][thin], weights
            )
            head, parts = habitat_loss(habitat.float(), batch)
            single = lesion_loss(
                tissue_logits.float(), batch["tissue"], batch["territory"], weights
            )
            total = tissue + loss.lesion * single + loss.coarse * deep + loss.habitat * head
        shown = {"loss": total, "tissue": tissue, "lesion": single, "habitat": head}
        self.log_dict(shown | parts)
        return total

    def validation_step(self, case: list[Tensor], _: int) -> None:
        """Dice of one steering case (by its number), all sequences, whole brain."""
        anatomy = self.steering[int(case[0])]
        dice = segment_dice(self.network, anatomy)
        short = anatomy.name.replace("BraTS", "").replace("Brats", "")[-12:]
        for name, value in zip(REGION_NAMES, dice, strict=True):
            self.log(f"val/{short}/{name}", value, batch_size=1)
            self.log(f"val/{name}", value, batch_size=1, on_epoch=True)

    def configure_optimizers(self) -> Any:
        """AdamW, linear warm-up, cosine."""
        return configure(self.network, self.config.optimiser)


def case_tensors(anatomy: Anatomy) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Graph inputs of a whole labelled case: image, mask, present, stats (batch of one)."""
    shape = anatomy.shape
    image = torch.zeros(1, len(CHANNELS), *shape)
    present = torch.zeros(1, len(CHANNELS))
    stats = torch.zeros(1, len(CHANNELS), 2)
    stats[..., 1] = 1
    for index, channel in enumerate(STRUCTURAL):
        if channel in anatomy.images:
            image[0, index] = torch.from_numpy(anatomy.images[channel].astype("float32"))
            present[0, index] = 1
    mask = torch.from_numpy(anatomy.mask)[None, None].float()
    return image, mask, present, stats


@torch.no_grad()
def segment_dice(network: Network, anatomy: Anatomy) -> tuple[float, float, float]:
    """Dice of whole tumor, core and enhancing tumor of one labelled case."""
    image, mask, present, stats = case_tensors(anatomy)
    device = next(network.parameters()).device
    present, stats = present.to(device), stats.to(device)

    def predict(tile: Tensor) -> Tensor:
        return network(tile[:, :-1], tile[:, -1:], present, stats)[0].float()

    volume = torch.cat([image, mask], dim=1).to(device)
    tissue = sliding_window_inference(
        volume, (96, 96, 96), 1, predict, overlap=0.25, mode="gaussian"
    )
    assert isinstance(tissue, Tensor)
    assert anatomy.tumor is not None
    truth = torch.from_numpy(anatomy.tumor).to(device)
    scores = []
    for region in REGIONS:
        found = tissue[0, list(region)].sum(dim=0) > 0.5
        real = torch.isin(truth, torch.tensor(region, device=device, dtype=truth.dtype))
        total = int(found.sum() + real.sum())
        scores.append(2.0 * int((found & real).sum()) / total if total else 1.0)
    return scores[0], scores[1], scores[2]


def save_weights(path: Path, network: Network | BrainNetwork, meta: dict[str, Any]) -> None:
    """Write the weights in half precision with what made them, under a temporary name first."""
    state = {name: tensor.detach().cpu().half() for name, tensor in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(".partial")
    torch.save(
        {"network": state, "architecture": asdict(network.architecture), "meta": json.dumps(meta)},
        waiting,
    )
    waiting.replace(path)


def load_weights(path: Path) -> tuple[dict[str, Tensor], Architecture, dict[str, Any]]:
    """Weights (float32), architecture and what made them."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    state = {name: tensor.float() for name, tensor in stored["network"].items()}
    widths: Sequence[int] = stored["architecture"]["widths"]
    return state, Architecture(tuple(widths)), json.loads(stored["meta"])
