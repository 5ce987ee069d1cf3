"""A brain in layers of known signal, with lesions that enhance by a known rise."""

from dataclasses import replace

import numpy as np
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.lesions.biomarkers_region import ScanFacts
from vasotype_models.contract import CHANNELS, ET, NETC, Inference

SHAPE = (72, 72, 48)
FINE = dict.fromkeys(CHANNELS, 0.001)
T1, T1C, FLAIR, RCBV, KTRANS, TBR = map(
    CHANNELS.index, ("t1", "t1c", "flair", "rcbv", "ktrans", "tbr")
)
RING = {"at": (18, 36, 24), "core": 8, "necrosis": 5, "edema": 11}
NODULE = {"at": (18, 36, 24), "core": 6}
WHITE, GREY, FLUID = 100.0, 70.0, 20.0


def layered(scene, lesions, channels=CHANNELS, scale=2.0, rise=80.0):
    """A brain in three layers, with T1c twice as bright as T1, and lesions that enhance by 0.8.

    Gives the prepared study and its lesions; ``rise`` is what their T1 signal rises by, where white
    matter has 100.
    """
    prepared, maps = scene(lesions, channels=channels, shape=SHAPE)
    band = np.indices(SHAPE)[1] % 6
    tissue = np.select([band < 3, band < 5], [WHITE, GREY], FLUID).astype(np.float32)
    image = prepared.image.copy()
    image[T1] = tissue
    image[T1C] = tissue * scale
    core = maps.tissue[ET] + maps.tissue[NETC] > 0.5
    image[T1][core] = 60.0
    image[T1C][core] = (60.0 + 30.0) * scale
    image[T1C][maps.tissue[ET] > 0.5] = (60.0 + rise) * scale
    image[RCBV], image[KTRANS], image[TBR] = 3.0, 0.05, 1.0
    image[~np.array(prepared.present)] = 0.0
    prepared = replace(prepared, image=image)
    return prepared, find_lesions(prepared, maps, Inference())


def measured(prepared, lesions, voxel_ml=FINE, facts=None):
    records = measure_biomarkers(prepared, lesions, voxel_ml, facts or ScanFacts())
    return [{b.name: b for b in own} for own in records]


def only(study, *args, voxel_ml=FINE, **kwargs):
    (found,) = measured(*study(*args, **kwargs), voxel_ml)
    return found
