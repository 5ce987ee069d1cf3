"""Training samples for the brain network, rendered on the fly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info
from vasotype.prepare.extraction import intensity_ends

from vasotype_training.brain.body import draw_body
from vasotype_training.brain.config import HeadsConfig
from vasotype_training.brain.generate import Population, draw_plan, render
from vasotype_training.brain.heads import Head, read_head

BODIES = 16
"""Limbs and trunks of a stream; each is turned, stretched and painted anew whenever it is drawn."""


class Heads(IterableDataset[dict[str, Tensor]]):
    """Simulated heads without end; ``seed`` sets where each worker's stream begins.

    A sample holds ``image`` [1, X, Y, Z], ``ends`` [2], ``brain`` and ``tumor`` [X, Y, Z] and
    ``tissue`` [3, X, Y, Z].
    """

    def __init__(self, heads: Sequence[Head], config: HeadsConfig, seed: tuple[int, ...]) -> None:
        self.heads = heads
        self.config = config
        self.seed = seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng((*self.seed, 0 if worker is None else worker.id))
        bodies = [draw_body(rng) for _ in range(BODIES)] if self.config.body_share else []
        while True:
            body = bool(rng.random() < self.config.body_share)
            yield self.sample(bodies if body else self.heads, rng)

    def sample(self, heads: Sequence[Head], rng: np.random.Generator) -> dict[str, Tensor]:
        """One simulated head, or a part of the body that is none."""
        head = heads[int(rng.integers(len(heads)))]
        shape = self.config.shapes[int(rng.integers(len(self.config.shapes)))]
        population = Population(
            spacing_mm=self.config.spacing_mm,
            lesion_share=self.config.lesion_share,
            any_share=self.config.any_share,
        )
        plan = draw_plan(rng, population)
        if not head.brain.any():  # nothing would be left of it
            plan = replace(plan, acquisition=replace(plan.acquisition, stripped=None))
        made = render(head, plan, shape, self.config.spacing_mm)
        return {
            "image": torch.from_numpy(made.image[None]),
            "ends": torch.tensor(intensity_ends(made.image)),
            "brain": torch.from_numpy(made.brain),
            "tissue": torch.from_numpy(made.tissue),
            "tumor": torch.from_numpy(made.tumor),
        }


def read_heads(patterns: Sequence[Path]) -> list[Head]:
    """Read label maps; the last part of a path may hold wildcards.

    Raises FileNotFoundError naming the path that fits no file.
    """
    heads: list[Head] = []
    for pattern in patterns:
        found = sorted(pattern.parent.glob(pattern.name))
        if not found:
            raise FileNotFoundError(f"{pattern}: no label map here")
        heads += [read_head(path) for path in found]
    return heads
