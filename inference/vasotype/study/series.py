"""What a study that came as files held, as the study remembers it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib

from vasotype.findings import Finding
from vasotype.stages import SourceSeries, Volume
from vasotype.study.sidecar import read_facts


@dataclass(frozen=True)
class Guessed:
    """What images of unusual names seem to be: files by channel, and all that was looked at."""

    files: Mapping[str, Path]
    series: tuple[SourceSeries, ...]
    findings: tuple[Finding, ...] = ()


def no_guess(paths: Sequence[Path]) -> Guessed:
    """Images that were not looked at: nothing is known of them."""
    return Guessed({}, tuple(SourceSeries(path.name, "unknown") for path in paths))


def image_series(
    files: Mapping[str, Path],
    volumes: Mapping[str, Volume],
    given: Collection[str],
    guessed: Guessed,
) -> tuple[SourceSeries, ...]:
    """The images that stand for a channel, then those that are not used.

    ``given`` are the channels that the user named.
    """
    guesses = {one.channel: one for one in guessed.series if one.channel}
    used = [
        guesses[channel]
        if channel in guessed.files and channel in guesses
        else SourceSeries(
            name=path.name,
            kind=channel,
            channel=channel,
            reasons=("named by the user",) if channel in given else ("by its name",),
            facts=read_facts(path),
            spacing_mm=volumes[channel].grid.spacing_mm,
        )
        for channel, path in files.items()
    ]
    return (*used, *(one for one in guessed.series if one.channel is None))


def dynamic_series(found: Mapping[str, Sequence[Path]]) -> tuple[SourceSeries, ...]:
    """Dynamic series and flip-angle images by kind, as their names and headers tell."""
    return tuple(
        SourceSeries(
            name=path.name,
            kind=kind,
            reasons=("by its name",),
            facts=read_facts(path),
            times=_times(path),
        )
        for kind, paths in found.items()
        for path in paths
    )


def _times(path: Path) -> int:
    try:
        shape = nib.Nifti1Image.from_filename(path).shape
    except Exception:  # a table of the arterial input, or what its own reader refuses
        return 1
    return int(shape[3]) if len(shape) > 3 else 1
