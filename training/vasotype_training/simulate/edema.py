"""Edema that follows white matter, stops at cortex and never enters CSF."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from vasotype_training.simulate.fields import along_axes, smooth_field

Array = NDArray[np.float32]

COARSE = 2
"""Travel is computed on a grid this many times coarser: the border is smooth anyway."""
BARRIER = np.float32(1e4)

_STEPS = [d for d in product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, d)) <= 2]


def travel(start: NDArray[np.bool_], cost: Array) -> Array:
    """Least cost [X, Y, Z] of a way from ``start``, in voxels times cost, over 18 neighbours.

    Bellman's relaxation, vectorised over voxels: it ends when no voxel improves.
    """
    reach = np.pad(np.where(start, np.float32(0), BARRIER), 1, constant_values=BARRIER)
    price = np.pad(cost, 1, constant_values=BARRIER)
    inner = (slice(1, -1),) * 3
    for _ in range(4 * max(cost.shape)):
        before = reach[inner].copy()
        for step in _STEPS:
            there = tuple(slice(1 + d, n - 1 + d) for d, n in zip(step, reach.shape, strict=True))
            length = np.float32(np.sqrt(sum(map(abs, step))))
            way = reach[there] + length * 0.5 * (price[there] + price[inner])
            np.minimum(reach[inner], way, out=reach[inner])
        if np.abs(before - reach[inner]).max() < 0.05:
            break
    return reach[inner]


def edema_fraction(
    distance: Array,
    white: Array,
    csf: Array,
    volume_ml: float,
    rng: np.random.Generator,
) -> Array:
    """Share of edema 0-1 [X, Y, Z] around a lesion, about ``volume_ml`` large.

    ``distance`` signed distance to the lesion in mm, ``white`` and ``csf`` tissue shares, all on
    one 1 mm grid. The border is 1-2 mm soft.
    """
    thin = (slice(None, None, COARSE),) * 3
    cost = 1 / (0.15 + 0.85 * white[thin])
    cost = np.where(csf[thin] > 0.5, BARRIER, cost).astype(np.float32)
    start = distance[thin] < COARSE / 2
    if not start.any():
        start = distance[thin] <= distance[thin].min()
    way = travel(start, np.where(start, np.float32(1), cost))
    way = np.minimum(way, 200) * (1 + 0.15 * smooth_field(way.shape, 3, rng))
    fine = along_axes(way, _upsampling(way.shape, distance.shape))
    outside = (distance > 0) & (csf < 0.6)
    order = np.sort(fine[outside])
    if order.size == 0:
        return np.zeros_like(distance)
    count = int(min(volume_ml * 1000, order.size - 1))
    front = min(float(order[count]), 150.0)
    softness = np.float32(rng.uniform(0.4, 1.0))
    share = 1 / (1 + np.exp(np.clip((fine - front) / softness, -30, 30)))
    return (share * (csf < 0.6)).astype(np.float32)


def _upsampling(coarse: tuple[int, ...], fine: tuple[int, ...]) -> tuple[Array, Array, Array]:
    matrices = []
    for few, many in zip(coarse, fine, strict=True):
        at = np.minimum(np.arange(many) / COARSE, few - 1)
        weights = np.clip(1 - np.abs(at[:, None] - np.arange(few)[None, :]), 0, None)
        matrices.append(weights.astype(np.float32))
    return matrices[0], matrices[1], matrices[2]
