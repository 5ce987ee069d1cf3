"""What a file name says: the case, and the channel that the file holds.

Known endings are those of BraTS 2017-2022 (``CASE_t1ce``), BraTS 2023 and later (``CASE-t1c``),
BIDS (``sub-X_ce-gadolinium_T1w``) and their usual aliases. Quantitative maps are known by
``rcbv``, ``ktrans`` and ``tbr``. Nothing is inferred from intensities.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import takewhile

SUFFIXES = (".nii", ".nii.gz", ".nii.bz2")
"""File endings that are read."""

_ENDINGS = {
    "t1c": (
        r"ce-[a-z0-9]+(?:_[a-z]+-[a-z0-9]+)*_t1w?"
        r"|t1w?[_-]?(?:ce|c|gd|pg|post|contrast)|ct1w?"
    ),
    "flair": r"(?:t2w?[_-]?)?(?:flair|fla)|t2f",
    "t1": r"t1[nw]?",
    "t2": r"t2w?",
    "rcbv": r"rcbv",
    "ktrans": r"ktrans",
    "tbr": r"tbr",
}
# The contrast-enhanced ending comes first: `ce-gadolinium_T1w` also ends like a plain T1.
_PATTERNS = {c: re.compile(rf"(?:^|[_\-. ])(?:{e})$", re.IGNORECASE) for c, e in _ENDINGS.items()}
_SERIES = {
    "dsc": r"(?:perf[_-])?dsc(?:[_-](?:perf|bold|4d))?|acq-dsc(?:_[a-z]+-[a-z0-9]+)*_(?:perf|bold)",
    "dce": r"(?:perf[_-])?dce(?:[_-](?:perf|4d))?|acq-dce(?:_[a-z]+-[a-z0-9]+)*_perf",
    "vfa": r"(?:flip-\d+_)?vfa(?:[_-]?\d+)?",
    "aif": r"(?:(?:dsc|dce)[_-])?aif",
}
_SERIES_PATTERNS = {
    kind: re.compile(rf"(?:^|[_\-. ])(?:{e})$", re.IGNORECASE) for kind, e in _SERIES.items()
}
_SEPARATORS = re.compile(r"[_\-. ]+")
_BIDS_CASE = re.compile(r"sub-[a-z0-9]+(?:_ses-[a-z0-9]+)?", re.IGNORECASE)

_LABEL_WORDS = frozenset(
    {"seg", "pseudoseg", "dseg", "segmentation", "probseg", "pred", "prediction"}
    | {"mask", "truth", "label", "labels", "instances"}
)


def stem(name: str) -> str | None:
    """File name without its NIfTI ending; None for hidden files and other kinds."""
    ending = next((s for s in reversed(SUFFIXES) if name.lower().endswith(s)), None)
    if ending is None or name.startswith("."):
        return None
    return name[: -len(ending)]


def is_label_file(name: str) -> bool:
    """Whether the name is that of a segmentation, prediction or mask."""
    words = _SEPARATORS.split((stem(name) or name).lower())
    return not _LABEL_WORDS.isdisjoint(words)


def parse_name(name: str) -> tuple[str, str] | None:
    """Case and channel by the file's name; None when no known ending fits.

    >>> parse_name("BraTS-MET-00110-000-t1c.nii.gz")
    ('BraTS-MET-00110-000', 't1c')
    >>> parse_name("sub-01_ses-2_acq-3d_ce-gadolinium_T1w.nii.gz")
    ('sub-01_ses-2', 't1c')
    """
    base = stem(name)
    if base is None or is_label_file(name):
        return None
    for channel, pattern in _PATTERNS.items():
        if match := pattern.search(base):
            case = base[: match.start()]
            bids = _BIDS_CASE.match(case)
            return (bids.group() if bids else case), channel
    return None


def series_kind(name: str) -> str | None:
    """Which dynamic series or what belongs to one a file's name tells: dsc, dce, vfa or aif.

    >>> series_kind("sub-01_flip-2_VFA.nii.gz"), series_kind("case-dsc.nii.gz")
    ('vfa', 'dsc')
    """
    base = name[: -len(".tsv")] if name.lower().endswith(".tsv") else stem(name)
    if base is None or name.startswith("."):
        return None
    return next((kind for kind, p in _SERIES_PATTERNS.items() if p.search(base)), None)


def common_case(cases: Collection[str]) -> str:
    """What all case names share, cut at an underscore; empty when they share nothing."""
    parts = zip(*(case.split("_") for case in cases), strict=False)
    shared = takewhile(lambda same: len(set(same)) == 1, parts)
    return "_".join(same[0] for same in shared)
