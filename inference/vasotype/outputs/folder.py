"""The output folder: what may be replaced, and how a whole folder appears at once."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from vasotype.findings import StudyError
from vasotype.result import Result

Seg = Literal["binary", "fractional", "labelmap"]
"""Kinds of DICOM segmentation (PS3.3 C.8.20.2)."""

OUR_FILES = frozenset(
    {
        "segmentation.nii.gz",
        "lesions.nii.gz",
        "habitats.nii.gz",
        "probabilities.nii.gz",
        "lesions.tsv",
        "radiomics.tsv",
        "report.html",
        "result.json",
        "perfusion",
        "dicom",
    }
)
"""Everything that a result folder may hold; a folder with more is never replaced."""


@dataclass(frozen=True)
class OutputOptions:
    """What is written beside the label maps, the table and the record.

    ``overwrite`` replaces earlier results of the same study; ``probabilities`` adds
    ``probabilities.nii.gz`` and ``radiomics`` ``radiomics.tsv``; ``report`` adds ``report.html``,
    and ``considerations`` what the review discusses for each leaning to it. ``seg`` is how DICOM
    segmentations are stored, and ``sr_phenotype`` puts leanings into the DICOM measurements;
    ``reference`` holds the DICOM series that those of a NIfTI study refer to.
    """

    overwrite: bool = False
    probabilities: bool = False
    radiomics: bool = False
    report: bool = True
    considerations: bool = False
    seg: Seg = "binary"
    sr_phenotype: bool = False
    reference: Path | None = None


def refuse_occupied(folder: Path, study: str, overwrite: bool) -> None:
    """Raise StudyError where results of ``study`` can't go into ``folder``.

    ``output-other-study``: it holds another study's results; ``output-exists``: it holds
    something and ``overwrite`` is off; ``output-foreign``: it holds files of others;
    ``output-unwritable``: no folder can be made there.
    """
    refuse_unwritable(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StudyError("output-exists", f"{folder}: is a file; results need a folder")
    names = {path.name for path in folder.iterdir()}
    if not names:
        return
    owner = _owner(folder)
    if owner is not None and owner != study:
        raise StudyError("output-other-study", f"{folder}: holds results of another study")
    if not overwrite:
        whose = "earlier results of this study" if owner else f"{len(names)} files or folders"
        raise StudyError("output-exists", f"{folder}: must be new or empty, but holds {whose}")
    foreign = sorted(names - OUR_FILES)
    if foreign:
        raise StudyError("output-foreign", f"{folder}: holds {foreign[0]}, which is not a result")


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of ``folder`` when the block ends without an error.

    It lies beside ``folder``, so that the move is a rename. After an error nothing is left of it
    and ``folder`` is as it was. Raises StudyError ``output-unwritable`` when it can't be made or
    moved.
    """
    folder = folder.resolve()
    mark = uuid.uuid4().hex[:8]
    fresh = folder.with_name(f".{folder.name}.{mark}.new")
    try:
        fresh.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield fresh
        _move_into_place(fresh, folder, folder.with_name(f".{folder.name}.{mark}.old"))
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _move_into_place(fresh: Path, folder: Path, aside: Path) -> None:
    """Rename ``fresh`` to ``folder``; what was there goes aside first and comes back on failure."""
    try:
        if folder.exists():
            folder.rename(aside)
        fresh.rename(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:  # an interruption, too, must not cost what was there
        if aside.exists() and not folder.exists():
            aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def refuse_unwritable(folder: Path) -> None:
    """Refuse before a long analysis what :func:`replaced` would refuse after it.

    Raises StudyError ``output-unwritable``.
    """
    home = next((parent for parent in folder.resolve().parents if parent.exists()), folder)
    if not (home.is_dir() and os.access(home, os.W_OK)):
        raise StudyError("output-unwritable", f"{folder}: {home} can't be written to")


def _owner(folder: Path) -> str | None:
    """Name of the study whose results a folder holds."""
    try:
        return Result.read(folder).study
    except (FileNotFoundError, ValidationError):
        return None


def _unwritable(folder: Path, error: OSError) -> StudyError:
    return StudyError("output-unwritable", f"{folder}: can't be written: {error.strerror}")
