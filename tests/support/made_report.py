"""An analysis made by hand to report on, and what tests need of the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
from PIL import Image
from vasotype.result import (
    BiomarkerRecord,
    FindingRecord,
    Input,
    LesionRecord,
    MimicrySuspicion,
    ModelIdentity,
    ModeProbabilities,
    PhenotypeRecord,
    Result,
    RuleReading,
    VolumeMl,
)
from vasotype.stages import Grid, LesionSet, Maps, Prepared, Volume
from vasotype_models.contract import CHANNELS, ET, HABITATS, NETC, SNFH

SHAPE = (80, 96, 64)
ORIGIN = np.array([-40.0, -50.0, -30.0])
PATIENT_LEFT, PATIENT_RIGHT = (18, 50, 32), (62, 50, 32)


@dataclass(frozen=True)
class Standin:
    """Has the parts of an analysis that the report reads."""

    prepared: Prepared
    maps: Maps
    lesions: LesionSet
    result: Result


def phenotype(**changes):
    values = {
        "probabilities": ModeProbabilities(angiogenic=0.62, intermediate=0.25, co_option=0.13),
        "mimicry_suspicion": MimicrySuspicion(level="yes", score=0.7),
        "label": "angiogenic",
        "label_supported": False,
        "prediction_set": ("angiogenic", "intermediate"),
        "abstained": False,
        "reason": None,
        "tier": "structural",
        "low_permeability_share": 0.2,
    }
    return PhenotypeRecord(**(values | changes))


ABSTAINED = phenotype(
    label=None, abstained=True, reason="the longest diameter is below 5 mm", prediction_set=()
)
BIOMARKERS = (
    BiomarkerRecord(
        id="FE-10",
        name="rcbv_mean",
        value=1.52,
        unit="of white matter",
        available=True,
        quality="low",
        note="only 12 acquired voxels",
    ),
    BiomarkerRecord(
        id="FE-12",
        name="ps",
        value=None,
        unit="mL/100mL/min",
        available=False,
        quality="none",
        note="not measured: it needs CT perfusion or 2CXM",
    ),
)
BY_RULES = RuleReading(
    label="co_option",
    in_favour=("much edema for its size (edema to tumor 4, at least 2.03)",),
    against=("a gradual border (border width in mm 5, at least 3.5)",),
)


def record(number, voxel, radius, pattern="ring", reading=None):
    centre = ORIGIN + voxel
    half = np.array([radius, 0.0, 0.0])
    return LesionRecord(
        id=number,
        centroid_ras_mm=tuple(centre),
        volume_ml=VolumeMl(enhancing=1.25, non_enhancing_core=0.5, edema=12.3),
        longest_diameter_mm=2 * radius + 1,
        perpendicular_diameter_mm=2 * radius - 1,
        longest_ends_ras_mm=(tuple(centre - half), tuple(centre + half)),
        enhancement_pattern=pattern,
        confidence=0.9,
        edema_shared=False,
        phenotype=reading or phenotype(),
        biomarkers=BIOMARKERS,
        rule_reading=BY_RULES,
    )


def analysis(records, channels=("t1", "t1c", "t2", "flair"), name="study", seed=0):
    """A noisy ellipsoid brain; every lesion is bright, with a dark centre and edema around it."""
    grid_of = np.indices(SHAPE).astype(np.float32)
    middle = (np.array(SHAPE, np.float32) - 1) / 2
    mask = sum(((g - m) / (m - 2)) ** 2 for g, m in zip(grid_of, middle, strict=True)) < 1
    tissue, instances = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint16)
    picture = (100 + 15 * np.random.default_rng(seed).normal(size=SHAPE)).astype(np.float32) * mask
    for lesion in records:
        voxel = np.subtract(lesion.centroid_ras_mm, ORIGIN)
        distance = np.sqrt(sum((g - v) ** 2 for g, v in zip(grid_of, voxel, strict=True)))
        radius = (lesion.longest_diameter_mm - 1) / 2
        tissue[(distance <= 2 * radius) & (tissue == 0)] = SNFH
        tissue[distance <= radius] = ET
        tissue[distance <= radius - 2] = NETC
        instances[distance <= radius] = lesion.id
        picture[distance <= radius] = 400
    affine = np.eye(4)
    affine[:3, 3] = ORIGIN
    grid = Grid(SHAPE, affine)
    present = tuple(c in channels for c in CHANNELS)
    image = np.stack([picture * there for there in present])
    habitat = np.zeros((len(HABITATS), *SHAPE), np.float32)
    prepared = Prepared(
        name, image, mask, present, np.zeros((7, 2), np.float32), grid, Volume(picture, grid)
    )
    tissues = np.zeros((4, 1, 1, 1), np.float32)
    return Standin(
        prepared,
        Maps(tissues, habitat, "CPUExecutionProvider"),
        LesionSet((), tissue, instances, tissue, instances, instances),
        result(records, channels, name),
    )


def result(records, channels, name):
    return Result(
        vasotype_version="0.1.0",
        study=name,
        created="2026-11-24T08:13:22+00:00",
        model=ModelIdentity(name="default", version="1.0", sha256="0123456789abcdef" * 4),
        provider="CPUExecutionProvider",
        reference="t1c" if "t1c" in channels else "flair",
        inputs=tuple(
            Input(
                channel=c,
                file=f"{c}.nii.gz",
                sha256="fedcba9876543210" * 4,
                shape=(240, 240, 155),
                spacing_mm=(1, 1, 1),
                orientation="LPS",
            )
            for c in channels
        ),
        missing=tuple(c for c in CHANNELS if c not in channels),
        findings=(
            FindingRecord(
                code="some-code", severity="note", message="No <perfusion>.", remedy="Add & see."
            ),
        ),
        labels={"non_enhancing_core": NETC, "edema": SNFH, "enhancing": ET},
        habitat_channels=HABITATS,
        total_volume_ml=VolumeMl(enhancing=2.5, non_enhancing_core=1.0, edema=24.6),
        lesions=tuple(records),
        timings_s={"read": 1.0},
    )


VOID_TAGS = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """What the tests need of a page: its visible words, its attributes, whether tags balance."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.stack, self.words = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID_TAGS:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.stack):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def picture(self, alt):
        (source,) = (i["src"] for i in self.all("img") if i["alt"].startswith(alt))
        data = base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))
        return np.asarray(Image.open(io.BytesIO(data)).convert("L"), np.float32)


def strip(page):
    """The words for each picture of the overview's strip."""
    return [i["alt"] for i in page.all("img") if "axial slice" in i["alt"]]


THREE = (
    record(1, PATIENT_LEFT, 7.0),
    record(2, PATIENT_RIGHT, 5.0, "minimal"),
    record(3, (40, 75, 40), 2.0, "nodular", ABSTAINED),
)
