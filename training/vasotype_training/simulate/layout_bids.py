"""A simulated study as a BIDS session: anatomy, perfusion, sidecars; the truth beside them."""

from __future__ import annotations

import json
from pathlib import Path

from vasotype_training.simulate.layout_dicom import MPRAGE, MS, SPACE_FLAIR, SPACE_T2

SESSION = "ses-01"
ANATOMY = {
    "t1n": ("T1w", MPRAGE),
    "t1c": ("ce-gadolinium_T1w", MPRAGE),
    "t2w": ("T2w", SPACE_T2),
    "t2f": ("FLAIR", SPACE_FLAIR),
}
"""Ending of a study's file -> its BIDS name and protocol."""
SECONDS = ("RepetitionTime", "EchoTime", "InversionTime")
IGNORED = (
    "# perfusion other than ASL has no name in BIDS\n**/perf/*\n**/truth/**\n**/simulation.json\n"
)


def subject(name: str) -> str:
    """Label of a study's subject; BIDS allows letters and digits only.

    >>> subject("SIM-00001-0002")
    'sub-SIM000010002'
    """
    return f"sub-{''.join(filter(str.isalnum, name))}"


def place(name: str) -> Path:
    """Where a study lies in the cohort."""
    return Path(subject(name), SESSION)


def arrange(folder: Path, name: str) -> None:
    """Rename the images of a study's folder as BIDS has it, with a sidecar each."""
    stem = f"{subject(name)}_{SESSION}"
    for path in sorted(folder.glob("*.nii.gz")):
        ending = path.name.removesuffix(".nii.gz").rpartition("-")[2]
        sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
        kind, tags = ANATOMY.get(ending, (ending, {}))
        home = folder / ("anat" if ending in ANATOMY else "perf")
        home.mkdir(exist_ok=True)
        path.rename(home / f"{stem}_{kind}.nii.gz")
        beside = home / f"{stem}_{kind}.json"
        if sidecar.is_file():
            sidecar.rename(beside)
        elif tags:
            beside.write_text(json.dumps(_sidecar(tags), indent=2) + "\n", encoding="utf-8")


def describe(cohort: Path) -> None:
    """Write what BIDS asks of a data set as a whole."""
    about = {
        "Name": "Simulated brain metastases",
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "vasotype simulate"}],
    }
    text = json.dumps(about, indent=2) + "\n"
    (cohort / "dataset_description.json").write_text(text, encoding="utf-8")
    (cohort / "README").write_text("Simulated studies; no patient was imaged.\n", encoding="utf-8")
    (cohort / ".bidsignore").write_text(IGNORED, encoding="utf-8")
    rows = [f"{home.name}\tfet" for home in sorted(cohort.glob("sub-*"))]
    table = "\n".join(["participant_id\tpet_tracer", *rows]) + "\n"
    (cohort / "participants.tsv").write_text(table, encoding="utf-8")


def _sidecar(tags: dict[str, object]) -> dict[str, object]:
    """The protocol in BIDS's words: times in s."""
    about = {
        keyword: value / MS if keyword in SECONDS and isinstance(value, (int, float)) else value
        for keyword, value in tags.items()
    }
    return {"MagneticFieldStrength": 3, "MRAcquisitionType": "3D"} | about
