"""Small labelled studies, predictions and figures to evaluate."""

from types import SimpleNamespace

import numpy as np
import vasotype
from vasotype.result import (
    LesionRecord,
    MimicrySuspicion,
    ModelIdentity,
    ModeProbabilities,
    PhenotypeRecord,
    Result,
    VolumeMl,
)
from vasotype.stages import Grid, Study, Volume
from vasotype_models.contract import read_calibration, read_contract
from vasotype_models.registry import resolve
from vasotype_training.cohorts import LabelledStudy
from vasotype_training.evaluate import Figure, Figures
from vasotype_training.evaluate.figures import CohortRecord
from vasotype_training.evaluate.predictions import Prediction
from vasotype_training.evaluate.score import score

SIDE = 32
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
MODEL = ModelIdentity(name="fake", version="1", sha256="a" * 64)


def cube(*cubes, shape=(SIDE,) * 3):
    labels = np.zeros(shape, np.uint8)
    for start, side, label in cubes:
        labels[tuple(slice(s, s + side) for s in start)] = label
    return labels


def phenotype(angiogenic=0.7, intermediate=0.2, tier="structural", members=("angiogenic",)):
    co_option = 1 - angiogenic - intermediate
    return PhenotypeRecord(
        probabilities=ModeProbabilities(
            angiogenic=angiogenic, intermediate=intermediate, co_option=co_option
        ),
        mimicry_suspicion=MimicrySuspicion(level="no", score=0.2),
        label="angiogenic",
        label_supported=True,
        prediction_set=members,
        abstained=False,
        reason=None,
        tier=tier,
        low_permeability_share=0.3,
    )


def lesion(number, reading):
    return LesionRecord(
        id=number,
        centroid_ras_mm=(0, 0, 0),
        volume_ml=VolumeMl(enhancing=1, non_enhancing_core=0, edema=0),
        longest_diameter_mm=5,
        perpendicular_diameter_mm=5,
        longest_ends_ras_mm=((0, 0, 0), (5, 0, 0)),
        enhancement_pattern="nodular",
        confidence=0.9,
        edema_shared=False,
        phenotype=reading,
    )


def result(lesions=(), enhancing_ml=1.0):
    return Result(
        vasotype_version=vasotype.__version__,
        study="s",
        created="2026-01-01T00:00:00Z",
        model=MODEL,
        provider="CPUExecutionProvider",
        reference="t1c",
        inputs=(),
        missing=(),
        findings=(),
        labels={},
        habitat_channels=(),
        total_volume_ml=VolumeMl(enhancing=enhancing_ml, non_enhancing_core=0, edema=0),
        lesions=lesions,
        timings_s={},
    )


def study(channels=("t1", "t1c", "t2", "flair"), affine=LPS, shape=(SIDE,) * 3):
    rng = np.random.default_rng(0)
    volumes = {
        c: Volume(rng.uniform(1, 9, shape).astype(np.float32), Grid(shape, affine))
        for c in channels
    }
    return Study("s", volumes)


def labelled(tissue, name="s", **more):
    return LabelledStudy(name, study(shape=tissue.shape), tissue, **more)


def prediction(tissue, instances=None, lesions=()):
    ids = np.zeros(tissue.shape, np.uint16) if instances is None else instances.astype(np.uint16)
    sure = np.stack([np.where(tissue == label, 255, 0) for label in (1, 2, 3)]).astype(np.uint8)
    return Prediction(tissue, ids, sure, Grid(tissue.shape, LPS), result(lesions))


class FakeRuntime:
    """Finds what is bright in T1c, and counts how often it was asked."""

    threshold = 100

    def __init__(self):
        folder = resolve("default")
        self.engine = SimpleNamespace(
            identity=MODEL, contract=read_contract(folder), calibration=read_calibration(folder)
        )
        self.asked = 0

    def analyse(self, study):
        self.asked += 1
        native = study.volumes[study.reference]
        bright = native.data > self.threshold
        lesions = SimpleNamespace(
            native_tissue=bright.astype(np.uint8) * 3, native_instances=bright.astype(np.uint16)
        )
        found = (lesion(1, phenotype()),) if bright.any() else ()
        return SimpleNamespace(
            lesions=lesions,
            maps=SimpleNamespace(
                tissue=np.stack([1.0 - bright, 0.0 * bright, 0.0 * bright, bright])
            ),
            prepared=SimpleNamespace(native=native, grid=native.grid),
            result=result(found, enhancing_ml=float(bright.sum()) / 1000),
        )


def scored_study(name, truth, answer):
    return score(labelled(truth, name=name), prediction(answer))


def figure(found, metric):
    (one,) = [f for f in found if f.metric == metric]
    return one


def make_figure(value_, **changes):
    fields = {
        "cohort": "dev", "variant": "all", "metric": "dice_tc", "n": 9, "value": value_,
        "better": "higher", "tolerance": 0.02,
    }  # fmt: skip
    return Figure(**{**fields, **changes})


def make_figures(*figures, sha256="a" * 64, digest="d", cohort="dev", rules=None):
    record = CohortRecord(name=cohort, digest=digest, studies=9, simulated=True)
    return Figures(
        model="m",
        version="1",
        sha256=sha256,
        rules=rules,
        vasotype_version="0",
        command="c",
        cohorts=(record,),
        figures=figures,
    )
