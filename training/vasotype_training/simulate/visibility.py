"""How well a lesion's rim stands out by its enhancement, as rendered and acquired.

The contrast-to-noise ratio is (mean of the rim - median of the surroundings) over the noise, in T1c
and in T1c - T1: a reader compares both, so a lesion is as visible as the larger says; a cohort may
also ask T1c alone. Rim: enhancing tumor within 2 mm of the lesion's border. Surroundings: brain 1.5
to 5 mm outside, away from every lesion. Noise: the scatter (1.48 times the median absolute
deviation) of the surroundings, so that tissue borders count as a reader sees them. Definition and
limits are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype_models.contract import ET, NETC

from vasotype_training.simulate.plan import Lesion, VisibleIn, redraw_biology
from vasotype_training.simulate.scene import Scene

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

RIM_MM = 2.0
AROUND_MM = (1.5, 5.0)
LEAST_AROUND = 20
"""Voxels without which nothing is known of the surroundings."""

FAINT_CNR = (1.5, 3.0)
"""Rims of this contrast-to-noise ratio are faint; below it nobody is asked to see them."""

ROUNDS = 8
"""Times that latents are drawn anew before a lesion is taken as it is, or left out."""


@dataclass(frozen=True)
class Visibility:
    """Contrast-to-noise ratio of a rim in T1c and in T1c - T1; NaN where it can't be measured."""

    t1c: float
    difference: float

    @property
    def best(self) -> float:
        """The larger ratio of those that are known; NaN where none is."""
        return float(np.fmax(self.t1c, self.difference))

    def where(self, image: VisibleIn) -> float:
        """The ratio by which a cohort calls the rim faint or clear."""
        return self.best if image == "either" else self.t1c


UNKNOWN = Visibility(float("nan"), float("nan"))


def measure_visibility(scene: Scene) -> dict[int, Visibility]:
    """Visibility of every numbered lesion in an acquired scene, by its number."""
    found: dict[int, Visibility] = {}
    for number, box in enumerate(ndimage.find_objects(scene.instances.astype(np.int32)), start=1):
        if box is not None:
            found[number] = _measure(scene, number, box)
    return found


def _measure(scene: Scene, number: int, box: tuple[slice, ...]) -> Visibility:
    margin = int(np.ceil(AROUND_MM[1])) + 1
    x, y, z = (slice(max(0, s.start - margin), s.stop + margin) for s in box)
    own = scene.instances[x, y, z] == number
    tissue, mask = scene.tissue[x, y, z], scene.mask[x, y, z]
    away = ndimage.distance_transform_edt(~own)
    depth = ndimage.distance_transform_edt(own)
    rim = own & (tissue == ET) & (depth <= RIM_MM)
    others = np.isin(tissue, (NETC, ET)) & ~own
    around = mask & ~others & (away > AROUND_MM[0]) & (away <= AROUND_MM[1])
    if "t1c" not in scene.images or not rim.any() or around.sum() < LEAST_AROUND:
        return UNKNOWN
    t1c = scene.images["t1c"][x, y, z]
    if "t1" not in scene.images:
        return Visibility(_ratio(t1c, rim, around), float("nan"))
    gain = t1c - scene.images["t1"][x, y, z]
    return Visibility(_ratio(t1c, rim, around), _ratio(gain, rim, around))


def _ratio(image: Array, rim: Mask, around: Mask) -> float:
    middle = float(np.median(image[around]))
    noise = 1.4826 * float(np.median(np.abs(image[around] - middle)))
    return float((image[rim].mean() - middle) / max(noise, 1e-3))


def settle_visibility(
    plans: Sequence[Lesion],
    faint_share: float,
    visible_in: VisibleIn,
    render: Callable[[Sequence[Lesion]], Scene],
    rng: np.random.Generator,
) -> list[Lesion]:
    """Metastases of which ``faint_share`` have a faint rim and the others a clear one.

    A coin, blind to mode, size and place, says which a lesion shall be. Its latents are then drawn
    anew within its mode until the acquired rim is so, with the lesions that are so already left
    away, which is quicker. After ``ROUNDS`` a lesion is taken as it is, unless it lies below faint
    among all others: then it is left out. ``render`` gives the acquired scene of plans.
    """

    def ratios_of(lesions: Sequence[Lesion]) -> list[float]:
        return _ratios(lesions, render(lesions), visible_in)

    lesions = list(plans)
    faint = rng.random(len(lesions)) < faint_share
    wrong = list(range(len(lesions)))
    for _ in range(ROUNDS):
        ratios = ratios_of([lesions[n] for n in wrong])
        told = {n: _as_told(ratio, bool(faint[n])) for n, ratio in zip(wrong, ratios, strict=True)}
        wrong = [n for n in wrong if not told[n] and lesions[n].biology is not None]
        if not wrong:
            break
        for n in wrong:
            lesions[n] = redraw_biology(lesions[n], rng)
    ratios = ratios_of(lesions)
    return [kept for kept, ratio in zip(lesions, ratios, strict=True) if not ratio < FAINT_CNR[0]]


def _as_told(ratio: float, faint: bool) -> bool:
    low, high = FAINT_CNR
    return bool(np.isnan(ratio)) or (low <= ratio < high if faint else ratio >= high)


def _ratios(lesions: Sequence[Lesion], scene: Scene, visible_in: VisibleIn) -> list[float]:
    """Visibility of each planned lesion; NaN where it left no voxel."""
    seen = measure_visibility(scene)
    simulated = scene.truth[len(scene.truth) - len(scene.plans) :]
    number = {plan.seed: t.id for t, plan in zip(simulated, scene.plans, strict=True)}
    return [seen.get(number.get(lesion.seed, 0), UNKNOWN).where(visible_in) for lesion in lesions]
