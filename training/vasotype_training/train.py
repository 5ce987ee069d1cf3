"""Train a model from a configuration file."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset
from vasotype_models.network import Network

from vasotype_training.config import TrainConfig, expand, read_config
from vasotype_training.data import Crops, Materials
from vasotype_training.leanings import refit_leanings
from vasotype_training.simulate.anatomy import Anatomy, RealBrain
from vasotype_training.simulate.shape import read_outlines
from vasotype_training.simulate.sources import find_sources
from vasotype_training.task import MultitaskTask, load_weights, save_weights

log = logging.getLogger(__name__)


def gather(config: TrainConfig) -> Materials:
    """Read every anatomy and labelled study of a configuration."""
    scheme = config.data.labels
    sources = find_sources([expand(p) for p in config.data.anatomies], scheme)
    real = [s for s in sources if isinstance(s, RealBrain)]
    painted = [s for s in sources if not isinstance(s, RealBrain)]
    folders = [expand(p) for p in config.data.cohorts]
    cohorts = find_sources(folders, scheme) if folders else []
    labelled = [
        s.anatomy
        for s in [*real, *cohorts]
        if isinstance(s, RealBrain) and s.anatomy.tumor is not None
    ]
    bank = config.data.outlines
    outlines = read_outlines(expand(bank)) if bank else []
    return Materials(real, painted, labelled, outlines)


class Progress(Callback):
    """One plain line every so many steps; the averaged weights after every validation."""

    def __init__(self, config: TrainConfig, folder: Path, every: int = 50) -> None:
        self.config = config
        self.folder = folder
        self.every = every
        self.started = time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:
        """Log the losses."""
        step = trainer.global_step
        if step % self.every == 0:
            values = {k: float(v) for k, v in trainer.callback_metrics.items() if "/" not in k}
            shown = " ".join(f"{k} {v:.3f}" for k, v in values.items())
            pace = (time.monotonic() - self.started) / max(1, step)
            log.info("step %d %s (%.2f s a step)", step, shown, pace)

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Store the averaged weights: they are in place until the averaging callback's turn."""
        self.store(trainer, pl_module)

    def on_validation_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Log Dice."""
        scores = {k: round(float(v), 3) for k, v in trainer.callback_metrics.items() if "val/" in k}
        log.info("step %d %s", trainer.global_step, scores)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Store the averaged weights, which the averaging callback leaves in place."""
        if self.config.initial is not None and self.config.initial_share:
            assert isinstance(pl_module, MultitaskTask)
            initial = load_weights(expand(self.config.initial))[0]
            blend(pl_module.network, initial, self.config.initial_share)
        self.store(trainer, pl_module)

    def store(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write ``weights.pt``."""
        assert isinstance(pl_module, MultitaskTask)
        initial, step = self.config.initial, trainer.global_step
        if step == 0 and self.config.optimiser.steps == 0 and initial is not None:
            step = load_weights(expand(initial))[2]["step"]
        if not trainer.is_global_zero or step == 0:
            return
        meta = {
            "step": step,
            "seed": self.config.seed,
            "config": self.config.model_dump(mode="json"),
            "torch": torch.__version__,
        }
        save_weights(self.folder / "weights.pt", pl_module.network, meta)


def blend(network: Network, others: Mapping[str, Tensor], share: float) -> None:
    """Move a network's weights towards ``others`` by ``share`` of the way."""
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            tensor.lerp_(others[name].to(tensor), share)


class Stream(lightning.LightningDataModule):
    """Training samples, different on every rank and after every resumption; steering cases."""

    def __init__(self, config: TrainConfig, materials: Materials, steering: int) -> None:
        super().__init__()
        self.config = config
        self.materials = materials
        self.steering = steering

    def train_dataloader(self) -> DataLoader[Any]:
        """Crops without end."""
        data = self.config.data
        assert self.trainer is not None
        seed = (self.config.seed, self.trainer.global_rank, self.trainer.global_step)
        return DataLoader(
            Crops(self.materials, data, seed),
            batch_size=self.config.optimiser.batch,
            num_workers=data.workers,
            prefetch_factor=8 if data.workers else None,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Numbers of the steering cases, which the task holds."""
        return DataLoader(TensorDataset(torch.arange(self.steering)), batch_size=1)


def train(config_path: Path, overrides: Sequence[str] = ()) -> Path:
    """Train by ``config_path``; returns the run's folder with ``weights.pt`` and ``last.ckpt``.

    Raises FileNotFoundError for a missing path and ValueError for a configuration that is not one.
    """
    config = read_config(config_path, tuple(overrides))
    return fit(config, gather(config))


def fit(config: TrainConfig, materials: Materials) -> Path:
    """Train on ``materials``; as :func:`train`, for runs that share what they are made of."""
    lightning.seed_everything(config.seed, workers=True)
    torch.set_flush_denormal(True)
    folder = config.output / config.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    log.info(
        "%d real and %d painted anatomies, %d labelled cases, %d outlines",
        *map(len, (materials.real, materials.painted, materials.labelled, materials.outlines)),
    )
    cases = [expand(p) for p in config.validation]
    found = find_sources(cases) if cases else []
    steering: list[Anatomy] = [s.anatomy for s in found if isinstance(s, RealBrain)]
    task = MultitaskTask(config, steering)
    progress = Progress(config, folder)
    settings: dict[str, Any] = {
        "max_steps": config.optimiser.steps,
        "gradient_clip_val": config.optimiser.clip,
        "val_check_interval": config.validate_every,
        "limit_val_batches": 1.0 if steering else 0,
        "check_val_every_n_epoch": None,
        "num_sanity_val_steps": 0,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": CSVLogger(folder, name="log"),
        "callbacks": [
            # Before the averaging, which puts the plain weights back after a validation.
            progress,
            EMAWeightAveraging(
                decay=config.optimiser.ema, update_starting_at_step=config.optimiser.warm_up
            ),
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
    stream = Stream(config, materials, len(steering))
    if config.optimiser.steps:
        resume = None if config.resume is None else expand(config.resume)
        trainer.fit(task, stream, ckpt_path=resume)
    if config.leaning_crops and trainer.is_global_zero:
        refit_leanings(task.network, materials, config.data, config.leaning_crops, config.seed)
        progress.store(trainer, task)
    return folder
