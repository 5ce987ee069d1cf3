"""What a lesion shows in each sequence and map, tissue by tissue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.simulate import physics
from vasotype_training.simulate.biology import LOW_KTRANS_PER_MIN
from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.look import Look, tissue_signal
from vasotype_training.simulate.physics import Tissue
from vasotype_training.simulate.placing import Local
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.scene import Scene

Array = NDArray[np.float32]


VASCULAR = {
    "vessel": (8.0, 0.03, 1.4),
    "vein": (8.0, 0.03, 1.4),
    "anomaly": (6.0, 0.02, 1.3),
    "dura": (3.0, 0.15, 1.6),
    "falx": (3.0, 0.15, 1.6),
    "plexus": (5.0, 0.20, 1.7),
    "midline": (3.0, 0.20, 1.8),
}
"""rCBV, Ktrans (1/min) and TBR of look-alikes that take up contrast agent (assumptions)."""


@dataclass(frozen=True)
class Signals:
    """Intensities (viable, core, blood) by channel; maps (viable, core); barrier-keeping voxels."""

    intensities: dict[str, tuple[Array | float, Array | float, float]]
    maps: dict[str, tuple[Array | float, float]]
    low: NDArray[np.bool_]


def lesion_signals(scene: Scene, local: Local, look: Look, body: Array) -> Signals:
    """Intensities and map values of a lesion whose share of each voxel is ``body`` [X, Y, Z]."""
    lesion, rng = local.lesion, local.rng
    jitter = np.exp(rng.normal(0, lesion.spread, 2))
    usual = physics.TUMOR
    tumor = Tissue(usual.t1 * jitter[0], usual.t2 * jitter[1], usual.density)
    dead = Tissue(lesion.core_t1_s, lesion.core_t2_s, 0.95)
    grain = 1 + 0.08 * smooth_field(body.shape, rng.uniform(1.2, 4), rng)
    ktrans, low = _permeability(local, body)
    intensities: dict[str, tuple[Array | float, Array | float, float]] = {}
    for channel in scene.images:
        if channel == "t1c":
            continue
        alive: Array | float = look.intensity(
            channel, tissue_signal(channel, tumor, look.sequences) * grain
        )
        if lesion.appearance is not None:
            alive = getattr(lesion.appearance, channel) + 0.3 * (grain - 1) / 0.08
        intensities[channel] = (
            alive,
            look.intensity(channel, tissue_signal(channel, dead, look.sequences)),
            _clot(channel, look),
        )
    if "t1c" in scene.images:
        intensities["t1c"] = _enhanced(local, look, tumor, dead, (ktrans, grain), intensities)
    return Signals(intensities, _map_values(lesion, ktrans, grain, rng), low)


def _clot(channel: str, look: Look) -> float:
    signal = tissue_signal(channel, physics.BLOOD_CLOT, look.sequences)
    return float(look.intensity(channel, signal))


def _enhanced(
    local: Local,
    look: Look,
    tumor: Tissue,
    dead: Tissue,
    fields: tuple[Array, Array],
    plain: Mapping[str, tuple[Array | float, Array | float, float]],
) -> tuple[Array | float, Array | float, float]:
    lesion, rng = local.lesion, local.rng
    ktrans, grain = fields
    blood = _clot("t1c", look)
    before = look.intensity("t1c", tissue_signal("t1c", dead, look.sequences))
    # Contrast agent seeps a little into a core over minutes.
    seepage = rng.uniform(0, 0.6) if rng.random() < 0.5 else 0.0
    if lesion.appearance is not None:
        base = plain["t1"][0] if "t1" in plain else lesion.appearance.t1
        gain = lesion.appearance.gain
        core = before + min(seepage, 0.3 * gain)
        return base + gain * np.clip(1 + 1.5 * (grain - 1), 0.2, 2), core, blood
    core = before + seepage
    assert lesion.biology is not None
    tumor = physics.at_field(tumor, look.sequences)
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


def _permeability(local: Local, body: Array) -> tuple[Array, NDArray[np.bool_]]:
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
    if lesion.kind in VASCULAR:
        rcbv, leak, tbr = VASCULAR[lesion.kind]
        return {
            "rcbv": (rcbv * grain, rcbv),
            "ktrans": (leak * grain, leak),
            "tbr": (tbr * grain, tbr),
        }
    rcbv, leak = float(rng.uniform(0.4, 5)), float(np.exp(rng.uniform(np.log(0.004), np.log(0.3))))
    if lesion.kind != "metastasis":
        rcbv, leak = float(rng.uniform(0.3, 1.2)), 0.003
    return {"rcbv": (rcbv * grain, 0.3), "ktrans": (leak * grain, 0.005), "tbr": (1.2 * grain, 0.7)}
