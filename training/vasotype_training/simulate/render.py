"""Render planned lesions into a region of an anatomy: images, perfusion maps and truth.

A tissue's signal follows from its relaxation, the drawn protocol and, in T1c, the concentration of
contrast agent that its permeability lets through. Signals become image intensities by the straight
line that maps the model's CSF, grey and white matter onto those of the host image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr
from vasotype_models.contract import ET, NETC, SNFH

from vasotype_training.cohorts import LesionTruth
from vasotype_training.simulate import physics
from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM, Anatomy
from vasotype_training.simulate.biology import LOW_KTRANS_PER_MIN
from vasotype_training.simulate.edema import edema_fraction
from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.physics import Sequences, Tissue
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.shape import Box, signed_distance

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]

BRIGHTEST = 14.0
"""Upper end of simulated intensities, normalised units."""

VISIBLE_EDEMA = 0.5
"""Edema is labelled where its share exceeds this."""


@dataclass(frozen=True)
class Line:
    """Image intensity = offset + slope * signal."""

    offset: float
    slope: float

    def __call__(self, signal: Array | float) -> Array | float:
        """Intensity of a signal."""
        return self.offset + self.slope * signal


@dataclass(frozen=True)
class Look:
    """How one study renders: protocol, the line of each sequence, and its contrast factor."""

    sequences: Sequences
    lines: Mapping[str, Line]
    white: Mapping[str, float]
    contrast: Mapping[str, float]
    enhancement: float

    def intensity(self, channel: str, signal: Array | float) -> Array | float:
        """Intensity of a signal, its contrast to white matter scaled by the study's factor."""
        plain = self.lines[channel](signal)
        return self.white[channel] + (plain - self.white[channel]) * self.contrast[channel]


@dataclass(frozen=True)
class Scene:
    """A rendered region; arrays [X, Y, Z], changed in place while lesions are added.

    ``images`` in normalised units; ``maps`` rcbv (ratio to white matter), ktrans (1/min), tbr
    (ratio); ``tissue`` BraTS-METS labels; ``instances`` numbers of lesions; ``truth`` what is
    known of each; ``plans`` those of the simulated ones, in the same order; ``low_permeability``
    true where viable tumor keeps its barrier.
    """

    images: dict[str, Array]
    maps: dict[str, Array]
    mask: NDArray[np.bool_]
    tissue: Labels
    instances: NDArray[np.uint16]
    low_permeability: NDArray[np.bool_]
    truth: tuple[LesionTruth, ...]
    plans: tuple[Lesion, ...] = ()


def draw_look(
    anatomy: Anatomy, rng: np.random.Generator, delay_min: tuple[float, float] = (3, 8)
) -> Look:
    """Draw a protocol and fit its signals to the anatomy's intensities."""
    sequences = physics.draw_sequences(rng, delay_min)
    lines, white, contrast = {}, {}, {}
    for channel in anatomy.images:
        signals = np.array(
            [_signal(channel, t, sequences) for t in (physics.CSF, physics.GREY, physics.WHITE)]
        )
        levels = np.array(anatomy.levels[channel])
        known = np.isfinite(levels)
        lines[channel] = _fit_line(signals[known], levels[known])
        white[channel] = float(levels[2]) if known[2] else 0.5
        contrast[channel] = float(np.exp(rng.normal(0, 0.2)))
    # T1 and T1c are one sequence twice: their tissue contrast must agree or blood would enhance.
    contrast["t1c"] = contrast.get("t1", 1.0)
    return Look(sequences, lines, white, contrast, float(np.exp(rng.normal(0, 0.12))))


def _signal(channel: str, tissue: Tissue, sequences: Sequences) -> float:
    weigh = {
        "t1": physics.t1_weighted,
        "t1c": physics.t1_weighted,
        "t2": physics.t2_weighted,
        "flair": physics.flair_weighted,
    }
    return float(weigh[channel](tissue.t1, tissue.t2, tissue.density, sequences))


def _fit_line(signals: NDArray[np.float64], levels: NDArray[np.float64]) -> Line:
    if len(levels) >= 2 and np.ptp(signals) > 1e-6:
        slope = float(np.cov(signals, levels)[0, 1] / np.var(signals, ddof=1))
        # A host image whose contrast contradicts the physics still needs tumor brighter than not.
        slope = max(slope, 0.3 * float(np.ptp(levels)) / float(np.ptp(signals)))
        return Line(float(levels.mean() - slope * signals.mean()), slope)
    return Line(0.0, 5.0 / float(max(np.ptp(signals), 0.1)))


def start_scene(anatomy: Anatomy, box: Box, rng: np.random.Generator, with_maps: bool) -> Scene:
    """The region as it is before any lesion; a real tumor keeps its labels."""
    mask = anatomy.mask[box].copy()
    images = {c: image[box].astype(np.float32) for c, image in anatomy.images.items()}
    tissue = (
        anatomy.tumor[box].copy() if anatomy.tumor is not None else np.zeros(mask.shape, np.uint8)
    )
    if anatomy.maps:
        maps = {name: values[box].astype(np.float32) for name, values in anatomy.maps.items()}
    else:
        maps = _healthy_maps(anatomy, box, rng) if with_maps else {}
    return Scene(
        images=images,
        maps=maps,
        mask=mask,
        tissue=tissue,
        instances=(
            np.zeros(mask.shape, np.uint16)
            if anatomy.instances is None
            else anatomy.instances[box].copy()
        ),
        low_permeability=np.zeros(mask.shape, bool),
        truth=anatomy.lesions,
    )


def _healthy_maps(anatomy: Anatomy, box: Box, rng: np.random.Generator) -> dict[str, Array]:
    white, grey, csf = (
        t[box].astype(np.float32) for t in (anatomy.white, anatomy.grey, anatomy.csf)
    )
    texture = np.exp(0.15 * smooth_field(white.shape, 3, rng))
    # Large vessels: bright in a T1c without a lesion, or somewhere at the surface.
    vessel = np.zeros_like(white)
    if "t1c" in anatomy.images and "t1" in anatomy.images:
        gain = anatomy.images["t1c"][box].astype(np.float32) - anatomy.images["t1"][box]
        vessel = np.clip((gain - 1.5) / 2, 0, 1)
    rcbv = (white + rng.uniform(1.8, 2.6) * grey + 0.4 * csf) * texture + 8 * vessel
    ktrans = 0.002 * (white + grey) * texture**2 + 0.05 * vessel
    tbr = (0.95 * white + 1.15 * grey + 0.7 * csf) * (1 + 0.3 * (texture - 1)) + 0.4 * vessel
    return {"rcbv": rcbv, "ktrans": ktrans, "tbr": tbr}


def add_lesions(
    anatomy: Anatomy, scene: Scene, box: Box, lesions: Sequence[Lesion], look: Look
) -> Scene:
    """Add lesions to a scene (its arrays change); all edema first, so that no tumor drowns.

    ``box`` is the scene's place in the anatomy. Metastases that leave no labelled voxel are
    left out, and so is what would reach too near to a real tumor; edema stops there. Numbers go
    on from those of a labelled case.
    """
    placed = [_place(anatomy, scene, box, lesion) for lesion in lesions]
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


@dataclass(frozen=True)
class _Local:
    """A lesion with its box in the scene, signed distance and tissue there.

    ``closed`` 0-1 is what edema can't enter: CSF and the surroundings of a real tumor.
    """

    lesion: Lesion
    box: Box
    distance: Array
    white: Array
    closed: Array
    depth: Array
    rng: np.random.Generator


def _place(anatomy: Anatomy, scene: Scene, box: Box, lesion: Lesion) -> _Local | None:
    rng = np.random.default_rng(lesion.seed)
    radius = lesion.shape.radius_mm
    volume = 4 / 3 * np.pi * radius**3 + 1000 * lesion.edema_ml
    reach = 1.6 * (3 * volume / (4 * np.pi)) ** (1 / 3) if lesion.edema_ml else 1.6 * radius
    reach = max(reach, 2.2 * radius) + 5
    if lesion.kind in ("vessel", "dura"):
        reach = rng.uniform(8, 22)
    centre = [c - s.start for c, s in zip(lesion.centre, box, strict=True)]
    local = tuple(
        slice(max(0, int(c - reach)), min(n, int(c + reach) + 1))
        for c, n in zip(centre, scene.mask.shape, strict=True)
    )
    if any(s.stop - s.start < 4 for s in local):
        return None
    here = (local[0], local[1], local[2])
    where = tuple(
        slice(s.start + b.start, s.stop + b.start) for s, b in zip(here, box, strict=True)
    )
    depth = anatomy.depth_mm[where].astype(np.float32)
    at = (centre[0], centre[1], centre[2])
    if lesion.kind == "vessel":
        distance = _tube(at, radius, here, rng)
    elif lesion.kind == "dura":
        sheet = np.abs(depth - 1.0) - radius
        patch = 4 - 6 * smooth_field(depth.shape, 8, rng)
        distance = np.maximum(sheet, patch).astype(np.float32)
    else:
        distance = signed_distance(lesion.shape, at, here, rng)
    white, closed = (t[where].astype(np.float32) for t in (anatomy.white, anatomy.csf))
    if anatomy.tumor_mm is not None:
        near = anatomy.tumor_mm[where] < TUMOR_DISTANCE_MM
        if (near & (distance < 0)).any():
            return None
        closed[near] = 1
    return _Local(lesion, here, distance, white, closed, depth, rng)


def _tube(
    centre: tuple[float, float, float], radius: float, box: Box, rng: np.random.Generator
) -> Array:
    """Signed distance to a smoothly bent tube through ``centre``."""
    length = rng.uniform(6, 30)
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    bend = rng.standard_normal(3) * rng.uniform(0, 0.02)
    steps = np.arange(-length / 2, length / 2, 0.8)
    path = np.array(centre) + steps[:, None] * direction + (steps**2)[:, None] * bend
    grid = np.stack(
        np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1
    ).astype(np.float32)
    near = np.full(grid.shape[:3], np.inf, np.float32)
    for point in path.astype(np.float32):
        np.minimum(near, ((grid - point) ** 2).sum(axis=-1), out=near)
    distance: Array = np.sqrt(near) - np.float32(radius)
    return distance


def _blend(volume: Array, share: Array, value: Array | float, texture: float) -> None:
    """Mix ``value`` into ``volume`` by ``share``, keeping some of the host's fine structure."""
    fine = volume - ndimage.gaussian_filter(volume, 1.5)
    volume += share * (value + texture * fine - volume)


def _add_edema(scene: Scene, local: _Local, look: Look) -> None:
    lesion = local.lesion
    share = edema_fraction(local.distance, local.white, local.closed, lesion.edema_ml, local.rng)
    share *= scene.mask[local.box]
    strength = lesion.edema_strength * np.exp(0.15 * smooth_field(share.shape, 5, local.rng))
    wet = np.clip(share * strength, 0, 1)
    for channel in ("t1", "t1c", "t2", "flair"):
        if channel in scene.images:
            value = look.intensity(channel, _signal(channel, physics.EDEMA, look.sequences))
            _blend(scene.images[channel][local.box], wet, value, 0.6)
    for name, factor in (("rcbv", 0.7), ("tbr", 0.9)):
        if name in scene.maps:
            scene.maps[name][local.box] *= 1 - (1 - factor) * wet
    tissue = scene.tissue[local.box]
    tissue[(share > VISIBLE_EDEMA) & (tissue == 0)] = SNFH


def _add_body(scene: Scene, local: _Local, look: Look, number: int) -> bool:
    """Render tumor, core and blood; True where at least one voxel was labelled."""
    lesion, rng = local.lesion, local.rng
    inside = scene.mask[local.box]
    width = lesion.biology.width_mm if lesion.biology is not None else rng.uniform(0.25, 1.6)
    # A border can't be wider than the lesion itself.
    width = max(0.35, min(width, 0.22 * lesion.diameter_mm))
    body = (ndtr(-local.distance / width) * inside).astype(np.float32)
    core = np.zeros_like(body)
    if lesion.rim_mm is not None:
        wall = lesion.rim_mm * np.exp(0.3 * smooth_field(body.shape, 4, rng))
        core = body * ndtr((-local.distance - wall) / 0.6).astype(np.float32)
    signals = _signals(scene, local, look, body)
    clot = np.zeros_like(body)
    if lesion.biology is not None and lesion.biology.hemorrhage:
        field = smooth_field(body.shape, max(2.0, lesion.diameter_mm / 4), rng)
        clot = body * ndtr((field - rng.uniform(0.0, 1.2)) / 0.3).astype(np.float32)
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


def _label(scene: Scene, local: _Local, low: NDArray[np.bool_], core: Array, number: int) -> bool:
    tissue, instances = scene.tissue[local.box], scene.instances[local.box]
    own = (local.distance < 0) & scene.mask[local.box] & (instances == 0)
    own &= ~np.isin(tissue, (NETC, ET))
    dead = own & (core > 0.5)
    tissue[own] = ET
    tissue[dead] = NETC
    instances[own] = number
    scene.low_permeability[local.box][own & ~dead & low] = True
    return bool(own.any())


@dataclass(frozen=True)
class _Signals:
    """Intensities (viable, core, blood) by channel; maps (viable, core); barrier-keeping voxels."""

    intensities: dict[str, tuple[Array | float, Array | float, float]]
    maps: dict[str, tuple[Array | float, float]]
    low: NDArray[np.bool_]


def _signals(scene: Scene, local: _Local, look: Look, body: Array) -> _Signals:
    lesion, rng = local.lesion, local.rng
    jitter = np.exp(rng.normal(0, 0.08, 3))
    tumor = Tissue(
        physics.TUMOR.t1 * jitter[0], physics.TUMOR.t2 * jitter[1], physics.TUMOR.density
    )
    dead = Tissue(lesion.core_t1_s, lesion.core_t2_s, 0.95)
    grain = 1 + 0.08 * smooth_field(body.shape, rng.uniform(1.2, 4), rng)
    ktrans, low = _permeability(local, body)
    intensities: dict[str, tuple[Array | float, Array | float, float]] = {}
    for channel in scene.images:
        if channel == "t1c":
            continue
        alive: Array | float = look.intensity(
            channel, _signal(channel, tumor, look.sequences) * grain
        )
        if lesion.appearance is not None:
            alive = _free_value(lesion, channel) + 0.3 * (grain - 1) / 0.08
        intensities[channel] = (
            alive,
            look.intensity(channel, _signal(channel, dead, look.sequences)),
            float(look.intensity(channel, _signal(channel, physics.BLOOD_CLOT, look.sequences))),
        )
    if "t1c" in scene.images:
        intensities["t1c"] = _enhanced(local, look, tumor, dead, (ktrans, grain), intensities)
    return _Signals(intensities, _map_values(lesion, ktrans, grain, rng), low)


def _enhanced(
    local: _Local,
    look: Look,
    tumor: Tissue,
    dead: Tissue,
    fields: tuple[Array, Array],
    plain: Mapping[str, tuple[Array | float, Array | float, float]],
) -> tuple[Array | float, Array | float, float]:
    lesion, rng = local.lesion, local.rng
    ktrans, grain = fields
    blood = float(look.intensity("t1c", _signal("t1c", physics.BLOOD_CLOT, look.sequences)))
    before = look.intensity("t1c", _signal("t1c", dead, look.sequences))
    # Contrast agent seeps a little into a core over minutes.
    core = before + rng.uniform(0, 0.6) if rng.random() < 0.5 else before
    if lesion.appearance is not None:
        base = plain["t1"][0] if "t1" in plain else lesion.appearance.t1
        gain = 0.0 if lesion.kind in ("plaque", "t1_bright", "cavity") else lesion.appearance.gain
        return base + gain * np.clip(1 + 1.5 * (grain - 1), 0.2, 2), core, blood
    assert lesion.biology is not None
    steps = np.geomspace(0.002, 3.0, 48)
    vp = 0.58 * 0.02 * lesion.biology.rcbv
    table = physics.tissue_concentration(steps, lesion.biology.ve, vp, look.sequences)
    mmol = np.interp(ktrans, steps, table).astype(np.float32)
    rest = physics.t1_weighted(tumor.t1, tumor.t2, tumor.density, look.sequences)
    t1 = physics.relaxed(tumor.t1, mmol, look.sequences)
    rise = physics.t1_weighted(t1, tumor.t2, tumor.density, look.sequences) - rest
    slope = look.lines["t1c"].slope * look.contrast["t1c"]
    viable = look.intensity("t1c", rest * grain) + look.enhancement * slope * rise
    return viable, core, blood


def _permeability(local: _Local, body: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Ktrans per voxel in 1/min and where the barrier holds; the mean over tumor is the latent."""
    biology, rng = local.lesion.biology, local.rng
    if biology is None:
        return np.full(body.shape, np.float32(0.05)), np.zeros(body.shape, bool)
    tumor = body > 0.5
    share = biology.low_permeability
    field = smooth_field(body.shape, rng.uniform(2, 4), rng)
    level = np.quantile(field[tumor], share) if tumor.any() else -9.0
    low = field < level
    open_ktrans = max((biology.ktrans_per_min - LOW_KTRANS_PER_MIN * share) / (1 - share), 0.006)
    rim = np.where(local.distance > -2.0, rng.uniform(1.0, 1.8), 1.0)
    ktrans = np.where(low, LOW_KTRANS_PER_MIN, open_ktrans * rim)
    if tumor.any():
        ktrans = ktrans * (biology.ktrans_per_min / float(ktrans[tumor].mean()))
    return ktrans.astype(np.float32), low


def _free_value(lesion: Lesion, channel: str) -> float:
    look = lesion.appearance
    assert look is not None
    fixed = {
        "plaque": {"t1": -0.6, "t2": abs(look.t2) + 0.6, "flair": abs(look.flair) + 0.6},
        "t1_bright": {"t1": abs(look.t1) + 1.0},
        "cavity": {"t1": -2.2, "t2": 4.0, "flair": -2.0},
        "vessel": {"t1": -0.8, "t2": -1.2, "flair": -1.2},
        "dura": {"t1": -0.4, "t2": -0.8, "flair": -0.5},
    }
    own = {"t1": look.t1, "t2": look.t2, "flair": look.flair}
    return fixed.get(lesion.kind, {}).get(channel, own[channel])


def _map_values(
    lesion: Lesion, ktrans: Array, grain: Array, rng: np.random.Generator
) -> dict[str, tuple[Array | float, float]]:
    if lesion.biology is not None:
        biology = lesion.biology
        return {
            "rcbv": (biology.rcbv * grain, 0.3),
            "ktrans": (ktrans, 0.008),
            "tbr": (biology.tbr * grain, 0.7),
        }
    if lesion.kind == "vessel":
        return {
            "rcbv": (8.0 * grain, 8.0),
            "ktrans": (0.03 * grain, 0.03),
            "tbr": (1.4 * grain, 1.4),
        }
    rcbv, leak = float(rng.uniform(0.4, 5)), float(np.exp(rng.uniform(np.log(0.004), np.log(0.3))))
    if lesion.kind != "metastasis":
        rcbv, leak = float(rng.uniform(0.3, 1.2)), 0.003
    return {"rcbv": (rcbv * grain, 0.3), "ktrans": (leak * grain, 0.005), "tbr": (1.2 * grain, 0.7)}
