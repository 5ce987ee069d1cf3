"""Refit what a site can refit: temperatures and conformal thresholds, on its own labelled lesions,
and how far voxel probabilities are to be believed, on its own outlines.

The fused models stay as they are: a site rarely has the lesions to fit them, but some dozens of
each mode tell how sure the model may be there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vasotype
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from vasotype.engine.providers import Device
from vasotype.findings import StudyError
from vasotype.phenotype.fusion import fuse, numbers_for
from vasotype.phenotype.reading import LEAST_DIAMETER_MM
from vasotype.pipeline import Analysis
from vasotype_models.contract import MODES, Calibration, TissueScaling

from vasotype_training.calibrate import (
    FOLDS,
    conformal_thresholds,
    fit_scaling,
    fit_temperature,
    folds,
)
from vasotype_training.calibrate_tissue import TissueSample, fit_tissue, sample_tissue
from vasotype_training.cohorts import LabelledStudy, case_name, find_labelled, read_labelled
from vasotype_training.evaluate.summary import patient

LEAST_PER_MODE = 30
"""Lesions of each mode below which a tier keeps its numbers: a 90 % set needs 9 at the very least,
and 30 keep the standard deviation of its coverage near 5 %. Ours."""

LEAST_STUDIES = 10
"""Studies with lesions below which the scaling of tissue probabilities stays. Ours."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SiteLesion:
    """A labelled lesion of a site: patient, name of the numbers it is read with, true mode (index),
    network and fused logits.
    """

    patient: int
    numbers: str
    mode: int
    network_logits: Floats
    fused_logits: Floats


@dataclass(frozen=True)
class Recalibration:
    """The new calibration, and a line for each tier on what became of it, for each study that was
    left out on why.
    """

    calibration: Calibration
    summary: tuple[str, ...]


def recalibrate(
    cohort: Path,
    model: str | Path,
    device: Device = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Recalibration:
    """Run a model over a labelled cohort and refit its calibration.

    A study that is refused, or whose labels are, is left out and named in the summary. Raises
    StudyError ``truth-missing`` where no case has labels and ``site-lesions`` where no tier has
    enough lesions of each mode.
    """
    runtime = vasotype.load(model, device)
    folders = find_labelled(cohort)
    if not folders:
        raise StudyError("truth-missing", f"{cohort.name}: no labelled case in it")
    calibration = runtime.engine.calibration.of_model(runtime.engine.identity.sha256)
    # The network's own probabilities of tissues are asked for.
    runtime.engine.calibration = calibration.model_copy(update={"tissue": None})
    lesions, voxels, refused = list[SiteLesion](), list[TissueSample](), list[str]()
    patients: dict[str, int] = {}
    for done, folder in enumerate(folders, start=1):
        try:
            labelled = read_labelled(folder)
            # Timepoints of one patient are no independent witnesses: they share a fold.
            number = patients.setdefault(patient(labelled.study.name), len(patients))
            analysis = runtime.analyse(labelled.study)
            voxels.append(site_voxels(done, labelled, analysis))
            lesions += site_lesions(number, labelled, analysis, calibration)
        except StudyError as error:
            refused.append(f"{case_name(folder)}: left out, {error.code}: {error}")
        if progress is not None:
            progress(done, len(folders))
    return refit(calibration, lesions, cohort.name, refused, voxels)


def site_voxels(number: int, labelled: LabelledStudy, analysis: Analysis) -> TissueSample:
    """Voxels about the lesions of a labelled study, which its ``number`` picks among them."""
    prepared = analysis.prepared
    reference = labelled.on_grid(prepared.grid)
    use = prepared.mask & ~reference.exclude.astype(bool)
    about = np.random.default_rng(number)
    return sample_tissue(analysis.maps.tissue, reference.tissue, use, about)


def site_lesions(
    patient: int, labelled: LabelledStudy, analysis: Analysis, calibration: Calibration
) -> Iterator[SiteLesion]:
    """The found lesions of at least 5 mm whose true mode is known.

    A found lesion belongs to the true one that most of its voxels lie in.
    """
    truths = {t.id: t for t in labelled.lesions or () if t.mode is not None}
    reference = labelled.on_grid(analysis.prepared.grid).instances
    for lesion in analysis.inputs:
        overlap = np.bincount(reference[lesion.view.box][lesion.view.core])
        overlap[0] = 0
        truth = truths.get(int(overlap.argmax())) if overlap.any() else None
        small = lesion.view.lesion.model_diameter_mm < LEAST_DIAMETER_MM
        if truth is None or truth.mode is None or small:
            continue
        plain = calibration.model_copy(update={"fused_temperature": {}})
        channels = analysis.prepared.channels
        numbers = numbers_for(calibration, lesion.tier, channels, lesion.features)
        fused = fuse(plain, numbers, lesion.answer, lesion.features).probabilities
        yield SiteLesion(
            patient=patient,
            numbers=numbers,
            mode=MODES.index(truth.mode),
            network_logits=lesion.answer.mode_logits,
            fused_logits=np.log(np.maximum(fused, 1e-12)),
        )


def refit(
    calibration: Calibration,
    lesions: list[SiteLesion],
    site: str,
    refused: Sequence[str] = (),
    voxels: Sequence[TissueSample] = (),
) -> Recalibration:
    """Temperatures and thresholds of each kind of input with enough lesions, and the scaling of
    tissues with enough studies; the others stay.

    ``refused`` are lines on studies that gave no lesions, for the summary; ``voxels`` are those of
    each study, with the network's own probabilities. Thresholds come from probabilities whose
    temperature was fitted on other patients.
    """
    by_name: dict[str, list[SiteLesion]] = defaultdict(list)
    for lesion in lesions:
        by_name[lesion.numbers].append(lesion)
    changes: dict[str, dict[str, object]] = {
        name: dict(getattr(calibration, name))
        for name in ("temperature", "bias", "fused_temperature", "conformal_threshold", "lesions")
    }
    summary, changed = [], []
    for tier, own in sorted(by_name.items()):
        modes = np.array([lesion.mode for lesion in own], np.int64)
        least = min(int((modes == k).sum()) for k in range(len(MODES)))
        patients = len({lesion.patient for lesion in own})
        if least < LEAST_PER_MODE or patients < FOLDS:
            summary.append(
                f"{tier}: kept as it was; {least} lesions of the rarest mode in {patients} "
                f"patients, {LEAST_PER_MODE} in {FOLDS} are needed"
            )
            continue
        network = np.array([lesion.network_logits for lesion in own])
        fused = np.array([lesion.fused_logits for lesion in own])
        held_out = _held_out(fused, modes, [lesion.patient for lesion in own])
        changes["temperature"][tier], changes["bias"][tier] = fit_scaling(network, modes)
        changes["fused_temperature"][tier] = fit_temperature(fused, modes)
        changes["conformal_threshold"][tier] = conformal_thresholds(held_out, modes)
        changes["lesions"][tier] = len(own)
        changed.append(tier)
        summary.append(f"{tier}: refitted on {len(own)} lesions")
    tissue, told_tissue = refit_tissue(calibration, voxels)
    if not changed and tissue == calibration.tissue:
        read = summary or [f"no lesion of {LEAST_DIAMETER_MM:g} mm was found"]
        told = "; ".join([*read, *told_tissue, *refused])
        raise StudyError("site-lesions", f"{site}: {told}")
    parts = [f"tiers {', '.join(changed)} on its own lesions"] if changed else []
    parts += ["tissues on its own outlines"] if tissue != calibration.tissue else []
    source = f"{site}: {', '.join(parts)}; before: {calibration.source}"
    basis = "site" if len(changed) == len(calibration.temperature) else "simulation"
    update = {**changes, "tissue": tissue, "source": source, "basis": basis}
    return Recalibration(calibration.model_copy(update=update), (*summary, *told_tissue, *refused))


def refit_tissue(
    calibration: Calibration, voxels: Sequence[TissueSample]
) -> tuple[TissueScaling | None, tuple[str, ...]]:
    """The scaling of tissue probabilities, or the one that there was; and what became of it."""
    own = [sample for sample in voxels if len(sample.labels)]
    if not own:
        return calibration.tissue, ()
    if len(own) < LEAST_STUDIES:
        why = f"{len(own)} studies with lesions, {LEAST_STUDIES} are needed"
        return calibration.tissue, (f"tissues: kept as they were; {why}",)
    try:
        found = fit_tissue(own)
    except ValueError as error:
        return calibration.tissue, (f"tissues: kept as they were; {error}",)
    return found, (f"tissues: refitted on voxels about the lesions of {len(own)} studies",)


def _held_out(logits: Floats, modes: NDArray[np.int64], patients: list[int]) -> Floats:
    """Probabilities [N, 3] at the temperature of the other patients' lesions."""
    fold = folds(patients)
    probabilities = np.zeros_like(logits)
    for k in np.unique(fold):
        temperature = fit_temperature(logits[fold != k], modes[fold != k])
        probabilities[fold == k] = softmax(
            log_softmax(logits[fold == k], axis=1) / temperature, axis=1
        )
    return probabilities
