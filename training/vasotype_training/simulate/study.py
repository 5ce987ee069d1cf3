"""Whole simulated studies and cohorts: what ``vasotype simulate`` writes.

A study is fixed by its seed and number. Its folder looks like a clinical one (2023+ BraTS names)
and carries its truth: tissue labels, instances, a table of lesions with all latent variables.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype_models.contract import TISSUES

from vasotype_training.cohorts import LesionTruth
from vasotype_training.simulate.acquisition import Severity, degrade, degrade_map
from vasotype_training.simulate.anatomy import Anatomy, Source
from vasotype_training.simulate.look import draw_look
from vasotype_training.simulate.plan import (
    Lesion,
    Population,
    draw_count,
    draw_lookalikes,
    draw_metastases,
)
from vasotype_training.simulate.render import add_lesions
from vasotype_training.simulate.scene import Scene, start_scene
from vasotype_training.simulate.shape import Outline

Array = NDArray[np.float32]

SUFFIX = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}
"""Structural names of BraTS 2023 and later; maps keep their own."""

EXCLUDE_MM = 10
"""What touches a real tumor's label dilated by this much is left out of every score."""

LATENT_COLUMNS = (
    "rcbv",
    "ktrans_per_min",
    "edema_ratio",
    "width_mm",
    "tbr",
    "low_permeability",
    "hemorrhage",
)
COLUMNS = ("id", "mode", "mimicry", "source", "equivalent_diameter_mm", *LATENT_COLUMNS)

FULL_SCALE = 4000.0
"""Stored intensities of a structural image are unsigned integers up to about this."""


@dataclass(frozen=True)
class StudyOptions:
    """How studies are drawn.

    ``maps``: write rCBV, Ktrans and TBR maps as well; ``healthy_share`` of the studies have no
    metastasis (look-alikes only); ``delay_min`` range of minutes from injection to T1c.
    """

    maps: bool = True
    healthy_share: float = 0.15
    population: Population = field(default_factory=Population)
    severity: Severity = field(
        default_factory=lambda: Severity(thick_share=0.25, thickest_mm=4.0, noise=0.15)
    )
    delay_min: tuple[float, float] = (3.0, 8.0)
    most_lesions: int = 40


@dataclass(frozen=True)
class SimulatedStudy:
    """One study: its acquired scene, anatomy and number."""

    name: str
    anatomy: Anatomy
    scene: Scene
    seed: tuple[int, int]


def simulate_study(
    sources: Sequence[Source],
    outlines: Sequence[Outline],
    seed: tuple[int, int],
    options: StudyOptions,
) -> SimulatedStudy:
    """Draw study number ``seed[1]`` of the cohort ``seed[0]``."""
    rng = np.random.default_rng(seed)
    anatomy = sources[int(rng.integers(len(sources)))].draw(rng)
    x, y, z = (slice(0, n) for n in anatomy.shape)
    box = (x, y, z)
    look = draw_look(anatomy, rng, options.delay_min)
    scene = start_scene(anatomy, box, rng, options.maps)
    plan = draw_lookalikes(anatomy, box, int(rng.integers(0, 8)), rng)
    if rng.random() >= options.healthy_share:
        count = min(draw_count(rng), options.most_lesions)
        plan += draw_metastases(anatomy, box, count, options.population, outlines, rng)
    scene = add_lesions(anatomy, scene, box, plan, look)
    axis = int(rng.choice(3, p=(0.1, 0.1, 0.8)))
    for channel in list(scene.images):
        scene.images[channel] = degrade(scene.images[channel], options.severity, rng, axis)
    for name in list(scene.maps):
        scene.maps[name] = degrade_map(scene.maps[name], rng.uniform(0.05, 0.25), rng, axis)
    return SimulatedStudy(f"SIM-{seed[0]:05d}-{seed[1]:04d}", anatomy, scene, seed)


def stored_images(study: SimulatedStudy) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """File suffix and voxels of every image: structural as uint16, maps as float32."""
    mask = study.scene.mask
    for channel, image in study.scene.images.items():
        location, scale = study.anatomy.units[channel]
        raw = np.maximum(image * scale + location, 0)
        # A brain voxel is never 0: that value stands for outside.
        top = float(np.percentile(raw[mask], 99.9))
        units = np.clip(np.round(raw / top * FULL_SCALE * 0.6) + 1, 1, 65535) * mask
        yield SUFFIX[channel], units.astype(np.uint16)
    for name, image in study.scene.maps.items():
        yield name, (image * mask).astype(np.float32)


def fingerprint(study: SimulatedStudy) -> dict[str, float]:
    """Numbers that a change of the renderer would move.

    Mean and standard deviation of every image over the brain, voxels of every tissue label, number
    of lesions, and the sum of their centres and diameters.
    """
    mask = study.scene.mask
    numbers: dict[str, float] = {}
    for name, image in stored_images(study):
        values = image[mask].astype(np.float64)
        numbers[f"{name}_mean"], numbers[f"{name}_sd"] = float(values.mean()), float(values.std())
    for label, name in enumerate(TISSUES[1:], start=1):
        numbers[name] = float((study.scene.tissue == label).sum())
    numbers["lesions"] = float(len(study.scene.plans))
    numbers["plan"] = float(sum(sum(p.centre) + p.diameter_mm for p in study.scene.plans))
    return {name: float(f"{value:.6g}") for name, value in numbers.items()}


def write_study(study: SimulatedStudy, folder: Path) -> None:
    """Write a study and its truth into ``folder`` (must not exist), all at once."""
    waiting = folder.with_name(f".{folder.name}.partial")
    if waiting.exists():
        shutil.rmtree(waiting)
    truth = waiting / "truth"
    truth.mkdir(parents=True)
    affine = study.anatomy.affine
    for suffix, image in stored_images(study):
        _save(waiting / f"{study.name}-{suffix}.nii.gz", image, affine)
    scene = study.scene
    _save(truth / "segmentation.nii.gz", scene.tissue, affine)
    _save(truth / "instances.nii.gz", scene.instances, affine)
    _save(truth / "low_permeability.nii.gz", scene.low_permeability.astype(np.uint8), affine)
    real = study.anatomy.tumor
    if real is not None and (real > 0).any():
        near = ndimage.distance_transform_edt(real == 0) <= EXCLUDE_MM
        _save(truth / "exclude.nii.gz", near.astype(np.uint8), affine)
    with (truth / "lesions.tsv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS, delimiter="\t")
        table.writeheader()
        table.writerows(map(_row, scene.truth[-len(scene.plans) :], scene.plans))
    record = {
        "simulated": True,
        "anatomy": study.anatomy.name,
        "seed": list(study.seed),
        "fingerprint": fingerprint(study),
    }
    (waiting / "simulation.json").write_text(json.dumps(record, indent=2) + "\n")
    waiting.rename(folder)


def _row(truth: LesionTruth, plan: Lesion) -> dict[str, object]:
    """Line of ``lesions.tsv``; unknown values are empty."""
    row: dict[str, object] = {
        "id": truth.id,
        "mode": truth.mode or "",
        "mimicry": "" if truth.mimicry is None else int(truth.mimicry),
        "source": truth.source,
        "equivalent_diameter_mm": round(plan.diameter_mm, 2),
    }
    latent = asdict(plan.biology) if plan.biology is not None else {}
    return row | {name: _shown(latent.get(name, "")) for name in LATENT_COLUMNS}


def _shown(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return round(value, 4) if isinstance(value, float) else value


def _save(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    nib.save(image, path)


def write_cohort(
    folder: Path,
    count: int,
    seed: int,
    sources: Sequence[Source],
    outlines: Sequence[Outline] = (),
    options: StudyOptions | None = None,
) -> Iterator[str]:
    """Write studies 0 to ``count`` - 1 of the cohort ``seed``; yields each name when it is there.

    Studies already present are kept, so a cohort that was cut off goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name = f"SIM-{seed:05d}-{number:04d}"
        if not (folder / name).exists():
            study = simulate_study(sources, outlines, (seed, number), options or StudyOptions())
            write_study(study, folder / name)
        yield name
