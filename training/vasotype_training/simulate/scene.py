"""A region while it is rendered: images, perfusion maps and truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasotype_training.cohorts import LesionTruth
from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.simulate.fields import smooth_field
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.shape import Box

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]


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
