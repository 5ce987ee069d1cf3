"""The folder in which studies wait for their analysis and results for their way back.

``incoming/AET/KEY/`` holds the images of a study as they came, ``outgoing/AET/KEY/`` the results
that its sender has not got yet; both survive a restart. ``working`` is for an analysis under way.
Keys and file names are digests: no name tells a patient.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class SpoolFullError(Exception):
    """The bytes that wait have reached the limit."""


@dataclass(frozen=True)
class Waiting:
    """A study that waits: the title of its sender, its folder, and how often it has grown."""

    aet: str
    folder: Path
    arrivals: int


class Spool:
    """Studies of all peers below ``home``; with results that wait they hold ``maximal_bytes``.

    Several threads may store at a time while another takes studies out.
    """

    def __init__(self, home: Path, maximal_bytes: int) -> None:
        self.incoming, self.outgoing = home / "incoming", home / "outgoing"
        self.working = home / "working"
        shutil.rmtree(self.working, ignore_errors=True)
        self._maximal_bytes = maximal_bytes
        self._lock = threading.Lock()
        self._arrivals: dict[Path, tuple[int, float]] = {}
        for folder in (self.incoming, self.outgoing, self.working):
            folder.mkdir(parents=True, exist_ok=True)
        for half in self.incoming.glob("*/*/.*.part"):
            half.unlink()
        for study in self.incoming.glob("*/*"):
            self._arrivals[study] = (1, time.monotonic())
        self._bytes = _size(self.incoming) + _size(self.outgoing)

    def store(self, aet: str, study_uid: str, instance_uid: str, content: bytes) -> None:
        """Keep one object; it is there whole or not at all. An object sent twice is kept once.

        Raises SpoolFullError where it would not fit, and OSError.
        """
        folder = self.incoming / aet / _digest(study_uid)
        place = folder / f"{_digest(instance_uid)}.dcm"
        draft = place.with_name(f".{place.name}.part")
        with self._lock:
            before = place.stat().st_size if place.exists() else 0
            if self._bytes - before + len(content) > self._maximal_bytes:
                raise SpoolFullError
            folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(place)
            self._bytes += len(content) - before
            count, _ = self._arrivals.get(folder, (0, 0.0))
            self._arrivals[folder] = (count + 1, time.monotonic())

    def quiet(self, seconds: float) -> Waiting | None:
        """The study longest without a new object, if that is ``seconds`` at least."""
        with self._lock:
            if not self._arrivals:
                return None
            folder, (count, last) = min(self._arrivals.items(), key=lambda item: item[1][1])
        if time.monotonic() - last < seconds:
            return None
        return Waiting(folder.parent.name, folder, count)

    def finish(self, waiting: Waiting) -> None:
        """Take a study out, unless it grew meanwhile: then it will be quiet once more."""
        with self._lock:
            count, _ = self._arrivals[waiting.folder]
            if count == waiting.arrivals:
                del self._arrivals[waiting.folder]
                self._remove(waiting.folder)

    def keep_results(self, waiting: Waiting, results: Path) -> None:
        """Move a folder of DICOM results to those that wait for their way back.

        Results of an earlier analysis of the study that still wait are replaced.
        """
        place = self.outgoing / waiting.aet / waiting.folder.name
        with self._lock:
            if place.exists():
                self._remove(place)
            place.parent.mkdir(exist_ok=True)
            results.rename(place)
            self._bytes += _size(place)

    def unsent(self) -> Iterator[tuple[str, Path]]:
        """Title of the peer and folder of all results that wait."""
        for folder in sorted(self.outgoing.glob("*/*")):
            yield folder.parent.name, folder

    def sent(self, folder: Path) -> None:
        """Forget results that their peer has got."""
        with self._lock:
            self._remove(folder)

    def _remove(self, folder: Path) -> None:
        self._bytes -= _size(folder)
        shutil.rmtree(folder)


def _digest(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def _size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
