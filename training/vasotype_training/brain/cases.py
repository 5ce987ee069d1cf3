"""Heads with a known brain, to measure a brain network on: simulated ones, and real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from vasotype.findings import StudyError
from vasotype.stages import Grid, Mask, Volume
from vasotype.study.naming import stem
from vasotype.study.nifti import read_volume

from vasotype_training.brain.generate import Population, draw_plan, render
from vasotype_training.brain.heads import read_head

SEQUENCES = ("t1c", "t1", "t2", "flair")
MASK = "brain_mask"

TEST_SHAPE = (96, 112, 96)
TEST_SEED = 20261124
TEST_POPULATION = Population(spacing_mm=2.0, lesion_share=1.0, surface_share=0.25)
"""Simulated heads to measure on: every one with lesions, a quarter with all of them at the brain's
surface; drawn on a finer grid than the network's, with the same ranges as in training."""


@dataclass(frozen=True)
class Case:
    """A head and its brain; ``tumor`` and ``surface`` are known of simulated heads only."""

    name: str
    group: str
    head: Volume
    brain: Mask
    tumor: Mask | None = None
    surface: bool = False


@dataclass(frozen=True)
class CaseSet:
    """Where cases come from: label maps to simulate ``count`` heads from, or folders of real
    heads."""

    path: Path
    maps: tuple[Path, ...]
    pairs: tuple[tuple[Path, Path], ...]
    count: int

    @property
    def simulated(self) -> bool:
        """Whether the heads are simulated."""
        return bool(self.maps)

    def __len__(self) -> int:
        return self.count if self.simulated else len(self.pairs)

    def digest(self) -> str:
        """sha256 over the files and, of simulated heads, what is drawn from them."""
        total = hashlib.sha256()
        for path in self.maps or [p for pair in self.pairs for p in pair]:
            total.update(path.read_bytes())
        if self.simulated:
            total.update(repr((TEST_POPULATION, TEST_SHAPE, TEST_SEED, self.count)).encode())
        return total.hexdigest()

    def __iter__(self) -> Iterator[Case]:
        return self._simulated() if self.simulated else map(_read_pair, self.pairs)

    def _simulated(self) -> Iterator[Case]:
        """Heads from each label map in turn, so that one map at a time is in memory."""
        grid = Grid(TEST_SHAPE, np.diag([*[TEST_POPULATION.spacing_mm] * 3, 1.0]))
        for place, path in enumerate(self.maps):
            head = read_head(path)
            for number in range(place, self.count, len(self.maps)):
                plan = draw_plan(np.random.default_rng((TEST_SEED, number)), TEST_POPULATION)
                # A stripped head is recognised and left alone before any extraction.
                plan = replace(plan, acquisition=replace(plan.acquisition, stripped=None))
                made = render(head, plan, TEST_SHAPE, TEST_POPULATION.spacing_mm)
                name = f"{head.name}-{number:03d}"
                volume = Volume(made.image, grid, label=name)
                group = plan.contrast.sequence
                yield Case(name, group, volume, made.brain > 0.5, made.tumor, plan.surface)


def find_cases(path: Path, count: int) -> CaseSet:
    """Cases of a path: label maps (a file, a pattern with wildcards in its last part, or a folder)
    from which ``count`` heads are simulated, or real heads with ``*brain_mask*`` beside them in the
    folders below.

    A mask called ``NAME_brain_mask`` is that of the image NAME; any other, that of the sequences
    on its grid. Raises StudyError ``truth-missing`` where there is neither.
    """
    if path.is_dir():
        pairs = [
            pair
            for folder in sorted({mask.parent for mask in path.rglob(f"*{MASK}*")})
            for pair in _pairs(folder)
        ]
        if pairs:
            return CaseSet(path, (), tuple(pairs), count)
        maps = sorted(file for file in path.iterdir() if stem(file.name))
    else:
        maps = sorted(path.parent.glob(path.name))
    if not maps:
        raise StudyError("truth-missing", f"{path.name}: neither label maps nor brain masks here")
    return CaseSet(path, tuple(maps), (), count)


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Images of a folder with the mask that is theirs."""
    names = {path: stem(path.name) or "" for path in sorted(folder.iterdir())}
    masks = {path: name for path, name in names.items() if MASK in name}
    for path, name in names.items():
        if path in masks or not name.lower().startswith(SEQUENCES):
            continue
        own = [mask for mask, title in masks.items() if title == f"{name}_{MASK}"]
        fitting = [mask for mask in masks if _same_grid(path, mask)]
        for mask in (own or fitting)[:1]:
            yield path, mask


def _same_grid(image: Path, mask: Path) -> bool:
    first, second = (read_volume(path, structural=False)[0].grid for path in (image, mask))
    return first.shape == second.shape and np.allclose(first.affine, second.affine, atol=1e-2)


def _read_pair(pair: tuple[Path, Path]) -> Case:
    image, mask = pair
    head, _ = read_volume(image)
    truth, _ = read_volume(mask, structural=False)
    name = stem(image.name) or image.name
    return Case(f"{image.parent.name} {name}", name.split("_")[0], head, truth.data > 0.5)
