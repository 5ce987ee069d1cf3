"""Whole simulated studies and cohorts: what ``vasotype simulate`` writes.

A study is fixed by its seed and number. Its folder looks like a clinical one (2023+ BraTS names)
and carries its truth: tissue labels, instances, a table of lesions with all latent variables.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype_models.contract import TISSUES

from vasotype_training.cohorts import LesionTruth
from vasotype_training.simulate.acquisition import Severity
from vasotype_training.simulate.anatomy import Anatomy, Source
from vasotype_training.simulate.layouts import LAYOUTS, Layout
from vasotype_training.simulate.look import draw_look
from vasotype_training.simulate.lookalikes import draw_lookalikes
from vasotype_training.simulate.plan import (
    Lesion,
    Population,
    draw_count,
    draw_metastases,
)
from vasotype_training.simulate.render import add_lesions
from vasotype_training.simulate.scanning import draw_scan, scan_scene
from vasotype_training.simulate.scene import Scene, start_scene
from vasotype_training.simulate.shape import Box, Outline
from vasotype_training.simulate.study_series import write_series
from vasotype_training.simulate.visibility import (
    UNKNOWN,
    Visibility,
    measure_visibility,
    settle_visibility,
)

Array = NDArray[np.float32]

SUFFIX = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}
"""Structural names of BraTS 2023 and later; maps keep their own."""

PERFUSION = ("rcbv", "ktrans")
"""Maps that dynamic series take the place of."""

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
COLUMNS = (
    "id",
    "mode",
    "mimicry",
    "source",
    "equivalent_diameter_mm",
    "primary",
    *LATENT_COLUMNS,
    "rim_cnr",
    "rim_cnr_difference",
)

PLAIN = LAYOUTS["nifti"]

FULL_SCALE = 4000.0
"""Stored intensities of a structural image are unsigned integers up to about this."""


@dataclass(frozen=True)
class StudyOptions:
    """How studies are drawn.

    ``maps``: write rCBV, Ktrans and TBR maps as well; ``series``: write DSC and DCE series in place
    of rCBV and Ktrans, which become part of the truth; ``healthy_share`` of the studies have no
    metastasis (look-alikes only); ``delay_min`` range of minutes from injection to T1c;
    ``contrast_spread`` of the lesions' contrast to brain; ``badly_stripped_share`` of the studies
    have a flawed brain mask.
    """

    maps: bool = True
    series: bool = False
    healthy_share: float = 0.15
    population: Population = field(default_factory=Population)
    severity: Severity = field(
        default_factory=lambda: Severity(thick_share=0.25, thickest_mm=4.0, noise=0.15)
    )
    delay_min: tuple[float, float] = (3.0, 8.0)
    contrast_spread: float = 0.2
    badly_stripped_share: float = 0.25
    most_lesions: int = 40


@dataclass(frozen=True)
class SimulatedStudy:
    """One study: its acquired scene, anatomy and number, and how visible each lesion is.

    ``quantities`` are its maps before they were scanned: the truth behind maps and series.
    """

    name: str
    anatomy: Anatomy
    scene: Scene
    seed: tuple[int, int]
    visibility: dict[int, Visibility]
    quantities: Mapping[str, Array]


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
    box: Box = (x, y, z)
    look = draw_look(anatomy, rng, options.delay_min, options.contrast_spread)
    scan = draw_scan(anatomy.images, options.severity, options.badly_stripped_share, rng)
    others = draw_lookalikes(anatomy, box, int(rng.integers(0, 13)), rng)
    metastases: list[Lesion] = []
    if rng.random() >= options.healthy_share:
        count = min(draw_count(rng), options.most_lesions)
        metastases = draw_metastases(anatomy, box, count, options.population, outlines, rng)

    def render(lesions: Sequence[Lesion], channels: Sequence[str], with_maps: bool) -> Scene:
        scene = start_scene(anatomy, box, np.random.default_rng((*seed, 1)), with_maps)
        images = {c: image for c, image in scene.images.items() if c in channels}
        scene = replace(scene, images=images)
        return add_lesions(anatomy, scene, box, [*others, *lesions], look)

    faint_share = options.population.faint_share
    if faint_share is not None:
        metastases = settle_visibility(
            metastases,
            faint_share,
            options.population.visible_in,
            lambda plans: scan_scene(render(plans, ("t1", "t1c"), False), scan),
            rng,
        )
    whole = render(metastases, tuple(anatomy.images), options.maps or options.series)
    scene = scan_scene(whole, scan)
    name = f"SIM-{seed[0]:05d}-{seed[1]:04d}"
    return SimulatedStudy(name, anatomy, scene, seed, measure_visibility(scene), whole.maps)


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


def write_study(
    study: SimulatedStudy, folder: Path, *, series: bool = False, layout: Layout = PLAIN
) -> None:
    """Write a study and its truth into ``folder`` (must not exist), all at once.

    With ``series`` the perfusion maps are truth, and the study has DSC and DCE series instead.
    """
    waiting = folder.with_name(f".{folder.name}.partial")
    if waiting.exists():
        shutil.rmtree(waiting)
    truth = waiting / "truth"
    truth.mkdir(parents=True)
    affine = study.anatomy.affine
    for suffix, image in stored_images(study):
        if not (series and suffix in PERFUSION):
            _save(waiting / f"{study.name}-{suffix}.nii.gz", image, affine)
    scene = study.scene
    if series:
        for name in PERFUSION:
            truth_map = study.quantities[name] * scene.mask
            _save(truth / f"{name}.nii.gz", truth_map.astype(np.float32), affine)
        write_series(study, waiting)
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
        simulated = scene.truth[len(scene.truth) - len(scene.plans) :]
        for lesion, plan in zip(simulated, scene.plans, strict=True):
            table.writerow(_row(lesion, plan, study.visibility.get(lesion.id, UNKNOWN)))
    record = {
        "simulated": True,
        "name": study.name,
        "anatomy": study.anatomy.name,
        "seed": list(study.seed),
        "fingerprint": fingerprint(study),
    }
    (waiting / "simulation.json").write_text(json.dumps(record, indent=2) + "\n")
    layout.arrange(waiting, study.name)
    waiting.rename(folder)


def _row(truth: LesionTruth, plan: Lesion, seen: Visibility) -> dict[str, object]:
    """Line of ``lesions.tsv``; unknown values are empty."""
    row: dict[str, object] = {
        "id": truth.id,
        "mode": truth.mode or "",
        "mimicry": "" if truth.mimicry is None else int(truth.mimicry),
        "source": truth.source,
        "equivalent_diameter_mm": round(plan.diameter_mm, 2),
        "primary": "" if plan.patient is None else plan.patient.primary,
        "rim_cnr": _shown(seen.t1c),
        "rim_cnr_difference": _shown(seen.difference),
    }
    latent = asdict(plan.biology) if plan.biology is not None else {}
    return row | {name: _shown(latent.get(name, "")) for name in LATENT_COLUMNS}


def _shown(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return "" if np.isnan(value) else round(value, 4)
    return value


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
    layout: Layout = PLAIN,
) -> Iterator[str]:
    """Write studies 0 to ``count`` - 1 of the cohort ``seed``; yields each name when it is there.

    Studies already present are kept, so a cohort that was cut off goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name = f"SIM-{seed:05d}-{number:04d}"
        place = folder / layout.place(name)
        if not place.exists():
            chosen = options or StudyOptions()
            study = simulate_study(sources, outlines, (seed, number), chosen)
            write_study(study, place, series=chosen.series, layout=layout)
            layout.describe(folder)
        yield name
