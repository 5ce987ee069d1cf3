"""Configuration of a brain network's training (``model: brain``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from vasotype_training.config import OptimiserConfig, PortablePath, Section


class HeadsConfig(Section):
    """Which heads are simulated, and how.

    A grid of ``shapes`` is drawn for each head; every side is a multiple of 16 voxels.
    """

    labels: tuple[PortablePath, ...] = Field(description="whole-head label maps; * may be used")
    spacing_mm: float = 2.5
    shapes: tuple[tuple[int, int, int], ...] = ((64, 80, 64), (64, 80, 64), (80, 96, 80))
    lesion_share: float = Field(0.4, ge=0, le=1, description="heads with lesions")
    any_share: float = Field(0.5, ge=0, le=1, description="heads of entirely random contrast")
    body_share: float = Field(0.0, ge=0, le=1, description="limbs and trunks in place of heads")
    workers: int = Field(1, ge=0)


class BrainConfig(Section):
    """Everything that makes a brain network; ``trainer`` goes to the Lightning Trainer.

    ``initial`` starts from the weights of an earlier run with fresh optimiser state; ``resume``
    continues a run that was cut off, from Lightning's own checkpoint.
    """

    model: Literal["brain"]
    name: str
    seed: int = 0
    widths: tuple[int, ...] = (16, 32, 64, 128)
    heads: HeadsConfig
    optimiser: OptimiserConfig = OptimiserConfig()
    tumor_weight: float = Field(4.0, description="weight of a lesion's voxels")
    tissue_weight: float = Field(0.4, description="weight of the tissues' loss")
    checkpoint_every: int = 250
    initial: PortablePath | None = None
    resume: PortablePath | None = None
    output: Path = Path("runs")
    trainer: dict[str, Any] = Field(
        default={"accelerator": "auto", "devices": "auto", "precision": "bf16-mixed"}
    )
