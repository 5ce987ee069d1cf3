"""Bring all sequences of a study into the space of its reference, by correcting their affines."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from vasotype_models.contract import STRUCTURAL

from vasotype.findings import Finding, StudyError
from vasotype.prepare.brain import Foreground, coverage
from vasotype.prepare.registration import Registration, register
from vasotype.prepare.resample import COINCIDENT_VOXELS, resample
from vasotype.prepare.similarity import Probe, invert
from vasotype.stages import Affine, Grid, Mask, Study, Volume
from vasotype.study.agreement import file_name
from vasotype.study.geometry import closest_canonical, displacement, same_sampling

PREPARED_RISE, PREPARED_RISE_NATS = 0.3, 0.05
"""Rise of mutual information by a small motion, as a share and in nats, that shows images of one
grid to lie apart by some 3 mm. Of published skull-stripped cases with thick slices none reaches
both; of noise, which agrees nowhere, the second is out of reach. Ours."""
SMALLEST_CORRECTION_MM = 0.2
"""A smaller one isn't worth the interpolation that it costs. Ours."""
NOTED_MM = 1.0
LARGEST_TURN_DEGREES = 60.0
"""Nobody lies in the scanner like this; orientation labels that are wrong would make it. Ours."""
LARGEST_SPREAD_MM = 3.0
LEAST_DISTINCTNESS = 1.3
LEAST_INSIDE = 0.25
"""Limits of a registration that is believed: how far apart two runs may end, how much the
mutual information must exceed that of the same images 20 mm apart (that of real heads is 3 to 5
times as high), and the share of the brain that the moving image shows at least. Ours."""
MINIMAL_BRAIN_OVERLAP = 0.92
"""Share of the smaller brain that must lie in the other: registered sequences reach 0.98, a brain
moved by about 7 mm has less."""
MINIMAL_HEAD_OVERLAP = 0.5
"""The same for heads with skull, whose outlines differ by sequence and field of view."""
LEAST_MAP_COVERAGE = 0.5
"""Share of the brain in which a quantitative map that lies where its header says holds a value."""


@dataclass(frozen=True)
class Aligned:
    """A study whose affines all lead into the reference's space.

    ``study`` has no sequence that could not be aligned. ``motions`` holds, for each channel that
    was moved, the rigid motion [4, 4], RAS+ mm, from the world of its file to that of the
    reference: ``motion @ affine`` is the affine that it has in ``study``. What was acquired in the
    same session as a channel, such as a 4-D series, follows by the same motion.
    """

    study: Study
    motions: Mapping[str, Affine]
    findings: tuple[Finding, ...]


def align(study: Study, grounds: Mapping[str, Foreground], brain: Mask, threads: int) -> Aligned:
    """Register every sequence to the reference, where that isn't done already.

    ``grounds`` are the foregrounds of the structural sequences, ``brain`` [X, Y, Z] the brain on
    the reference's grid; ``threads`` registrations run at a time. Skull-stripped images on the
    reference's grid were registered by whoever prepared them, and stay untouched unless they
    clearly lie elsewhere. Quantitative maps follow the sequence on whose grid they lie, or their
    header; only a map whose header leaves half of the brain without values is registered itself.

    Raises StudyError ``grids-disagree`` where there are several structural sequences and none can
    be aligned with the reference.
    """
    reference = study.volumes[study.reference]
    others = [c for c in STRUCTURAL if c in study.volumes and c != study.reference]
    fixed = _Fixed(reference, grounds[study.reference], brain)
    loose = [c for c in others if not fixed.holds(study.volumes[c], grounds[c])]
    outcome = _Outcome(study, fixed)
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        for channel, found in zip(
            loose, pool.map(lambda c: fixed.register(study.volumes[c]), loose), strict=True
        ):
            outcome.take(channel, found, grounds[channel])
    if others and not set(others) - set(outcome.dropped):
        raise StudyError("grids-disagree", "; ".join(f.message for f in outcome.findings))
    for channel, volume in study.volumes.items():
        if channel not in STRUCTURAL:
            _follow(outcome, channel, volume)
    return outcome.aligned()


@dataclass(frozen=True)
class _Fixed:
    """The reference sequence, its foreground and its brain."""

    volume: Volume
    ground: Foreground
    brain: Mask

    def holds(self, volume: Volume, ground: Foreground) -> bool:
        """Whether a sequence was prepared together with the reference, and looks like it."""
        if not (ground.stripped and self.ground.stripped and _same_place(volume, self.volume)):
            return False
        if self.overlap(ground, volume.grid) < MINIMAL_BRAIN_OVERLAP:
            return False
        probe = Probe.draw(self.volume, self.brain, volume)
        least = max(PREPARED_RISE * probe.information(np.eye(4)), PREPARED_RISE_NATS)
        return probe.possible_rise(np.eye(4)) < least

    def register(self, volume: Volume) -> Registration:
        """The pose of a sequence."""
        return register(self.volume, self.brain, volume)

    def overlap(self, ground: Foreground, grid: Grid) -> float:
        """Share of the smaller foreground that lies in the other, where both images reach."""
        seen = resample(np.ones(grid.shape, dtype=bool), grid, self.volume.grid, order=0)
        mask = resample(ground.mask, grid, self.volume.grid, order=0)
        own = self.ground.mask & seen
        smaller = min(int(own.sum()), int(mask.sum()))
        return float((own & mask).sum()) / smaller if smaller else 0.0


class _Outcome:
    """What has become of each sequence so far."""

    def __init__(self, study: Study, fixed: _Fixed) -> None:
        self.study, self.fixed = study, fixed
        self.motions: dict[str, Affine] = {}
        self.dropped: list[str] = []
        self.findings: list[Finding] = []

    def take(self, channel: str, found: Registration, ground: Foreground | None) -> None:
        """Move a sequence as registration says, or drop it."""
        volume = self.study.volumes[channel]
        motion = invert(found.pose)
        doubt = _doubt(found)
        if doubt is None and ground is not None:
            doubt = self._misplaced(ground, moved(volume, motion).grid)
        names = f"{file_name(volume, channel)} and {self.fixed_name}"
        if doubt is not None:
            self.dropped.append(channel)
            self.findings.append(Finding("registration-failed", f"{names}: {doubt}"))
        elif found.moved_mm >= SMALLEST_CORRECTION_MM:
            self.motions[channel] = motion
            if found.moved_mm >= NOTED_MM:
                message = (
                    f"{names} lay {found.moved_mm:.1f} mm and {found.turned_degrees:.1f} degrees "
                    "apart by their headers; they were aligned by what they show"
                )
                self.findings.append(Finding("sequence-moved", message))

    @property
    def fixed_name(self) -> str:
        """How messages call the reference."""
        return file_name(self.fixed.volume, self.study.reference)

    def _misplaced(self, ground: Foreground, grid: Grid) -> str | None:
        if ground.stripped != self.fixed.ground.stripped:
            return None  # a head and a brain have no outline in common
        least = MINIMAL_BRAIN_OVERLAP if ground.stripped else MINIMAL_HEAD_OVERLAP
        overlap = self.fixed.overlap(ground, grid)
        if overlap >= least:
            return None
        return f"at best {overlap:.0%} of the brain lies in the same place, of {least:.0%} needed"

    def aligned(self) -> Aligned:
        """The study with its affines corrected."""
        volumes = {
            channel: moved(volume, self.motions[channel]) if channel in self.motions else volume
            for channel, volume in self.study.volumes.items()
            if channel not in self.dropped
        }
        return Aligned(replace(self.study, volumes=volumes), self.motions, tuple(self.findings))


def moved(volume: Volume, motion: Affine) -> Volume:
    """The volume where a rigid motion [4, 4] (RAS+ mm) carries it; its voxels stay as they are."""
    return replace(volume, grid=Grid(volume.grid.shape, motion @ volume.grid.affine))


def _follow(outcome: _Outcome, channel: str, volume: Volume) -> None:
    """Align a quantitative map."""
    fixed = outcome.fixed
    if _same_place(volume, fixed.volume):
        return
    for leader, motion in outcome.motions.items():
        if _same_place(volume, outcome.study.volumes[leader]):
            outcome.motions[channel] = motion
            return
    values = Foreground(volume.data != 0, stripped=True, background=0.0)
    covered = coverage(values, volume.grid, fixed.volume.grid)
    if (covered & fixed.brain).sum() < LEAST_MAP_COVERAGE * fixed.brain.sum():
        outcome.take(channel, fixed.register(volume), None)


def _same_place(volume: Volume, other: Volume) -> bool:
    """Whether two volumes lie on one grid, up to the order and direction of axes."""
    a, b = closest_canonical(volume.grid), closest_canonical(other.grid)
    return same_sampling(a, b) and displacement(a, b)[0] <= COINCIDENT_VOXELS


def _doubt(found: Registration) -> str | None:
    """Why a registration can't be believed, if so."""
    if found.spread_mm > LARGEST_SPREAD_MM:
        return f"two searches from different starts ended {found.spread_mm:.1f} mm apart"
    if found.turned_degrees > LARGEST_TURN_DEGREES:
        return f"they seem to agree only when turned by {found.turned_degrees:.0f} degrees"
    if found.inside < LEAST_INSIDE:
        return f"only {found.inside:.0%} of the brain lies in both images"
    if found.distinctness < LEAST_DISTINCTNESS:
        return "they agree no better than images of different things do"
    return None
