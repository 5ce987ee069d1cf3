"""Score of one study: truth and prediction on a common 1 mm grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.prepare import resample
from vasotype.result import LesionRecord, PhenotypeRecord
from vasotype.stages import Grid, Labels

from vasotype_training.cohorts import LabelledStudy, LesionTruth, Reference
from vasotype_training.evaluate.brats import LesionWise, lesion_wise_2023, lesion_wise_2025
from vasotype_training.evaluate.components import REGIONS, region
from vasotype_training.evaluate.detection import Detection, Place, detect
from vasotype_training.evaluate.metrics import dice
from vasotype_training.evaluate.outlines import Reliability, lesion_dice
from vasotype_training.evaluate.predictions import Prediction

Ids = NDArray[np.uint16]


@dataclass(frozen=True)
class LesionScore:
    """One true lesion: what is known of it, and how it was read where it was found.

    ``place`` is a voxel of it on the study's 1 mm grid; ``dice`` by region, where it was found;
    ``confidence`` that of the predicted lesion that found it, None where no model says so.
    """

    diameter_mm: float
    found: bool
    place: Place
    dice: dict[str, float]
    truth: LesionTruth | None
    reading: PhenotypeRecord | None
    confidence: float | None = None


@dataclass(frozen=True)
class FalsePositive:
    """A predicted lesion that is none: a voxel of it on the study's 1 mm grid, and how sure the
    model was, None where no model says so.
    """

    place: Place
    confidence: float | None


@dataclass(frozen=True)
class StudyScore:
    """One study. ``dice``, ``brats_2025`` and ``brats_2023`` are by region; a region that is
    empty in truth and prediction is in ``both_empty`` and not in ``dice``.
    """

    study: str
    dice: dict[str, float]
    both_empty: tuple[str, ...]
    lesions: tuple[LesionScore, ...]
    strays: tuple[FalsePositive, ...]
    fragments: int
    reliability: Reliability
    brats_2025: dict[str, LesionWise]
    brats_2023: dict[str, LesionWise]

    @property
    def false_positives(self) -> int:
        """Predicted lesions that are none."""
        return len(self.strays)

    @property
    def without_lesion(self) -> bool:
        """The core was scored and there was no lesion to find."""
        return "tc" in self.brats_2023 and not self.lesions


def one_mm_grid(native: Grid) -> Grid:
    """RAS-ordered 1 mm grid over the field of view of ``native``, along its axes.

    A native grid of 1 mm is only flipped and permuted, so that nothing is interpolated.
    """
    canonical = nib.as_closest_canonical(
        nib.Nifti1Image(np.broadcast_to(np.uint8(0), native.shape), native.affine)
    )
    grid = Grid(canonical.shape, np.asarray(canonical.affine, np.float64))
    spacing = np.array(grid.spacing_mm)
    if np.allclose(spacing, 1.0, atol=0.01):
        return grid
    x, y, z = (max(1, round(float(side))) for side in np.array(grid.shape) * spacing)
    affine = grid.affine.copy()
    affine[:3, :3] /= spacing
    # The outer faces of the first voxels coincide, not their centres.
    affine[:3, 3] += (affine[:3, :3] - grid.affine[:3, :3]).sum(axis=1) / 2
    return Grid((x, y, z), affine)


def score(labelled: LabelledStudy, prediction: Prediction, core_scored: bool = True) -> StudyScore:
    """Score a prediction against the reference labels.

    Voxels of the excluded region count nowhere. Without ``core_scored`` (a tumor that hardly
    enhances) only whole tumor is scored, and a predicted core is a false positive only away from
    it.
    """
    reference = labelled.on_grid(one_mm_grid(labelled.grid))
    grid, exclude = reference.grid, reference.exclude
    answer = resample(prediction.tissue, prediction.grid, grid, order=0)
    names = REGIONS if core_scored else ("wt",)
    truth = np.where(exclude, np.uint8(0), reference.tissue)
    predicted = np.where(exclude, np.uint8(0), answer)
    pairs = {name: (region(truth, name), region(predicted, name)) for name in names}
    empty = tuple(name for name, pair in pairs.items() if not (pair[0].any() or pair[1].any()))
    if core_scored:
        found = detect(reference.tissue, answer, grid.affine, exclude)
    else:
        found = detect(np.zeros_like(truth), answer, grid.affine, exclude | (truth > 0))
    records = _records(found, prediction, grid)
    return StudyScore(
        study=labelled.name,
        dice={name: dice(*pair) for name, pair in pairs.items() if name not in empty},
        both_empty=empty,
        lesions=_lesions(found, (truth, predicted), reference, labelled, records),
        strays=tuple(
            FalsePositive(stray.place, _confidence(records.get(stray.number)))
            for stray in found.strays
        ),
        fragments=found.fragments,
        reliability=_reliability((truth, predicted), reference, prediction, core_scored),
        brats_2025={name: lesion_wise_2025(truth, predicted, name) for name in names},
        brats_2023={name: lesion_wise_2023(truth, predicted, name) for name in names},
    )


def _reliability(
    labels: tuple[Labels, Labels], reference: Reference, prediction: Prediction, core_scored: bool
) -> Reliability:
    """Probabilities against truth near lesions; nothing where the core is not scored."""
    use = ~reference.exclude if core_scored else np.zeros_like(reference.exclude)
    probabilities = [
        resample(volume, prediction.grid, reference.grid) for volume in prediction.probabilities
    ]
    return Reliability.measure(np.stack(probabilities), *labels, use)


def _records(found: Detection, prediction: Prediction, grid: Grid) -> dict[int, LesionRecord]:
    """The lesion of the result that each predicted component belongs to, by component."""
    by_id = {lesion.id: lesion for lesion in prediction.result.lesions}
    ids = resample(prediction.instances, prediction.grid, grid, order=0)
    boxes = enumerate(ndimage.find_objects(found.predicted), start=1)
    owners = {n: _commonest(ids[box][found.predicted[box] == n]) for n, box in boxes}
    return {n: by_id[owner] for n, owner in owners.items() if owner in by_id}


def _confidence(record: LesionRecord | None) -> float | None:
    return None if record is None else record.confidence


def _lesions(
    found: Detection,
    labels: tuple[Labels, Labels],
    reference: Reference,
    labelled: LabelledStudy,
    records: Mapping[int, LesionRecord],
) -> tuple[LesionScore, ...]:
    """True lesions with what is known of them, their outlines, and how they were read."""
    known = {lesion.id: lesion for lesion in labelled.lesions or ()}
    hits = [lesion.number for lesion in found.lesions if lesion.found_by]
    outlines = lesion_dice(*labels, found.truth, hits)
    scores = []
    for lesion in found.lesions:
        true_id = _commonest(reference.instances[found.truth == lesion.number])
        record = records.get(lesion.found_by)
        scores.append(
            LesionScore(
                diameter_mm=lesion.diameter_mm,
                found=lesion.found_by > 0,
                place=lesion.place,
                dice=outlines.get(lesion.number, {}),
                truth=known.get(true_id),
                reading=None if record is None else record.phenotype,
                confidence=_confidence(record),
            )
        )
    return tuple(scores)


def _commonest(ids: Ids) -> int:
    """The id that most voxels carry; 0 where none does."""
    counts = np.bincount(ids)
    counts[:1] = 0
    return int(counts.argmax()) if counts.any() else 0
