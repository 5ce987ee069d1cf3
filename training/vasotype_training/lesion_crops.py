"""Crops with many simulated lesions: cheap small studies to calibrate and to evaluate on.

A crop stands for one patient: its lesions share a primary tumor, a tendency to edema, a protocol
and a scanner.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from vasotype.perfusion.series import PerfusionSeries
from vasotype.stages import Grid, Prepared, Volume
from vasotype_models.contract import CHANNELS, MODES, STRUCTURAL

from vasotype_training.data import draw_box
from vasotype_training.simulate.acquisition import Severity
from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.simulate.biology import LATENTS, PRIMARIES, draw_latents
from vasotype_training.simulate.look import draw_look
from vasotype_training.simulate.lookalikes import draw_lookalikes
from vasotype_training.simulate.plan import Lesion, Population, draw_metastases
from vasotype_training.simulate.render import add_lesions
from vasotype_training.simulate.scanning import draw_scan, scan_scene
from vasotype_training.simulate.scene import Scene, start_scene
from vasotype_training.simulate.shape import Box, Outline
from vasotype_training.simulate.sources import find_sources
from vasotype_training.simulate.study import PERFUSION, StudyOptions
from vasotype_training.simulate.study_series import box_affine, draw_series, tissue_of

CROP = (96, 96, 96)
INSET = 10
"""Voxels between a crop's border and the nearest centre of a lesion."""
PER_ANATOMY = 5
"""Crops taken from one anatomy before the next is read or painted, which takes seconds."""
ORDER_STREAM, ANATOMY_STREAM = 6, 7
"""Parts of a stream's seed: the order of the anatomies, and how each is drawn."""
TRIED = 8
"""Lesions tried in a crop; those that lie apart from all before them stay. With many more, edema
flows together everywhere, as it hardly does in patients."""
APART_MM = 6.0
"""Least gap between lesions, so that each is found as one."""

Change = Callable[[Lesion, np.random.Generator], Lesion]

VISIBLE = Population(log_normal_mm=(9.5, 0.50), limits_mm=(4.0, 50.0), cluster_share=0.0)
"""Sizes of the cohorts' lesions from about 5 mm up: smaller ones get no phenotype."""


@dataclass(frozen=True)
class CropOptions:
    """What crops are like: as studies of a cohort, with ``change`` applied to each lesion.

    ``channels`` are those that the patient has; with ``series`` DSC and DCE series stand for the
    maps of blood volume and Ktrans. One seed gives the same patients whatever these three are.
    """

    study: StudyOptions = field(
        default_factory=lambda: StudyOptions(population=VISIBLE, badly_stripped_share=0.0)
    )
    change: Change | None = None
    channels: tuple[str, ...] = CHANNELS
    series: bool = False


def shifted() -> CropOptions:
    """Thicker slices, more noise and bias, earlier or later contrast, new contrasts."""
    return CropOptions(
        StudyOptions(
            population=replace(VISIBLE, tumor_spread=0.25),
            severity=Severity(thick_share=0.9, thickest_mm=7.0, noise=0.40, bias=0.6, shift_mm=2.0),
            delay_min=(2.0, 12.0),
            contrast_spread=0.45,
            badly_stripped_share=0.0,
        )
    )


@dataclass(frozen=True)
class Crop:
    """One simulated patient: what the runtime is given, and the truth [X, Y, Z] beside it.

    ``series`` are its dynamic series, where it has these in place of maps.
    """

    prepared: Prepared
    scene: Scene
    series: PerfusionSeries | None = None

    def with_only(self, channels: Collection[str]) -> Crop:
        """The same patient where only ``channels`` were acquired."""
        present = tuple(c in channels and c in self.prepared.channels for c in CHANNELS)
        return replace(self, prepared=replace(self.prepared, present=present))


@dataclass(frozen=True)
class Patient:
    """A simulated patient before any scan: ``scene`` lies at ``box`` of the anatomy."""

    anatomy: Anatomy
    box: Box
    scene: Scene


class CropStream:
    """Crops of one population in the anatomies at ``places``; ``seed`` fixes them all.

    Anatomies take turns, in an order drawn once, so that a few patients meet many kinds of them.
    They are read when their turn comes; those that can't be read, or lack one of the four
    structural sequences, are passed over.
    """

    def __init__(
        self,
        places: Sequence[Path],
        outlines: Sequence[Outline],
        options: CropOptions,
        seed: tuple[int, ...],
    ) -> None:
        order = np.random.default_rng([*seed, ORDER_STREAM]).permutation(len(places))
        self.places = [places[n] for n in order]
        self.outlines, self.options, self.seed = outlines, options, seed
        self._batch = -1
        self._anatomy: Anatomy | None = None

    def crop(self, number: int) -> Crop:
        """Crop ``number`` of the stream; raises ValueError where no anatomy will do."""
        return self.visits(number, 1)[0]

    def visits(self, number: int, visits: int) -> list[Crop]:
        """Patient ``number``, unchanged and scanned ``visits`` times."""
        rng, changes = (np.random.default_rng([*self.seed, number, *part]) for part in ((), (1,)))
        anatomy = self._turn(number // PER_ANATOMY)
        patient = draw_patient(anatomy, self.outlines, self.options, rng, changes)
        return [scan_patient(patient, self.options, rng) for _ in range(visits)]

    def _turn(self, batch: int) -> Anatomy:
        if self._anatomy is not None and self._batch == batch:
            return self._anatomy
        rng = np.random.default_rng([*self.seed, ANATOMY_STREAM, batch])
        for n in range(len(self.places)):
            place = self.places[(batch + n) % len(self.places)]
            try:
                anatomy = find_sources([place])[0].draw(rng)
            except FileNotFoundError:  # a study that can't serve, such as one with pseudo-labels
                continue
            if set(STRUCTURAL) <= set(anatomy.images):
                self._anatomy, self._batch = anatomy, batch
                return anatomy
        raise ValueError("no anatomy has all four structural sequences")


def draw_patient(
    anatomy: Anatomy,
    outlines: Sequence[Outline],
    options: CropOptions,
    rng: np.random.Generator,
    changes: np.random.Generator,
) -> Patient:
    """Draw one patient; ``changes`` is what the options' change of a lesion draws from."""
    study = options.study
    box = draw_box(anatomy, CROP, rng)
    look = draw_look(anatomy, rng, study.delay_min, study.contrast_spread)
    scene = start_scene(anatomy, box, rng, with_maps=True)
    x, y, z = (slice(s.start + INSET, max(s.stop - INSET, s.start + INSET + 1)) for s in box)
    plan = draw_lookalikes(anatomy, (x, y, z), int(rng.integers(0, 4)), rng)
    drawn = draw_metastases(anatomy, (x, y, z), TRIED, study.population, outlines, rng)
    metastases = _apart(drawn)
    if options.change is not None:
        metastases = [options.change(lesion, changes) for lesion in metastases]
    return Patient(anatomy, box, add_lesions(anatomy, scene, box, [*plan, *metastases], look))


def scan_patient(patient: Patient, options: CropOptions, rng: np.random.Generator) -> Crop:
    """One examination of a patient, prepared; every call draws another scan."""
    scan = draw_scan(STRUCTURAL, options.study.severity, 0.0, rng)
    scanned = scan_scene(patient.scene, scan)
    channels, series = options.channels, None
    if options.series:
        channels = tuple(c for c in channels if c not in PERFUSION)
        about = np.random.default_rng(scan.seed)
        tissue = tissue_of(patient.scene, patient.anatomy, patient.box, about)
        series = draw_series(tissue, about)
    prepared = _prepared(scanned, patient.anatomy, patient.box, channels)
    return Crop(prepared, scanned, series)


def _apart(lesions: Sequence[Lesion]) -> list[Lesion]:
    """The lesions in their order, without those too near to one that stays."""
    kept: list[Lesion] = []
    for lesion in lesions:
        gaps = [
            float(np.linalg.norm(np.subtract(lesion.centre, other.centre)))
            - (lesion.diameter_mm + other.diameter_mm) / 2
            for other in kept
        ]
        if all(gap >= APART_MM for gap in gaps):
            kept.append(lesion)
    return kept


def without_edema_link(lesion: Lesion, rng: np.random.Generator) -> Lesion:
    """The lesion with the edema of a mode drawn anew, so that edema says nothing about its mode."""
    if lesion.biology is None or not lesion.edema_ml:
        return lesion
    other = draw_latents(str(rng.choice(MODES)), float(rng.normal()), rng)
    scale = float(np.exp(other[LATENTS.index("edema")])) / lesion.biology.edema_ratio
    return replace(lesion, edema_ml=min(lesion.edema_ml * scale, 80.0))


PRIMARY_BY_MODE = {
    "angiogenic": {"melanoma": 0.05, "renal": 0.05, "other": 0.90},
    "intermediate": {"melanoma": 0.15, "renal": 0.10, "other": 0.75},
    "co_option": {"melanoma": 0.30, "renal": 0.20, "other": 0.50},
}
"""Shares of primaries where they follow the mode, so that blood volume misleads (ours)."""


def with_linked_primary(lesion: Lesion, rng: np.random.Generator) -> Lesion:
    """The lesion with the blood volume of a primary that is drawn by its mode."""
    if lesion.biology is None:
        return lesion
    shares = PRIMARY_BY_MODE[lesion.biology.mode]
    shift = PRIMARIES[str(rng.choice(list(shares), p=list(shares.values())))].rcbv_shift
    if lesion.patient is not None:
        shift -= PRIMARIES[lesion.patient.primary].rcbv_shift
    rcbv = float(np.clip(lesion.biology.rcbv * np.exp(shift), 0.3, 25.0))
    return replace(lesion, biology=replace(lesion.biology, rcbv=rcbv))


def _prepared(scene: Scene, anatomy: Anatomy, box: Box, channels: Collection[str]) -> Prepared:
    """The scanned scene in raw units, with the statistics of the whole brain."""
    mask = scene.mask
    image = np.zeros((len(CHANNELS), *mask.shape), np.float32)
    stats = np.zeros((len(CHANNELS), 2), np.float32)
    stats[:, 1] = 1.0
    for index, channel in enumerate(CHANNELS):
        if channel not in channels:
            continue
        if channel in STRUCTURAL:
            location, scale = anatomy.units[channel]
            stats[index] = location, scale
            # A brain voxel is never 0: that value stands for outside.
            signal = np.maximum(scene.images[channel] * scale + location, 1e-3 * scale)
            image[index] = signal * mask
        else:
            image[index] = scene.maps[channel] * mask
    x, y, z = mask.shape
    grid = Grid((x, y, z), box_affine(anatomy, box))
    native = Volume(image[CHANNELS.index("t1c")], grid, label="t1c")
    present = tuple(channel in channels for channel in CHANNELS)
    return Prepared("crop", image, mask, present, stats, grid, native)
