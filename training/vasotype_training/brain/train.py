"""Train a brain network by its configuration."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader
from vasotype_models.brain_network import BrainNetwork

from vasotype_training.brain.config import BrainConfig
from vasotype_training.brain.data import Heads, read_heads
from vasotype_training.brain.task import BrainTask
from vasotype_training.config import expand
from vasotype_training.task import load_weights, save_weights

log = logging.getLogger(__name__)


class Store(Callback):
    """Writes the averaged weights at every checkpoint and a plain line every 50 steps."""

    def __init__(self, config: BrainConfig, averaged: EMAWeightAveraging, folder: Path) -> None:
        self.config = config
        self.averaged = averaged
        self.folder = folder
        self.started = time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:
        """Log the losses; store what there is."""
        step = trainer.global_step
        if step % 50 == 0:
            values = {k: float(v) for k, v in trainer.callback_metrics.items()}
            shown = " ".join(f"{k} {v:.3f}" for k, v in values.items())
            log.info("step %d %s (%.0f s)", step, shown, time.monotonic() - self.started)
        if step % self.config.checkpoint_every == 0:
            self.write(step)

    def on_train_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Store the final weights."""
        self.write(trainer.global_step)

    def write(self, step: int) -> None:
        """Write ``weights.pt``: half precision, averaged."""
        model = self.averaged._average_model
        if model is None or step == 0:
            return
        meta = {
            "step": step,
            "seed": self.config.seed,
            "config": self.config.model_dump(mode="json"),
            "torch": torch.__version__,
        }
        network = model.module.network
        assert isinstance(network, BrainNetwork)
        save_weights(self.folder / "weights.pt", network, meta)


def train_brain(config: BrainConfig) -> Path:
    """Train; returns the run's folder with ``weights.pt`` and ``last.ckpt``.

    Raises FileNotFoundError for a path without label maps.
    """
    lightning.seed_everything(config.seed, workers=True)
    torch.set_flush_denormal(True)
    folder = config.output / config.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    heads = read_heads([expand(path) for path in config.heads.labels])
    log.info("%d whole-head label maps", len(heads))
    task = BrainTask(config)
    if config.initial is not None:
        task.network.load_state_dict(load_weights(expand(config.initial))[0])
    averaged = EMAWeightAveraging(
        decay=config.optimiser.ema, update_starting_at_step=config.optimiser.warm_up
    )
    settings: dict[str, Any] = {
        "max_steps": config.optimiser.steps,
        "gradient_clip_val": config.optimiser.clip,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": CSVLogger(folder, name="log"),
        "callbacks": [
            averaged,
            Store(config, averaged, folder),
            ModelCheckpoint(
                folder,
                filename="last",
                every_n_train_steps=config.checkpoint_every,
                save_on_train_epoch_end=False,
                enable_version_counter=False,
            ),
        ],
        **config.trainer,
    }
    trainer = lightning.Trainer(**settings)
    stream = Heads(heads, config.heads, (config.seed, trainer.global_rank))
    loader = DataLoader(
        stream,
        batch_size=config.optimiser.batch,
        num_workers=config.heads.workers,
        prefetch_factor=8 if config.heads.workers else None,
    )
    trainer.fit(task, loader, ckpt_path=None if config.resume is None else expand(config.resume))
    return folder
