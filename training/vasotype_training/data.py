"""Training samples: crops drawn from the simulator and from labelled tumors, on the fly.

One worker process renders; each rendered crop gives ``reuse`` samples that differ in flips,
acquisition and the sequences at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info
from vasotype_models.contract import CHANNELS, ET, MODES, NETC, QUANTITATIVE, STRUCTURAL

from vasotype_training.config import DataConfig
from vasotype_training.moves import displace, flip, turn
from vasotype_training.simulate.acquisition import Severity, degrade, degrade_map
from vasotype_training.simulate.anatomy import Anatomy, Source
from vasotype_training.simulate.look import draw_look
from vasotype_training.simulate.lookalikes import draw_lookalikes
from vasotype_training.simulate.plan import Population, draw_metastases, draw_site
from vasotype_training.simulate.render import add_lesions
from vasotype_training.simulate.scene import Scene, start_scene
from vasotype_training.simulate.shape import Box, Outline
from vasotype_training.simulate.stripping import strip_badly
from vasotype_training.simulate.visibility import measure_visibility

Sample = dict[str, Tensor]

MOST_LESIONS = 24
"""Lesion slots of a sample; further lesions train the segmentation only."""

SIZE_REFERENCE_MM3 = 3000.0
"""A lesion of volume V weighs this over V, within limits."""

HARD = Severity(poor_t1_share=0.2)
MILD = Severity(noise=0.06, thick_share=0.1)
"""A good scanner on a good day: three in ten samples; the others are hard."""

VOLUMES = ("image", "mask", "tissue", "instances", "low_permeability", "weight", "territory")
"""What flips and displacements move."""

SURROUNDINGS = 3
"""Voxels around a lesion that weigh like the lesion."""

SUBSETS: tuple[tuple[float, tuple[str, ...] | None], ...] = (
    (0.38, STRUCTURAL),
    (0.22, ("t1c", "flair")),
    (0.13, ("t1c",)),
    (0.05, ("flair",)),
    (0.22, None),
)
"""Share of samples by sequences at hand; None draws any subset with T1c or FLAIR."""


UNENHANCED_SHARE = 0.15
"""Samples with T1 and T1c in which T1 stands in the place of T1c: nothing enhances then, and
whatever looks like a ring must not be called enhancing."""

UNSEEN_CNR = 1.0
"""A rim below this contrast-to-noise ratio is not asked for as if a reader could see it."""

OWN_AXIS_SHARE = 0.3
"""Channels sliced along an axis of their own, as a coronal T1c beside a sagittal T1 is: what then
differs between the two in sulci is no enhancement."""

STRIDE = 3
"""Voxels skipped where a sample's percentiles are taken."""


@dataclass(frozen=True)
class Materials:
    """What crops are made of."""

    real: Sequence[Source]
    painted: Sequence[Source]
    labelled: Sequence[Anatomy]
    outlines: Sequence[Outline]


class Crops(IterableDataset[Sample]):
    """Endless stream of samples; ``seed`` and the worker's number fix it."""

    def __init__(self, materials: Materials, config: DataConfig, seed: tuple[int, ...]) -> None:
        self.materials = materials
        self.config = config
        self.seed = seed
        self._painted: Anatomy | None = None
        self._uses = 0

    def __iter__(self) -> Iterator[Sample]:
        """Draw crops for ever."""
        torch.set_num_threads(1)
        info = get_worker_info()
        worker = 0 if info is None else info.id
        rng = np.random.default_rng([*self.seed, worker])
        while True:
            if self.materials.labelled and rng.random() < self.config.labelled_share:
                scene = self._labelled(rng)
            else:
                scene = self.simulate(self.draw_anatomy(rng), rng)
            if rng.random() < self.config.turned_share:
                scene = turn(scene, rng)
            for _ in range(self.config.reuse):
                yield make_sample(scene, rng)

    def draw_anatomy(self, rng: np.random.Generator) -> Anatomy:
        """A real brain, or a painted one that is painted anew every few crops."""
        real, painted = self.materials.real, self.materials.painted
        if real and (not painted or rng.random() < self.config.real_share):
            return _pick(real, rng).draw(rng)
        if self._painted is None or self._uses >= self.config.repaint:
            self._painted, self._uses = _pick(painted, rng).draw(rng), 0
        self._uses += 1
        return self._painted

    def simulate(
        self, anatomy: Anatomy, rng: np.random.Generator, *, with_maps: bool | None = None
    ) -> Scene:
        """A crop with new lesions; maps come by chance unless ``with_maps`` says so."""
        config = self.config
        if with_maps is None:
            with_maps = bool(rng.random() < config.map_share)
        box = draw_box(anatomy, config.crop, rng)
        inner = _shrink(box, 8)
        look = draw_look(anatomy, rng, (2.0, 10.0))
        scene = start_scene(anatomy, box, rng, with_maps)
        negative = rng.random() < config.lookalike_share / max(1 - config.labelled_share, 1e-6)
        plan = draw_lookalikes(anatomy, inner, int(rng.integers(0, 11 if negative else 6)), rng)
        if not negative:
            population = Population(
                log_uniform_mm=config.diameter_mm,
                free_share=config.free_share,
                ring_centre_mm=config.ring_centre_mm,
                cluster_share=0.2,
            )
            count = int(rng.integers(config.lesions[0], config.lesions[1] + 1))
            plan += draw_metastases(anatomy, inner, count, population, self.materials.outlines, rng)
        scene = add_lesions(anatomy, scene, box, plan, look)
        return strip_badly(scene, rng) if rng.random() < config.badly_stripped_share else scene

    def _labelled(self, rng: np.random.Generator) -> Scene:
        anatomy = self.materials.labelled[int(rng.integers(len(self.materials.labelled)))]
        assert anatomy.tumor is not None
        region = anatomy.tumor > 0 if rng.random() < 0.6 else np.isin(anatomy.tumor, (NETC, ET))
        where = np.argwhere(region)
        if len(where) == 0:
            where = np.argwhere(anatomy.mask)
        centre = where[int(rng.integers(len(where)))]
        box = _box_around(centre + rng.integers(-20, 21, 3), self.config.crop, anatomy.shape)
        return start_scene(anatomy, box, rng, with_maps=False)


def _pick(sources: Sequence[Source], rng: np.random.Generator) -> Source:
    return sources[int(rng.integers(len(sources)))]


def draw_box(anatomy: Anatomy, crop: tuple[int, int, int], rng: np.random.Generator) -> Box:
    """A box of ``crop`` voxels (less where the anatomy is smaller) around a place for lesions."""
    whole = tuple(slice(0, n) for n in anatomy.shape)
    site = draw_site(anatomy, (whole[0], whole[1], whole[2]), rng)
    centre = np.array(site if site is not None else [n / 2 for n in anatomy.shape])
    jitter = rng.integers(-24, 25, 3)
    return _box_around(np.round(centre).astype(int) + jitter, crop, anatomy.shape)


def _box_around(
    centre: NDArray[np.int64], crop: tuple[int, int, int], shape: tuple[int, int, int]
) -> Box:
    starts = [
        int(np.clip(c - size // 2, 0, max(0, n - size)))
        for c, size, n in zip(centre, crop, shape, strict=True)
    ]
    x, y, z = (
        slice(start, min(start + size, n))
        for start, size, n in zip(starts, crop, shape, strict=True)
    )
    return x, y, z


def _shrink(box: Box, margin: int) -> Box:
    x, y, z = (slice(s.start + margin, max(s.stop - margin, s.start + margin + 1)) for s in box)
    return x, y, z


def size_weights(
    tissue: NDArray[np.uint8], unseen: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Weight and territory of each voxel [X, Y, Z].

    The weight is the reference volume over the volume of the voxel's core component: at least 1, 1
    away from cores, not yet capped. A lesion's surroundings weigh as much as the lesion, so that
    finding it pays and blowing it up does not. The territory is the number of the nearest
    component, from 1, so that whatever is found in the wrong place costs some lesion its Dice; 0
    where there is no lesion. Components that touch ``unseen`` voxels weigh 1 and have no territory.
    """
    core = np.isin(tissue, (NETC, ET))
    labels, count = ndimage.label(core, np.ones((3, 3, 3)))
    volume = np.bincount(labels.ravel(), minlength=count + 1).astype(np.float32)
    weight = np.maximum(SIZE_REFERENCE_MM3 / np.maximum(volume, 1), 1)
    number = np.arange(count + 1)
    if unseen is not None:
        hidden = np.unique(labels[unseen])
        weight[hidden], number[hidden] = 1, 0
    weight[0] = 1
    around: NDArray[np.float32] = ndimage.maximum_filter(weight[labels], 2 * SURROUNDINGS + 1)
    if count:
        place = ndimage.distance_transform_edt(
            labels == 0, return_distances=False, return_indices=True
        )
        labels = number[labels[tuple(place)]]
    return around, labels.astype(np.int64)


def draw_present(channels: Sequence[str], rng: np.random.Generator) -> NDArray[np.float32]:
    """Availability [7] of one sample, among the ``channels`` at hand."""
    have = [c for c in STRUCTURAL if c in channels]
    chosen = SUBSETS[int(rng.choice(len(SUBSETS), p=[share for share, _ in SUBSETS]))][1]
    if chosen is None:
        chosen = tuple(c for c in STRUCTURAL if rng.random() < 0.6)
    picked = [c for c in chosen if c in have]
    if not {"t1c", "flair"} & set(picked):
        picked += [c for c in ("t1c", "flair") if c in have][:1]
    picked += [c for c in QUANTITATIVE if c in channels and rng.random() < 0.7]
    return np.array([c in picked for c in CHANNELS], np.float32)


def make_sample(scene: Scene, rng: np.random.Generator) -> Sample:
    """One augmented sample of a scene: acquisition, availability, flips, displacement."""
    present = draw_present([*scene.images, *scene.maps], rng)
    sample = acquire(scene, present, rng)
    volumes = {name: sample[name].numpy() for name in VOLUMES}
    volumes = displace(flip(volumes, rng), rng)
    moved = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in volumes.items()}
    return sample | moved


def acquire(scene: Scene, present: NDArray[np.float32], rng: np.random.Generator) -> Sample:
    """A scene as scanned: the channels that are ``present`` [7], with everything a loss needs.

    ``image`` [7, X, Y, Z], ``mask`` [1, X, Y, Z], ``stats`` [7, 2], ``present`` [7]; ``enhanced``
    is 0 where T1 stands in the place of T1c, and then no label is ET; [X, Y, Z]: ``tissue``,
    ``instances``, ``low_permeability``, ``weight``, ``territory``; [slots]: ``mode``, ``mimicry``.
    """
    axis = int(rng.choice(3, p=(0.15, 0.15, 0.7)))
    axes = {c: int(rng.choice(3)) if rng.random() < OWN_AXIS_SHARE else axis for c in CHANNELS}
    severity = HARD if rng.random() < 0.7 else MILD
    have = {c for c, there in zip(CHANNELS, present, strict=True) if there}
    enhanced = not ({"t1", "t1c"} <= have and rng.random() < UNENHANCED_SHARE)
    clean = dict(scene.images)
    acquired: dict[str, NDArray[np.float32]] = {}
    for channel in STRUCTURAL:
        if channel in have:
            acquired[channel] = degrade(clean[channel], severity, rng, axes[channel], channel)
    copied = not enhanced and rng.random() < 0.5
    if not enhanced:
        clean["t1c"] = clean["t1"]
        again = degrade(clean["t1"], severity, rng, axes["t1c"], "t1c")
        acquired["t1c"] = acquired["t1"] if copied else again
    stats = np.zeros((len(CHANNELS), 2), np.float32)
    stats[:, 1] = 1
    image = np.zeros((len(CHANNELS), *scene.mask.shape), np.float32)
    for index, channel in enumerate(CHANNELS):
        if channel in acquired:
            image[index] = acquired[channel]
            stats[index] = draw_statistics(clean[channel], acquired[channel], scene.mask, rng)
        elif channel in have:
            noise = rng.uniform(0.05, 0.3)
            image[index] = degrade_map(scene.maps[channel], noise, rng, axes[channel], channel)
    if copied:
        stats[CHANNELS.index("t1c")] = stats[CHANNELS.index("t1")]
    mode, mimicry = lesion_targets(scene)
    seen = replace(scene, images=acquired)
    unseen = [n for n, v in measure_visibility(seen).items() if v.best < UNSEEN_CNR]
    weight, territory = size_weights(scene.tissue, np.isin(scene.instances, unseen))
    tissue = scene.tissue.astype(np.int64)
    if not enhanced:
        tissue[tissue == ET] = NETC
    arrays = {
        "image": image,
        "mask": scene.mask[None].astype(np.float32),
        "tissue": tissue,
        "instances": scene.instances.astype(np.int64),
        "low_permeability": scene.low_permeability.astype(np.float32),
        "weight": weight,
        "territory": territory,
        "present": present,
        "enhanced": np.float32(enhanced),
        "stats": stats,
        "mode": mode if enhanced else np.full_like(mode, -1),
        "mimicry": mimicry,
    }
    return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}


def draw_statistics(
    clean: NDArray[np.float32],
    acquired: NDArray[np.float32],
    mask: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Location and scale that the whole brain would have after this acquisition.

    ``clean`` has location 0 and scale 1 over its own brain; noise, bias and gamma move both as they
    move the crop's. Tumor itself moves a brain's median and percentiles, the more of it the
    further: that part is drawn.
    """
    inside = mask[::STRIDE, ::STRIDE, ::STRIDE]
    location, scale = float(rng.normal(0, 0.12)), float(np.exp(rng.normal(0.02, 0.12)))
    if not inside.any():
        return location, scale
    (low, middle, high), (low_, middle_, high_) = (
        np.percentile(v[::STRIDE, ::STRIDE, ::STRIDE][inside], (5, 50, 95))
        for v in (clean, acquired)
    )
    change = np.clip((high_ - low_) / max(high - low, 1e-3), 0.5, 2.0)
    return location + float(middle_ - middle), scale * float(change)


def lesion_targets(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Mode index and mimicry (0, 1) of each lesion slot; -1 is unknown or empty."""
    mode = np.full(MOST_LESIONS, -1, np.int64)
    mimicry = np.full(MOST_LESIONS, -1, np.int64)
    for lesion in scene.truth:
        if lesion.id > MOST_LESIONS:
            continue
        if lesion.mode is not None:
            mode[lesion.id - 1] = MODES.index(lesion.mode)
        if lesion.mimicry is not None:
            mimicry[lesion.id - 1] = int(lesion.mimicry)
    return mode, mimicry
