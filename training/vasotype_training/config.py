"""Training configuration: one YAML file, checked, with environment variables in its paths."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Section(BaseModel):
    """Immutable part of a configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def expand(path: Path) -> Path:
    """Resolve ``${NAME}`` and ``~``; raises ValueError where the variable is not set."""
    text = os.path.expandvars(str(path))
    if "$" in text:
        raise ValueError(f"{path}: the environment variable in this path is not set")
    return Path(text).expanduser()


def _resolvable(path: Path) -> Path:
    """Check early, but keep the path as written: configurations travel with the weights."""
    expand(path)
    return path


PortablePath = Annotated[Path, AfterValidator(_resolvable)]
"""A path that may hold environment variables; :func:`expand` resolves it where it is used."""


class DataConfig(Section):
    """Where crops come from and in which shares.

    ``lookalike_share`` of the crops hold look-alikes only, ``labelled_share`` come from labelled
    tumors; the rest are simulated metastases.
    """

    anatomies: tuple[PortablePath, ...] = ()
    cohorts: tuple[PortablePath, ...] = Field(
        (), description="labelled studies that train without being backgrounds for lesions"
    )
    labels: dict[str, tuple[int, ...]] | None = Field(
        None, description="NETC, SNFH and ET values of cases that do not name their scheme"
    )
    outlines: PortablePath | None = Field(None, description="folder of real lesion outlines")
    crop: tuple[int, int, int] = (96, 96, 96)
    lookalike_share: float = Field(0.2, ge=0, le=1)
    labelled_share: float = Field(0.2, ge=0, le=1)
    real_share: float = Field(0.75, ge=0, le=1, description="real anatomies among real and painted")
    map_share: float = Field(0.35, ge=0, le=1, description="crops with perfusion and PET maps")
    free_share: float = Field(0.35, ge=0, le=1, description="metastases of free contrast")
    diameter_mm: tuple[float, float] = (2.2, 42.0)
    ring_centre_mm: float = 13.0
    lesions: tuple[int, int] = (1, 6)
    badly_stripped_share: float = Field(
        0.2, ge=0, le=1, description="simulated crops with a flawed brain mask"
    )
    turned_share: float = Field(0.4, ge=0, le=1, description="crops turned and scaled")
    reuse: int = Field(2, ge=1, description="augmented samples drawn from one rendered crop")
    repaint: int = Field(12, ge=1, description="crops taken from one painting of a label map")
    workers: int = Field(1, ge=0)


class LossConfig(Section):
    """Recall first, balance later: values before and after ``switch`` (share of the steps)."""

    miss_weight: tuple[float, float] = Field((0.7, 0.5), description="Tversky weight of misses")
    size_cap: tuple[float, float] = Field(
        (30.0, 6.0), description="largest weight of a small lesion"
    )
    switch: float = Field(0.6, ge=0, le=1)
    lesion: float = Field(1.0, description="weight of the Dice taken lesion by lesion")
    habitat: float = 0.25
    coarse: float = 0.3
    no_contrast: float = Field(0.2, description="weight of core and ET without T1c")


class OptimiserConfig(Section):
    """AdamW under a warm-up and a cosine."""

    learning_rate: float = 1e-3
    final_rate: float = 1e-5
    weight_decay: float = 1e-4
    warm_up: int = 200
    batch: int = 1
    steps: int = Field(4000, ge=0)
    ema: float = 0.998
    clip: float = 5.0


class TrainConfig(Section):
    """Everything that makes a training run.

    ``trainer`` goes to the Lightning Trainer as it is: accelerator, devices, strategy, precision,
    num_nodes, ... ``initial`` starts from the weights of an earlier run with fresh optimiser state;
    ``initial_share`` of them stays in the final ones: the mean of two rounds, as in model soups
    (Wortsman et al., ICML 2022). ``resume`` continues a run that was cut off, from
    Lightning's own checkpoint. ``leaning_crops`` follow the steps, or stand alone with none.
    """

    name: str
    seed: int = 0
    widths: tuple[int, ...] = (24, 48, 96, 160)
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    validation: tuple[PortablePath, ...] = Field((), description="labelled studies that steer")
    validate_every: int = 500
    checkpoint_every: int = 500
    initial: PortablePath | None = None
    initial_share: float = Field(
        0.0, ge=0, le=1, description="share of the initial weights in those stored at the end"
    )
    resume: PortablePath | None = None
    leaning_crops: int = Field(
        0, ge=0, description="simulated crops that the last layer of the leanings is fitted on"
    )
    output: Path = Path("runs")
    trainer: dict[str, Any] = Field(
        default={"accelerator": "auto", "devices": "auto", "precision": "bf16-mixed"}
    )


def read_config(path: Path, overrides: tuple[str, ...] = ()) -> TrainConfig:
    """Read the configuration of a multitask network; ``overrides`` as in :func:`read_tree`.

    Raises FileNotFoundError, and ValueError naming the key that is unknown or ill-typed.
    """
    return TrainConfig.model_validate(read_tree(path, overrides))


def read_tree(path: Path, overrides: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a YAML file unchecked; ``overrides`` are ``section.key=value`` (the value is YAML)."""
    with path.open(encoding="utf-8") as stream:
        tree: dict[str, Any] = yaml.safe_load(stream) or {}
    return overridden(tree, overrides)


def overridden(tree: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A copy of a tree with each ``section.key=value`` (the value is YAML) in its place."""
    tree = copy.deepcopy(tree)
    for item in overrides:
        key, _, value = item.partition("=")
        *parents, last = key.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = yaml.safe_load(value)
    return tree
