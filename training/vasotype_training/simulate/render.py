"""Render planned lesions into a region of an anatomy: images, perfusion maps and truth.

A tissue's signal follows from its relaxation, the drawn protocol and, in T1c, the concentration of
contrast agent that its permeability lets through. Signals become image intensities by the straight
line that maps the model's CSF, grey and white matter onto those of the host image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr
from vasotype_models.contract import ET, NETC, SNFH

from vasotype_training.cohorts import LesionTruth
from vasotype_training.simulate import physics
from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.simulate.edema import edema_fraction
from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.interior import interior
from vasotype_training.simulate.lesion_signals import lesion_signals
from vasotype_training.simulate.look import Look, tissue_signal
from vasotype_training.simulate.mass_effect import push_aside
from vasotype_training.simulate.placing import Local, place
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.scene import Scene
from vasotype_training.simulate.shape import Box

Array = NDArray[np.float32]

BRIGHTEST = 14.0
"""Upper end of simulated intensities, normalised units."""

CRISP_MM = 0.35
"""Least width of a border: that of the voxels themselves."""
TRACTS = 0.3
"""A border is exp(this) times as wide in white matter, and narrower by as much in grey."""

VISIBLE_EDEMA = 0.5
"""Edema is labelled where its share exceeds this."""


def add_lesions(
    anatomy: Anatomy, scene: Scene, box: Box, lesions: Sequence[Lesion], look: Look
) -> Scene:
    """Add lesions to a scene (its arrays change); all edema first, so that no tumor drowns.

    ``box`` is the scene's place in the anatomy. Metastases that leave no labelled voxel are
    left out, and so is what would reach too near to a real tumor; edema stops there. Numbers go
    on from those of a labelled case.
    """
    placed = [
        None if local is None else push_aside(anatomy, scene, box, local)
        for local in (place(anatomy, scene, box, lesion) for lesion in lesions)
    ]
    for local in placed:
        if local is not None and local.lesion.edema_ml > 0:
            _add_edema(scene, local, look)
    truth, plans = list(scene.truth), list(scene.plans)
    for local in placed:
        if local is None:
            continue
        number = 1 + max((t.id for t in truth), default=0)
        if _add_body(scene, local, look, number):
            biology = local.lesion.biology
            mode, mimicry = (biology.mode, biology.mimicry) if biology else (None, None)
            truth.append(LesionTruth(number, mode, mimicry, "simulation"))
            plans.append(local.lesion)
    return replace(scene, truth=tuple(truth), plans=tuple(plans))


def _blend(volume: Array, share: Array, value: Array | float, texture: float) -> None:
    """Mix ``value`` into ``volume`` by ``share``, keeping some of the host's fine structure."""
    fine = volume - ndimage.gaussian_filter(volume, 1.5)
    volume += share * (value + texture * fine - volume)


def _add_edema(scene: Scene, local: Local, look: Look) -> None:
    lesion = local.lesion
    share = edema_fraction(local.distance, local.white, local.closed, lesion.edema_ml, local.rng)
    share *= scene.mask[local.box]
    strength = lesion.edema_strength * np.exp(0.15 * smooth_field(share.shape, 5, local.rng))
    wet = np.clip(share * strength, 0, 1)
    for channel in ("t1", "t1c", "t2", "flair"):
        if channel in scene.images:
            value = look.intensity(channel, tissue_signal(channel, physics.EDEMA, look.sequences))
            _blend(scene.images[channel][local.box], wet, value, 0.6)
    for name, factor in (("rcbv", 0.7), ("tbr", 0.9)):
        if name in scene.maps:
            scene.maps[name][local.box] *= 1 - (1 - factor) * wet
    tissue = scene.tissue[local.box]
    tissue[(share > VISIBLE_EDEMA) & (tissue == 0)] = SNFH


def _add_body(scene: Scene, local: Local, look: Look, number: int) -> bool:
    """Render tumor, core and blood; True where at least one voxel was labelled."""
    lesion, rng = local.lesion, local.rng
    inside = scene.mask[local.box]
    width = lesion.biology.width_mm if lesion.biology is not None else rng.uniform(0.25, 1.6)
    # Tumor reaches further along tracts, whatever its mode.
    reach = width * np.exp(TRACTS * (2 * local.white - 1)) if width > CRISP_MM else width
    # A border can't be wider than the lesion itself.
    reach = np.clip(reach, CRISP_MM, max(CRISP_MM, 0.22 * lesion.diameter_mm))
    body = (ndtr(-local.distance / reach) * inside).astype(np.float32)
    signals = lesion_signals(scene, local, look, body)
    core, clot = interior(local, body)
    for channel, image in scene.images.items():
        viable, dead, blood = signals.intensities[channel]
        value = viable + core / np.maximum(body, 1e-3) * (dead - viable)
        value = value + clot / np.maximum(body, 1e-3) * (blood - value)
        _blend(image[local.box], body, np.clip(value, -6, BRIGHTEST), 0.25)
    for name, image in scene.maps.items():
        alive, dead_value = signals.maps[name]
        value = alive + core / np.maximum(body, 1e-3) * (dead_value - alive)
        image[local.box] += body * (value - image[local.box])
    if lesion.kind != "metastasis":
        return False
    return _label(scene, local, signals.low, core, number)


def _label(scene: Scene, local: Local, low: NDArray[np.bool_], core: Array, number: int) -> bool:
    tissue, instances = scene.tissue[local.box], scene.instances[local.box]
    own = (local.distance < 0) & scene.mask[local.box] & (instances == 0)
    own &= ~np.isin(tissue, (NETC, ET))
    dead = own & (core > 0.5)
    tissue[own] = ET
    tissue[dead] = NETC
    instances[own] = number
    scene.low_permeability[local.box][own & ~dead & low] = True
    return bool(own.any())
