"""How a written study is laid out: plain NIfTI, a BIDS session, or DICOM series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vasotype_training.simulate import layout_bids, layout_dicom


@dataclass(frozen=True)
class Layout:
    """``place`` gives a study's folder below the cohort by its name; ``arrange`` turns the plain
    images of a folder (2023+ BraTS names) into this layout; ``describe`` says what a cohort is.
    """

    place: Callable[[str], Path]
    arrange: Callable[[Path, str], None]
    describe: Callable[[Path], None]


def _as_it_is(*_: object) -> None:
    """Plain NIfTI is how studies are written in the first place."""


LAYOUTS = {
    "nifti": Layout(Path, _as_it_is, _as_it_is),
    "bids": Layout(layout_bids.place, layout_bids.arrange, layout_bids.describe),
    "dicom": Layout(Path, layout_dicom.arrange, _as_it_is),
}
