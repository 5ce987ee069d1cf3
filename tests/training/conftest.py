"""A painted ball of white matter in a shell of grey matter, small enough to simulate in."""

import numpy as np
import pytest
from vasotype.phenotype.pooling import NetworkAnswer
from vasotype.result import BiomarkerRecord
from vasotype.stages import Lesion
from vasotype_models.contract import ET
from vasotype_training.measured_lesions import TIERS, MeasuredLesion
from vasotype_training.simulate.anatomy import RawBrain, build_anatomy
from vasotype_training.simulate.painting import PaintedProbabilities

SIDE = 64


def distance_to_centre():
    grid = np.indices((SIDE, SIDE, SIDE)) - (SIDE - 1) / 2
    return np.sqrt((grid**2).sum(axis=0))


@pytest.fixture(scope="session")
def ball_source():
    """White matter to 21 mm, grey to 26 mm, CSF to 29 mm, and a CSF ventricle of 5 mm."""
    away = distance_to_centre()
    grid = np.indices((SIDE, SIDE, SIDE)) - (SIDE - 1) / 2
    ventricle = np.sqrt(((grid - np.array([6, 0, 0]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0)) < 5
    white = ((away < 21) & ~ventricle).astype(np.float32)
    grey = ((away >= 21) & (away < 26)).astype(np.float32)
    return PaintedProbabilities("ball", grey, white, away < 29, np.diag([1.0, 1.0, 1.0, 1.0]))


@pytest.fixture(scope="session")
def ball(ball_source):
    """One painting of the ball."""
    return ball_source.draw(np.random.default_rng(7))


@pytest.fixture(scope="session")
def beside_a_tumor(ball):
    """The ball with a real tumor of 6 mm radius in it."""
    grid = np.indices(ball.shape)
    middle = np.array([14, 32, 32]).reshape(3, 1, 1, 1)
    tumor = (((grid - middle) ** 2).sum(axis=0) < 36).astype(np.uint8) * ET
    images = {c: image.astype(np.float32) for c, image in ball.images.items()}
    tissue = tuple(t.astype(np.float32) for t in (ball.csf, ball.grey, ball.white))
    return build_anatomy(RawBrain("tumor", ball.affine, images, ball.mask, tissue, tumor))


MADE = {  # biomarker: its id, and mean of its transform in the angiogenic and co-opting modes
    "enhancement_mean": ("FE-02", 1.0, 0.6),
    "enhancement_cv": ("FE-03", 0.3, 0.5),
    "low_enhancement_fraction": ("FE-03", 0.2, 0.4),
    "half_enhancement_fraction": ("FE-03", 0.2, 0.4),
    "enhancement_patchiness": ("FE-03", 0.2, 0.3),
    "border_width": ("FE-07", 2.4, 3.2),
    "border_width_iqr": ("FE-07", 0.9, 1.1),
    "sphericity": ("FE-07", 0.8, 0.8),
    "rcbv_mean": ("FE-10", 3.4, 1.9),
    "rcbv_p90": ("FE-10", 4.4, 2.6),
    "ktrans_tumor_mean": ("FE-11", 0.13, 0.05),
    "ktrans_tumor_p90": ("FE-11", 0.2, 0.09),
    "ktrans_below_0.02_fraction": ("FE-14", 0.2, 0.5),
}
IMAGE_NUMBERS = tuple(
    f"{channel}_{name}"
    for channel in ("t1", "t1c", "t2", "flair")
    for name in ("noise", "anisotropy", "spread", "tumor")
)


def make_lesion(rng, number, without=()):
    """A lesion whose biomarkers and network answer lean to its mode, each with its own noise."""
    mode = number % 3
    lean = mode / 2
    volume_ml = float(np.exp(rng.normal(0, 1)))
    edema_ml = volume_ml**0.7 * float(np.exp(rng.normal(0.8 - lean, 0.8))) * (rng.random() > 0.1)
    values = {
        name: (code, max(1e-3, (low + lean * (high - low)) * float(np.exp(rng.normal(0, 0.5)))))
        for name, (code, low, high) in MADE.items()
    }
    values |= {
        "edema_volume": ("FE-04", edema_ml),
        "edema_ratio": ("FE-05", edema_ml / volume_ml),
        "edema_ratio_size_adjusted": ("FE-05", None),
    }
    records = tuple(
        BiomarkerRecord(
            id=code,
            name=name,
            value=None if name in without else value,
            unit="1",
            available=value is not None and name not in without,
            quality="none" if value is None or name in without else "good",
            note=None,
        )
        for name, (code, value) in values.items()
    )
    lesion = Lesion(
        id=1,
        centroid_ras_mm=(0.0, 0.0, 0.0),
        enhancing_ml=volume_ml,
        non_enhancing_core_ml=0.0,
        edema_ml=edema_ml,
        longest_diameter_mm=12.0,
        perpendicular_diameter_mm=10.0,
        longest_ends_ras_mm=((0.0, 0.0, 0.0), (12.0, 0.0, 0.0)),
        model_diameter_mm=12.0,
        enhancement_pattern="nodular",
        confidence=0.9,
        edema_shared=False,
    )
    mimicry = int(rng.random() < 0.3)
    answers = {
        tier: NetworkAnswer(
            mode_logits=0.5 * np.eye(3)[mode] + rng.normal(0, 0.6, 3),
            mimicry_logit=float(rng.normal(mimicry, 1)),
            low_permeability_share=float(np.clip(0.2 + 0.2 * lean + rng.normal(0, 0.1), 0, 1)),
        )
        for tier in TIERS
    }
    images = {name: float(np.exp(rng.normal(0, 0.2))) for name in IMAGE_NUMBERS}
    return MeasuredLesion(number // 6, mode, mimicry, lesion, answers, records, images)


@pytest.fixture(scope="session")
def made_lesions():
    """Measured lesions made without images: ``made_lesions(rng, count, without=names)``."""
    return lambda rng, count, without=(): [make_lesion(rng, n, without) for n in range(count)]
