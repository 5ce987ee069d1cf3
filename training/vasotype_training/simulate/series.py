"""Dynamic series of a simulated study: DSC, DCE and flip-angle images, from its quantitative maps.

The runtime's own forward models run backwards: maps give concentrations, concentrations signals,
frame by frame on the 1 mm grid, and each frame is then averaged over the scanner's far larger
voxels. Leakage acts on DSC by T1 and by T2* as it does in patients, so that its correction meets
what it can't undo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.convolution import exponential_convolution
from vasotype.perfusion.models import extended_tofts
from vasotype.perfusion.series import DynamicSeries, FlipAngleImages
from vasotype.perfusion.signal import spgr_signal
from vasotype.stages import Grid

from vasotype_training.simulate.fields import along_axes

Array = NDArray[np.float32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

WHITE_CBV = 0.02
"""Blood volume of white matter, a fraction; rCBV is relative to it."""
PLASMA_SHARE = 0.58
VESSEL_R2STAR = 87.0
"""Change of R2*, 1/(s mM), by contrast in vessels, per tissue concentration."""
FINE_S = 0.25
"""Step at which curves are computed before they are sampled."""
KTRANS_GRID = np.concatenate([[0.0], np.geomspace(2e-4, 6.0, 64)])
"""Ktrans, 1/min, of the tabulated curves; values between are interpolated."""
PRELOAD_S = 300.0
"""From a preload dose to the bolus."""
T2STAR_S = 0.05
FIELD_T = 3.0
"""Where the relaxation times of the tissue hold."""
FLIP_ANGLES = (2.0, 5.0, 10.0, 15.0)
WITHOUT_ANGLES_SHARE = 0.3
"""Share of studies without images of several flip angles, whose T1 must be assumed. Ours."""
SIGNAL = 1000.0
"""Signal of white matter before contrast, scanner units."""


@dataclass(frozen=True)
class Quantities:
    """What the series of a study follow from; arrays [X, Y, Z] on a 1 mm grid.

    ``rcbv`` over white matter, ``ktrans`` in 1/min, ``t1_s`` before contrast, ``density`` relative
    to water. ``kind`` numbers the tissue that a voxel belongs to: 0 is brain, others the lesions;
    ``ve`` (fraction) and ``transit_s`` (mean transit time) are those of each kind.
    """

    rcbv: Array
    ktrans: Array
    t1_s: Array
    density: Array
    mask: Mask
    kind: NDArray[np.intp]
    ve: Floats
    transit_s: Floats
    affine: Floats


@dataclass(frozen=True)
class SeriesProtocol:
    """How dynamic series are acquired: times in s, angles in degrees, voxels in mm.

    ``input_scale`` is the patient's arterial input over Parker's; ``relaxivity`` r1 and
    ``leakage_r2star`` the effect of leaked contrast on R2*, both in 1/(s mM); ``preload``: the DSC
    bolus follows an earlier dose. ``flip_angles`` are those of the images for T1, empty without.
    """

    dsc_step: float
    dsc_echo: float
    dsc_flip: float
    dsc_voxel: tuple[float, float, float]
    dsc_snr: float
    preload: bool
    leakage_r2star: float
    dce_step: float
    dce_length: float
    dce_repetition: float
    dce_flip: float
    dce_voxel: tuple[float, float, float]
    dce_snr: float
    input_scale: float
    relaxivity: float
    dsc_frames: int = 80
    flip_angles: tuple[float, ...] = FLIP_ANGLES


def draw_protocol(rng: np.random.Generator) -> SeriesProtocol:
    """Draw a clinical protocol; the ranges are our choice, after usual brain protocols."""
    # A stream of its own: what is drawn after it is the same with and without the images.
    (apart,) = rng.spawn(1)
    return SeriesProtocol(
        dsc_step=rng.uniform(1.0, 2.0),
        dsc_echo=rng.uniform(0.025, 0.05),
        dsc_flip=rng.uniform(30, 90),
        dsc_voxel=(1.7, 1.7, rng.uniform(3, 5)),
        dsc_snr=rng.uniform(30, 60),
        preload=bool(rng.random() < 0.5),
        leakage_r2star=rng.uniform(0, 40),
        dce_step=rng.uniform(3, 8),
        dce_length=60 * rng.uniform(4, 6),
        dce_repetition=0.005,
        dce_flip=rng.uniform(12, 25),
        dce_voxel=(1.5, 1.5, rng.uniform(3, 5)),
        dce_snr=rng.uniform(20, 60),
        input_scale=float(np.exp(rng.normal(0, 0.1))),
        relaxivity=rng.uniform(3.8, 5.2),
        flip_angles=() if apart.random() < WITHOUT_ANGLES_SHARE else FLIP_ANGLES,
    )


def render_dsc(
    tissue: Quantities, protocol: SeriesProtocol, rng: np.random.Generator
) -> DynamicSeries:
    """The T2*-weighted bolus series; the bolus arrives after 15 steps."""
    times = np.arange(protocol.dsc_frames, dtype=np.float64) * protocol.dsc_step
    arrival = 15 * protocol.dsc_step
    curves = _Curves.of(tissue, protocol, times, arrival)
    before = _Curves.of(tissue, protocol, np.array([PRELOAD_S]), 0.0) if protocol.preload else None
    voxels = _Voxels.of(tissue)
    old = before.leaked(voxels, 0) if before is not None else np.float32(0)
    flip = np.array(np.radians(protocol.dsc_flip))
    weight = voxels.density * np.exp(-protocol.dsc_echo / T2STAR_S)

    def frames() -> Iterator[Array]:
        for frame in range(len(times)):
            leaked = curves.leaked(voxels, frame)
            r1 = 1 / voxels.t1_s + protocol.relaxivity * (leaked + old)
            change = VESSEL_R2STAR * curves.in_vessels(voxels, frame)
            change += protocol.leakage_r2star * leaked
            signal = spgr_signal(weight, r1, protocol.dsc_step, flip)
            yield (signal * np.exp(-protocol.dsc_echo * change)).astype(np.float32)

    scan = _Scan(tissue, protocol.dsc_voxel, protocol.dsc_snr, rng)
    signal, grid = scan.acquire(frames(), len(times))
    return DynamicSeries(
        signal,
        grid,
        times,
        "dsc",
        echo_time_s=protocol.dsc_echo,
        repetition_time_s=protocol.dsc_step,
        flip_angle_deg=protocol.dsc_flip,
    )


def render_dce(
    tissue: Quantities, protocol: SeriesProtocol, rng: np.random.Generator
) -> tuple[DynamicSeries, FlipAngleImages | None]:
    """The T1-weighted dynamic series, and images of several flip angles before it, if any."""
    times = np.arange(0.0, protocol.dce_length, protocol.dce_step)
    arrival = max(30.0, 6 * protocol.dce_step)
    curves, voxels = _Curves.of(tissue, protocol, times, arrival), _Voxels.of(tissue)
    plasma = PLASMA_SHARE * WHITE_CBV * voxels.rcbv
    density = voxels.density.astype(np.float64)

    def at(angle: float, concentration: Array | float) -> Array:
        r1 = 1 / voxels.t1_s + protocol.relaxivity * concentration
        flip = np.array(np.radians(angle))
        return spgr_signal(density, r1, protocol.dce_repetition, flip).astype(np.float32)

    def frames() -> Iterator[Array]:
        yield from (at(angle, 0.0) for angle in protocol.flip_angles)
        for frame in range(len(times)):
            yield at(
                protocol.dce_flip, curves.leaked(voxels, frame) + plasma * curves.plasma[frame]
            )

    scan = _Scan(tissue, protocol.dce_voxel, protocol.dce_snr, rng)
    angles = len(protocol.flip_angles)
    signal, grid = scan.acquire(frames(), angles + len(times), normal=angles)
    series = DynamicSeries(
        np.ascontiguousarray(signal[..., angles:]),
        grid,
        times,
        "dce",
        repetition_time_s=protocol.dce_repetition,
        flip_angle_deg=protocol.dce_flip,
        field_t=FIELD_T,
    )
    if not angles:
        return series, None
    images = np.moveaxis(signal[..., :angles], -1, 0)
    return series, FlipAngleImages(
        images, grid, np.array(protocol.flip_angles), protocol.dce_repetition
    )


@dataclass(frozen=True)
class _Voxels:
    """The brain's voxels [V], and where each lies between the tabulated values of Ktrans."""

    rcbv: Array
    t1_s: Array
    density: Array
    kind: NDArray[np.intp]
    below: NDArray[np.intp]
    above_share: Array

    @classmethod
    def of(cls, tissue: Quantities) -> _Voxels:
        inside = tissue.mask
        ktrans = tissue.ktrans[inside]
        below = np.clip(np.searchsorted(KTRANS_GRID, ktrans) - 1, 0, len(KTRANS_GRID) - 2)
        step = KTRANS_GRID[below + 1] - KTRANS_GRID[below]
        share = np.clip((ktrans - KTRANS_GRID[below]) / step, 0, 1).astype(np.float32)
        plain = (tissue.rcbv[inside], tissue.t1_s[inside], tissue.density[inside])
        return cls(*plain, tissue.kind[inside], below, share)


@dataclass(frozen=True)
class _Curves:
    """Tabulated concentrations, mM: ``plasma`` [T], and for each kind of tissue what is in the
    vessels of normal blood volume [K, T] and what has leaked at each Ktrans [K, N, T]."""

    plasma: Floats
    vessels: Array
    table: Array

    @classmethod
    def of(
        cls, tissue: Quantities, protocol: SeriesProtocol, times: Floats, arrival: float
    ) -> _Curves:
        fine = np.arange(0.0, times[-1] + FINE_S, FINE_S)
        blood = protocol.input_scale * parker_blood(fine, arrival)
        plasma = plasma_from_blood(blood)
        rates = 1 / tissue.transit_s
        passing = WHITE_CBV * rates * exponential_convolution(blood, fine, rates)
        leaked = [
            extended_tofts(plasma, fine, KTRANS_GRID / 60, np.array(ve), np.zeros(1))
            for ve in tissue.ve
        ]

        def sampled(curve: Floats) -> Array:
            return np.array([np.interp(times, fine, c) for c in curve.T], np.float32)

        return cls(
            np.interp(times, fine, plasma), sampled(passing), np.stack([*map(sampled, leaked)])
        )

    def leaked(self, voxels: _Voxels, frame: int) -> Array:
        """Contrast outside vessels [V], mM of tissue."""
        table = self.table[:, :, frame]
        low = table[voxels.kind, voxels.below]
        return low + voxels.above_share * (table[voxels.kind, voxels.below + 1] - low)

    def in_vessels(self, voxels: _Voxels, frame: int) -> Array:
        """Contrast inside vessels [V], mM of tissue."""
        return voxels.rcbv * self.vessels[voxels.kind, frame]


@dataclass(frozen=True)
class _Scan:
    """Sampling of 1 mm frames by a scanner with larger voxels and Rician noise."""

    tissue: Quantities
    voxel_mm: tuple[float, float, float]
    snr: float
    rng: np.random.Generator

    def acquire(self, frames: Iterator[Array], count: int, normal: int = 0) -> tuple[Array, Grid]:
        """Series [x, y, z, T] of frames [V], and its grid; scaled by the frame ``normal``."""
        mask = self.tissue.mask
        box = ndimage.find_objects(mask.astype(np.uint8))[0]
        inner = mask[box]
        weights = [_means(n, size) for n, size in zip(inner.shape, self.voxel_mm, strict=True)]
        matrices = (weights[0], weights[1], weights[2])
        inside = along_axes(inner.astype(np.float32), matrices) > 0.5
        out = np.zeros((*inside.shape, count), np.float32)
        full = np.zeros(inner.shape, np.float32)
        for index, frame in enumerate(frames):
            full[inner] = frame
            out[..., index] = along_axes(full, matrices)
        middle = float(np.median(out[inside][:, normal]))
        noise = self.rng.standard_normal((2, *out.shape), dtype=np.float32) / np.float32(self.snr)
        out = SIGNAL * np.hypot(out / middle + noise[0], noise[1])
        affine = self.tissue.affine.copy()
        start = np.array([side.start for side in box])
        first = start + (np.array(self.voxel_mm) - 1) / 2
        affine[:3, 3] += affine[:3, :3] @ first
        affine[:3, :3] = affine[:3, :3] * np.array(self.voxel_mm)
        x, y, z = inside.shape
        return out * inside[..., None], Grid((x, y, z), affine)


def _means(length: int, size: float) -> Array:
    """Matrix [n, length] that averages over voxels of ``size`` old ones."""
    count = int(np.ceil(length / size))
    edges = np.arange(count + 1) * size
    at = np.arange(length)
    overlap = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
    weights = np.clip(overlap, 0, None)
    return (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)).astype(np.float32)


def sidecar(series: DynamicSeries) -> Mapping[str, object]:
    """BIDS keys of a series, in s and degrees."""
    keys = {
        "EchoTime": series.echo_time_s,
        "RepetitionTimeExcitation": series.repetition_time_s,
        "FlipAngle": series.flip_angle_deg,
        "MagneticFieldStrength": series.field_t,
        "FrameTimesStart": [round(float(time), 4) for time in series.times_s],
    }
    return {key: value for key, value in keys.items() if value is not None}
