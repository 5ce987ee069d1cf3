"""Moves of training samples: scenes turned and scaled, arrays flipped and displaced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torchio
from numpy.typing import NDArray

from vasotype_training.simulate.scene import Scene


def turn(scene: Scene, rng: np.random.Generator) -> Scene:
    """A scene rotated by up to 15 degrees and scaled by up to 15 %.

    Real tumors and brains are few, so they are seen from many sides: their vessels are not to be
    known by heart.
    """
    move = torchio.Affine(
        scales=tuple(np.exp(rng.uniform(-0.14, 0.14, 3))),
        degrees=tuple(rng.uniform(-15, 15, 3)),
        translation=(0.0, 0.0, 0.0),
        default_pad_value=0.0,
    )
    floats = {**scene.images, **scene.maps}
    whole = {
        "mask": scene.mask,
        "tissue": scene.tissue,
        "instances": scene.instances,
        "low": scene.low_permeability,
    }
    subject = torchio.Subject(
        {k: torchio.ScalarImage(tensor=torch.from_numpy(v[None])) for k, v in floats.items()}
        | {
            k: torchio.LabelMap(tensor=torch.from_numpy(v[None].astype(np.int32)))
            for k, v in whole.items()
        }
    )
    moved = {k: image.numpy()[0] for k, image in move(subject).get_images_dict(False).items()}
    return replace(
        scene,
        images={k: moved[k].astype(np.float32) for k in scene.images},
        maps={k: moved[k].astype(np.float32) for k in scene.maps},
        mask=moved["mask"] > 0,
        tissue=moved["tissue"].astype(np.uint8),
        instances=moved["instances"].astype(np.uint16),
        low_permeability=moved["low"] > 0,
    )


Volumes = dict[str, NDArray[np.generic]]


def flip(volumes: Volumes, rng: np.random.Generator) -> Volumes:
    """Mirror left and right in half of the samples, other axes seldom."""
    axes = [a for a, share in ((-3, 0.5), (-2, 0.1), (-1, 0.1)) if rng.random() < share]
    return {k: np.flip(v, tuple(axes)) for k, v in volumes.items()} if axes else volumes


def displace(volumes: Volumes, rng: np.random.Generator) -> Volumes:
    """In a fifth of the samples, push the crop so that 30-70 % of an axis is empty space.

    Instance statistics must not depend on how much background a crop holds.
    """
    if rng.random() >= 0.2:
        return volumes
    axis = int(rng.integers(1, 4)) - 4
    out: Volumes = {}
    share = rng.uniform(0.3, 0.6)
    for name, volume in volumes.items():
        gap = int(share * volume.shape[axis])
        moved = np.zeros_like(volume)
        into, source = [slice(None)] * volume.ndim, [slice(None)] * volume.ndim
        into[axis], source[axis] = slice(gap, None), slice(0, volume.shape[axis] - gap)
        moved[tuple(into)] = volume[tuple(source)]
        if name == "weight":
            moved[moved == 0] = 1
        out[name] = moved
    return out
