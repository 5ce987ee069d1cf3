"""From a folder to the files of a study, and from a cohort to its studies."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from vasotype_models.contract import STRUCTURAL

from vasotype.findings import StudyError
from vasotype.study.naming import common_case, is_label_file, parse_name, series_kind, stem


@dataclass(frozen=True)
class Listing:
    """Files of one study by channel.

    ``cases`` holds the distinct case names of the files, ``strangers`` the images that no known
    ending fits.
    """

    files: dict[str, Path]
    cases: tuple[str, ...]
    strangers: tuple[Path, ...]

    @property
    def unused(self) -> tuple[str, ...]:
        """Names of the images that no known ending fits."""
        return tuple(path.name for path in self.strangers)

    @property
    def case(self) -> str:
        """What the case names share, which may be nothing."""
        return common_case(self.cases)


def list_study(folder: Path, given: Collection[str] = ()) -> Listing:
    """Identify the images of ``folder`` (and of BIDS ``anat`` and ``perf`` in it) by their names.

    Channels in ``given`` were named by the user and are passed over. Raises StudyError
    ``file-missing`` when there is no such folder, ``not-a-study`` for a file,
    ``folder-of-studies`` when there are studies below the folder and none in it, and
    ``ambiguous-sequence`` when two files name the same channel.
    """
    if folder.is_file():
        raise StudyError("not-a-study", f"{folder.name}: one file, not a folder or archive")
    if not folder.is_dir():
        raise StudyError("file-missing", f"{folder.name}: no such folder")
    files: dict[str, Path] = {}
    cases: set[str] = set()
    strangers: list[Path] = []
    for path in _images(folder):
        named = parse_name(path.name)
        if named is None:
            if series_kind(path.name) is None:
                strangers.append(path)
            continue
        case, channel = named
        if channel in given:
            continue
        if channel in files:
            raise StudyError(
                "ambiguous-sequence",
                f"{files[channel].name} and {path.name} both name the {channel} sequence; "
                f"say which one with --{channel}",
            )
        files[channel] = path
        cases.add(case)
    if not files and not given and (below := len(find_named_studies(folder))):
        raise StudyError(
            "folder-of-studies",
            f"{folder.name}: no study lies in it, {below} in folders below",
        )
    return Listing(files, tuple(sorted(cases)), tuple(strangers))


def list_series(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Files of dynamic series by kind (dsc, dce, vfa, aif), also from ``anat`` and ``perf``."""
    found: dict[str, list[Path]] = {}
    for path in sorted(_candidates(folder)):
        if path.is_file() and (kind := series_kind(path.name)):
            found.setdefault(kind, []).append(path)
    return {kind: tuple(paths) for kind, paths in found.items()}


def is_dicom(place: Path) -> bool:
    """Whether a folder or zip archive is to be read as DICOM: no NIfTI in it names T1c or FLAIR."""
    if place.is_dir():
        named = (parse_name(path.name) for path in _images(place))
        if any(one is not None and one[1] in ("t1c", "flair") for one in named):
            return False
    from vasotype.study.dicom import holds_dicom

    return holds_dicom(place)


def find_studies(cohort: Path) -> list[Path]:
    """Every place at or below ``cohort`` that is to be read as a study, sorted.

    These are the studies of :func:`find_named_studies`; folders with images of unusual names;
    folders of DICOM, one visit each where visits lie apart; and zip archives. What lies in the
    folder of a study belongs to it, unless that folder is ``cohort`` itself; results of ours are
    no studies. Whether a place can be read shows when it is. Raises StudyError ``file-missing``.
    """
    named = set(find_named_studies(cohort))
    folders = list(_folders(cohort, set()))
    taken = named | {folder for folder in folders if (folder / "result.json").is_file()}
    free = [folder for folder in folders if not _lies_in(folder, taken, cohort)]
    shared = {cohort}.union(*(study.parents for study in named))
    from vasotype.study.dicom import find_visits

    visits = find_visits(free, shared)
    archives = [
        path
        for folder in free
        for path in folder.iterdir()
        if path.suffix.lower() == ".zip" and path.is_file() and not path.name.startswith(".")
    ]
    taken.update(visits)
    unusual = {
        _session(folder)
        for folder in free
        if not _lies_in(folder, taken, cohort) and _holds_strangers(folder)
    }
    return sorted({*named, *visits, *archives, *unusual})


def find_named_studies(cohort: Path) -> list[Path]:
    """Folders at or below ``cohort`` in which a file's name tells a structural sequence, sorted.

    Hidden folders are skipped; linked folders are followed once. Raises StudyError
    ``file-missing`` when there is no such folder.
    """
    if not cohort.is_dir():
        raise StudyError("file-missing", f"{cohort.name}: no such folder")
    return sorted({_session(f) for f in _folders(cohort, set()) if _holds_study(f)})


def _lies_in(folder: Path, taken: Collection[Path], cohort: Path) -> bool:
    """Whether a folder is one of ``taken`` or lies below one that isn't the whole cohort."""
    return folder in taken or any(p in taken and p != cohort for p in folder.parents)


def _candidates(folder: Path) -> list[Path]:
    """Files of a folder and, where it is a BIDS session, of its anatomy and perfusion."""
    return [*folder.iterdir(), *(folder / "anat").glob("*"), *(folder / "perf").glob("*")]


def _images(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in _candidates(folder)
        if stem(path.name) is not None and not is_label_file(path.name) and path.is_file()
    )


def _session(folder: Path) -> Path:
    """The folder of a visit: above ``anat`` where BIDS keeps perfusion beside it."""
    return folder.parent if folder.name == "anat" else folder


def _holds_study(folder: Path) -> bool:
    names = (parse_name(path.name) for path in folder.iterdir() if path.is_file())
    return any(named is not None and named[1] in STRUCTURAL for named in names)


def _holds_strangers(folder: Path) -> bool:
    """Whether a folder holds an image that is no label and that no known ending fits."""
    names = (path.name for path in folder.iterdir() if path.is_file())
    images = (name for name in names if stem(name) is not None and not is_label_file(name))
    return any(parse_name(name) is None and series_kind(name) is None for name in images)


def _folders(folder: Path, seen: set[Path]) -> Iterator[Path]:
    here = folder.resolve()
    if here in seen:
        return
    seen.add(here)
    yield folder
    for child in folder.iterdir():
        if child.is_dir() and not child.name.startswith("."):
            yield from _folders(child, seen)
