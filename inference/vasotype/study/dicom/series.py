"""Series of a DICOM study: found, split, put in order, checked, and decoded when asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vasotype.findings import Finding, StudyError
from vasotype.stages import Grid, Volume
from vasotype.study.dicom.facts import Facts, read_facts
from vasotype.study.dicom.frames import Frame
from vasotype.study.dicom.gather import gather_frames
from vasotype.study.dicom.geometry import Floats, axes_of, stack_grid
from vasotype.study.dicom.pixels import MAXIMAL_SIDE, MAXIMAL_VOXELS, fill
from vasotype.study.dicom.reference import DicomSource
from vasotype.study.dicom.sources import find_sources
from vasotype.study.dicom.split import order_slices, split_series, time_of
from vasotype.study.dicom.tolerance import tolerant_reading
from vasotype.study.identity import Identity, read_identity
from vasotype.study.nifti import check_content

_LATE = datetime.max


@dataclass(frozen=True)
class Layout:
    """Where the slices of a series lie, as far as it is known without a valid grid.

    ``slices`` counts positions, ``times`` volumes; ``directions`` counts the orientations that
    the series of the header holds, of which this is one; ``step_mm`` is the median distance
    between slices.
    """

    slices: int
    times: int = 1
    directions: int = 1
    step_mm: float | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """One stack of slices, seen once or many times.

    ``number`` counts the series of a study in order of acquisition; it is how the user names
    one. A header's series that holds several stacks gives as many values with one ``uid``.
    ``grid`` is None, and ``problem`` says why, where the slices make no volume.
    """

    number: int
    uid: str
    facts: Facts
    layout: Layout
    frames: tuple[tuple[Frame, ...], ...]
    grid: Grid | None = None
    problem: StudyError | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """How messages call it."""
        return series_name(self.number, self.facts)

    @property
    def volume_problem(self) -> StudyError | None:
        """Why the series can't be read as one volume, as far as headers tell."""
        if self.problem is None and self.layout.times != 1:
            return StudyError(
                "not-three-dimensional",
                f"{self.name}: {self.layout.times} volumes in time; a sequence is one",
            )
        return self.problem

    @tolerant_reading()
    def times_s(self) -> tuple[float, ...]:
        """Time of each volume after the first, s; empty where the header has no times."""
        moments = [time_of(volume[0]) for volume in self.frames]
        if None in moments:
            return ()
        return tuple((m - moments[0]).total_seconds() for m in moments if m and moments[0])

    def read(self, *, structural: bool = True) -> Volume:
        """The only volume, float32 in rescaled units; ``structural`` ones must look like MR.

        Raises StudyError: ``volume_problem``, those of
        :func:`~vasotype.study.dicom.pixels.fill` and
        :func:`~vasotype.study.nifti.check_content`.
        """
        if self.volume_problem:
            raise self.volume_problem
        data = self.read_all()[..., 0]
        check_content(data, self.name, structural=structural)
        assert self.grid is not None  # read_all has raised otherwise
        source = DicomSource.of(self.grid, self.frames[0])
        return Volume(data, self.grid, label=f"series {self.number}", source=source)

    @tolerant_reading()
    def read_all(self) -> NDArray[np.float32]:
        """All volumes [X, Y, Z, T], float32 in rescaled units; raises ``problem``."""
        if self.grid is None or self.problem is not None:
            raise self.problem or StudyError("bad-affine", f"{self.name}: no grid")
        data = np.empty((*self.grid.shape, len(self.frames)), np.float32, order="F")
        for time, volume in enumerate(self.frames):
            fill(list(volume), data[..., time], self.name)
        return data


@dataclass(frozen=True)
class DicomStudy:
    """The series of a study in order of acquisition, and what lay there besides.

    ``skipped`` counts files that hold no MR or PET slice, by what they hold; ``patients`` and
    ``visits`` count distinct patient identifiers and study dates; ``identity`` tells whether a text
    names the patient.
    """

    series: tuple[Series, ...]
    skipped: Counter[str]
    findings: tuple[Finding, ...]
    patients: int
    visits: int
    identity: Identity = field(default_factory=Identity)


@tolerant_reading()
def read_series(place: Path) -> DicomStudy:
    """Read the headers of a folder, a zip archive or a single file, and sort out its series.

    Pixels stay where they are until a series is read. Raises StudyError ``file-missing``,
    ``unreadable-archive`` or ``archive-refused``; whatever is wrong with one series becomes its
    ``problem``.
    """
    gathered = gather_frames(find_sources(place))
    by_uid: dict[str, list[Frame]] = defaultdict(list)
    for frame in gathered.frames:
        by_uid[frame.tags.text("SeriesInstanceUID")].append(frame)
    identity = read_identity(frames[0].tags for frames in by_uid.values())
    drafts = []
    for uid, frames in by_uid.items():
        parts = split_series(frames)
        directions = len({tuple(np.round(part[0].orientation or (), 1)) for part in parts})
        for part in parts:
            # From here on facts travel to names, findings and reports, so the patient leaves them.
            facts = identity.withhold(read_facts(frame.tags for frame in part))
            number = part[0].tags.number("SeriesNumber") or 0.0
            drafts.append(((facts.acquired or _LATE, number, uid), facts, part, directions))
    drafts.sort(key=lambda draft: draft[0])
    series = [
        _build(number, facts, part, directions)
        for number, (_, facts, part, directions) in enumerate(drafts, start=1)
    ]
    return DicomStudy(
        tuple(series),
        gathered.skipped,
        tuple(gathered.findings),
        patients=len(gathered.patients - {""}),
        visits=len(gathered.visits - {""}),
        identity=identity,
    )


def series_name(number: int, facts: Facts) -> str:
    """How messages call a series: its number, and the words of the scanner's console."""
    words = facts.description or facts.protocol
    return f"series {number} ({words})" if words else f"series {number}"


def _build(number: int, facts: Facts, part: list[Frame], directions: int) -> Series:
    name = series_name(number, facts)
    uid = part[0].tags.text("SeriesInstanceUID")
    plain = Series(number, uid, facts, Layout(len(part), directions=directions), (tuple(part),))
    try:
        axes = axes_of(part[0].orientation, name)
        volumes = order_slices(part, axes[2], name)
    except StudyError as problem:
        return replace(plain, problem=problem)
    positions = np.array([frame.position for frame in volumes[0]])
    layout = Layout(len(positions), len(volumes), directions, _step(positions, axes))
    ordered = replace(plain, layout=layout, frames=tuple(map(tuple, volumes)))
    try:
        _check_size(part[0].size, len(part), name)
        grid, findings = stack_grid(positions, axes, part[0].spacing, part[0].size, name)
    except StudyError as problem:
        if problem.code == "too-few-slices" and directions > 1:
            problem = StudyError(
                "mixed-orientations",
                f"{name}: the images of this series lie in {directions} directions, "
                f"{len(positions)} slices in this one; they make no volume",
            )
        return replace(ordered, problem=problem)
    if facts.lossy:
        findings.append(Finding("lossy-compression", f"{name}: compressed with loss"))
    return replace(ordered, grid=grid, findings=tuple(findings))


def _step(positions: Floats, axes: Floats) -> float | None:
    return float(np.median(np.diff(positions @ axes[2]))) if len(positions) > 1 else None


def _check_size(size: tuple[int, int], slices: int, name: str) -> None:
    rows, columns = size
    if not 0 < min(size) <= max(size) <= MAXIMAL_SIDE or rows * columns * slices > MAXIMAL_VOXELS:
        raise StudyError(
            "image-size",
            f"{name}: {columns} x {rows} pixels in {slices} slices; a side of 1 to "
            f"{MAXIMAL_SIDE} pixels and {MAXIMAL_VOXELS // 10**6} million voxels are read",
        )
