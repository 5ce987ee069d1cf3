"""Predictions on disk: made once for a model and a study, scored as often as wanted."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import nibabel as nib
import numpy as np
import vasotype
from numpy.typing import NDArray
from vasotype.findings import StudyError
from vasotype.pipeline import Analysis, Vasotype
from vasotype.prepare import to_native
from vasotype.result import Result
from vasotype.stages import Grid, Labels, Study

from vasotype_training.identity import rules_digest, runtime_digest

ALL = "all"
"""Variant: the study as it is."""
COUNTERFACTUAL = "t1c:=t1"
"""Variant: the image without contrast agent in place of T1c; no enhancement should be left."""

THRESHOLD = "threshold"
"""Variant: no model but a threshold on T1c - T1, the detector to beat."""


@dataclass(frozen=True)
class Prediction:
    """What an analysis gave, on the native grid of its reference channel.

    ``tissue`` uint8 [X, Y, Z] in BraTS-METS labels; ``instances`` uint16 with the lesion ids of
    ``result``; ``probabilities`` uint8 [3, X, Y, Z], NETC, SNFH and ET in steps of 1/255.
    """

    tissue: Labels
    instances: NDArray[np.uint16]
    probabilities: Labels
    grid: Grid
    result: Result

    @classmethod
    def of(cls, analysis: Analysis) -> Prediction:
        """The part of an analysis that is scored."""
        lesions = analysis.lesions
        grid = analysis.prepared.native.grid
        steps = np.round(255 * analysis.maps.tissue[1:]).astype(np.uint8)
        probabilities = to_native(steps, analysis.prepared.grid, grid, order=1)
        return cls(
            lesions.native_tissue, lesions.native_instances, probabilities, grid, analysis.result
        )


def vary(study: Study, variant: str) -> Study | None:
    """The study with fewer sequences, or with T1 in place of T1c; None where one is not there.

    ``variant`` is ``all``, ``t1c:=t1``, ``threshold`` (T1 and T1c) or channels joined
    by ``+``, such as ``t1c+flair``.
    """
    if variant == ALL:
        return study
    if variant == THRESHOLD:
        return vary(study, "t1+t1c")
    if variant == COUNTERFACTUAL:
        if not {"t1", "t1c"} <= set(study.volumes):
            return None
        return replace(study, volumes={**study.volumes, "t1c": study.volumes["t1"]})
    channels = variant.split("+")
    if not set(channels) <= set(study.volumes):
        return None
    return replace(study, volumes={channel: study.volumes[channel] for channel in channels})


def digest(study: Study) -> str:
    """Hex digest of a study's channels and of the files that they were read from."""
    total = hashlib.sha256()
    for channel, volume in sorted(study.volumes.items()):
        total.update(channel.encode())
        total.update(volume.data.tobytes() if volume.path is None else volume.path.read_bytes())
    return total.hexdigest()


class Reuse(Enum):
    """Which predictions serve: kept ones where there are any, none that is kept, only kept ones."""

    KEPT_FIRST = "kept first"
    NEVER = "never"
    KEPT_ONLY = "kept only"


@dataclass(frozen=True)
class Shelf:
    """Folder of kept predictions of one model.

    A prediction is found again by the model's sha256, what its contract and calibration say, the
    package's version and sources, the channels and the content of the study, so that anything
    changed is predicted anew.
    """

    folder: Path
    reuse: Reuse = Reuse.KEPT_FIRST

    def predict(self, study: Study, runtime: Vasotype) -> Prediction:
        """The kept prediction, or a new one that is then kept.

        Raises StudyError where the study is refused; ``prediction-missing`` where only kept ones
        serve and there is none.
        """
        place = self.folder / _rules(runtime) / digest(study)[:24]
        if place.is_dir() and self.reuse is not Reuse.NEVER:
            return _read(place)
        if self.reuse is Reuse.KEPT_ONLY:
            raise StudyError("prediction-missing", f"{study.name}: no prediction of it is kept")
        prediction = Prediction.of(runtime.analyse(study))
        if not place.is_dir():
            _write(prediction, place)
        return prediction


def _rules(runtime: Vasotype) -> str:
    """What a prediction depends on besides the study."""
    engine = runtime.engine
    rules = rules_digest(engine.contract, engine.calibration)
    parts = (engine.identity.sha256[:12], rules[:8], runtime_digest()[:8])
    return "-".join((*parts, vasotype.__version__))


def _write(prediction: Prediction, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".draft-") as scratch:
        draft = Path(scratch) / place.name
        draft.mkdir()
        for name, labels in (
            ("segmentation", prediction.tissue),
            ("lesions", prediction.instances),
        ):
            nib.save(nib.Nifti1Image(labels, prediction.grid.affine), draft / f"{name}.nii.gz")
        np.savez_compressed(draft / "probabilities.npz", prediction.probabilities)
        (draft / "result.json").write_text(prediction.result.model_dump_json(), encoding="utf-8")
        draft.rename(place)


def _read(place: Path) -> Prediction:
    tissue, instances = (
        nib.Nifti1Image.from_filename(place / f"{name}.nii.gz")
        for name in ("segmentation", "lesions")
    )
    x, y, z = tissue.shape
    return Prediction(
        tissue=np.asarray(tissue.dataobj, np.uint8),
        instances=np.asarray(instances.dataobj, np.uint16),
        probabilities=np.load(place / "probabilities.npz")["arr_0"],
        grid=Grid((x, y, z), np.asarray(tissue.affine, np.float64)),
        result=Result.read(place),
    )
