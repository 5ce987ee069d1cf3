"""Optimiser and learning rate of every network that is trained here."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from vasotype_training.config import OptimiserConfig


def configure(network: nn.Module, settings: OptimiserConfig) -> dict[str, Any]:
    """AdamW without decay of norms and biases, linear warm-up, cosine; as Lightning wants them."""
    decay = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": decay, "weight_decay": settings.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )
    floor = settings.final_rate / settings.learning_rate

    def factor(step: int) -> float:
        if step < settings.warm_up:
            return (step + 1) / settings.warm_up
        done = (step - settings.warm_up) / max(1, settings.steps - settings.warm_up)
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
