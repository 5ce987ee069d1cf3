"""The files of a DICOM study, in a folder or a zip archive; nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from vasotype.findings import StudyError

MAXIMAL_FILES = 100_000
MAXIMAL_ARCHIVE_BYTES = 4 * 1024**3
"""Unpacked size of an archive; a rich MR study has 1 GB."""
MAXIMAL_RATIO = 100.0
"""Unpacked to packed size: MR packs 2-4 fold, an archive bomb a thousandfold."""
RATIO_MATTERS_BYTES = 100 * 1024**2

PREAMBLE_BYTES = 128
MAGIC = b"DICM"
_FIRST_TAGS = (b"\x08\x00", b"\x00\x08", b"\x02\x00")
"""Groups 0008 (either byte order) and 0002, with which a file without preamble begins."""


@dataclass(frozen=True)
class Source:
    """One file of a study; ``open`` gives its bytes anew each time."""

    name: str
    open: Callable[[], BinaryIO]

    def looks_like_dicom(self) -> bool:
        """By ``DICM`` at byte 128, or a first tag as of a file that lacks its preamble."""
        with self.open() as stream:
            start = stream.read(PREAMBLE_BYTES + len(MAGIC))
        return start[PREAMBLE_BYTES:] == MAGIC or (
            len(start) > PREAMBLE_BYTES and start[:2] in _FIRST_TAGS
        )


def find_sources(place: Path) -> Iterator[Source]:
    """Every file of a folder (with its subfolders) or zip archive, or a single file, by name.

    Hidden files, ``__MACOSX`` and ``DICOMDIR`` are passed over. Raises StudyError
    ``file-missing``, ``unreadable-archive`` or ``archive-refused``.
    """
    if place.is_dir():
        return _in_folder(place)
    if not place.is_file():
        raise StudyError("file-missing", f"{place.name}: no such file or folder")
    if zipfile.is_zipfile(place) or place.suffix.lower() == ".zip":
        return _in_archive(place)
    return iter([file_source(place)])


def file_source(path: Path, name: str = "") -> Source:
    """A file on disk; ``name`` where it is called otherwise than by its own name."""
    return Source(name or path.name, lambda: path.open("rb"))


def holds_dicom(place: Path) -> bool:
    """Whether a folder, or a file that ends in ``.zip`` or ``.dcm``, is one to read as DICOM."""
    if place.is_dir():
        return any(source.looks_like_dicom() for source in _in_folder(place))
    return place.is_file() and place.suffix.lower() in (".zip", ".dcm")


def _in_folder(folder: Path) -> Iterator[Source]:
    count = 0
    for here, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if is_wanted(name))
        for name in sorted(filter(is_wanted, files)):
            path = Path(here, name)
            if not path.is_file():  # a dead link, a pipe
                continue
            count += 1
            if count > MAXIMAL_FILES:
                raise StudyError(
                    "archive-refused",
                    f"{folder.name}: more than {MAXIMAL_FILES} files; give one study's folder",
                )
            yield file_source(path, str(path.relative_to(folder)))


def _in_archive(path: Path) -> Iterator[Source]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise StudyError(
            "unreadable-archive", f"{path.name}: no zip archive, or cut short"
        ) from error
    members = [member for member in archive.infolist() if not member.is_dir()]
    _check_archive(path, members)
    wanted = [m for m in members if all(map(is_wanted, PurePosixPath(m.filename).parts))]
    for member in sorted(wanted, key=lambda m: m.filename):
        yield Source(member.filename, _member_opener(path.name, archive, member))


def _check_archive(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAXIMAL_FILES:
        raise StudyError("archive-refused", f"{path.name}: more than {MAXIMAL_FILES} files")
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
            raise StudyError("archive-refused", f"{path.name}: a member leads out of the archive")
        if member.flag_bits & 0x1:
            raise StudyError("archive-refused", f"{path.name}: the archive is encrypted")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAXIMAL_ARCHIVE_BYTES:
        raise StudyError(
            "archive-refused",
            f"{path.name}: {unpacked / 1024**3:.1f} GB unpacked; at most "
            f"{MAXIMAL_ARCHIVE_BYTES / 1024**3:.0f} GB are read",
        )
    ratio = unpacked / max(1, path.stat().st_size)
    if unpacked > RATIO_MATTERS_BYTES and ratio > MAXIMAL_RATIO:
        raise StudyError(
            "archive-refused",
            f"{path.name}: {ratio:.0f} times larger unpacked; at most {MAXIMAL_RATIO:.0f} times "
            "is believed of images",
        )


def _member_opener(
    name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> Callable[[], BinaryIO]:
    def read() -> BinaryIO:
        try:
            # zipfile gives no more than the size that was checked above, and checks the CRC.
            return io.BytesIO(archive.read(member))
        except Exception as error:  # zlib, lzma and zipfile each have errors of their own
            raise StudyError(
                "unreadable-archive", f"{name}: a member is damaged or packed in an unknown way"
            ) from error

    return read


def is_wanted(name: str) -> bool:
    """Whether a file or folder of this name may hold what a study consists of."""
    return not name.startswith(".") and name != "__MACOSX" and name.upper() != "DICOMDIR"
