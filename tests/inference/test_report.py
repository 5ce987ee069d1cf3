"""The HTML report: self-contained, complete, honest in its words, right in its sides."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from vasotype.outputs.report import render_report, write_report
from vasotype.outputs.report_pictures import strip_levels
from vasotype.phenotype.triage import triage
from vasotype.result import (
    BiomarkerRecord,
    FindingRecord,
    Input,
    LesionRecord,
    MimicrySuspicion,
    ModelIdentity,
    ModeProbabilities,
    PhenotypeRecord,
    ReasonRecord,
    Result,
    RuleReading,
    VolumeMl,
)
from vasotype.stages import Grid, LesionSet, Maps, Prepared, Volume
from vasotype_models.contract import CHANNELS, ET, HABITATS, NETC, SNFH

SHAPE = (80, 96, 64)
ORIGIN = np.array([-40.0, -50.0, -30.0])
PATIENT_LEFT, PATIENT_RIGHT = (18, 50, 32), (62, 50, 32)

NEVER_SAID = (
    r"\bis (an? )?(angiogenic|co-opted|vessel co-opti|intermediate)",
    r"recommend",
    r"\b(should|must) (be )?(treat|receiv|irradiat|resect)",
    r"transdifferentiat",
    r"growth pattern",
    r"surviv",
    r"prognos",
    r"\bCBF\b",
    r"will respond|response to|responder",
    r"replacement|pushing",
)


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


@pytest.fixture(scope="module")
def html():
    return render_report(analysis(THREE))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_file_needs_nothing_from_outside(html, page):
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert attributes.get(name, "#").startswith(("data:image/", "#"))
    assert not re.search(r"https?:|@import|url\(|<link|<iframe", html)


def test_the_page_is_well_formed(html, page):
    assert html.startswith("<!DOCTYPE html>")
    assert page.stack == []
    identifiers = [a["id"] for _, a in page.tags if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    targets = [a["href"][1:] for a in page.all("a")] + [a["for"] for a in page.all("label")]
    assert set(targets) <= set(identifiers)


def test_names_and_messages_are_escaped():
    name = '<script>alert("x")</script>'
    html = render_report(analysis(THREE, name=name))
    assert name not in html
    assert "&lt;script&gt;alert" in html
    assert "No &lt;perfusion&gt;." in html
    assert name in Page(html).text


def test_every_lesion_has_a_row_and_a_card_with_pictures(page):
    cards = [a["id"] for a in page.all("article")]
    assert cards == ["lesion-1", "lesion-2", "lesion-3"]
    rows = [
        a["data-value"] for a in page.all("th") if a.get("scope") == "row" and "data-value" in a
    ]
    assert rows == ["1", "2", "3"]
    for number in (1, 2, 3):
        alts = [i["alt"] for i in page.all("img") if i["alt"].startswith(f"Lesion {number}:")]
        for sequence in ("T1c", "FLAIR"):
            for plane in ("axial", "coronal", "sagittal"):
                assert f"Lesion {number}: {sequence}, {plane} plane" in alts


def test_every_picture_has_words_and_every_column_a_scope(page):
    assert all(i["alt"] for i in page.all("img"))
    assert all(h.get("scope") in ("row", "col") for h in page.all("th"))


@pytest.mark.parametrize(
    ("voxel", "word"), [(PATIENT_LEFT, "left"), (PATIENT_RIGHT, "right")], ids=["left", "right"]
)
def test_a_lesion_in_the_patients_left_lies_on_the_right_of_the_axial_picture(voxel, word):
    page = Page(render_report(analysis([record(1, voxel, 7.0)])))
    brightest = np.max([page.picture(alt) for alt in strip(page)], axis=0)
    column = np.nonzero(brightest > 230)[1].mean() / brightest.shape[1]
    assert (column > 0.6) == (word == "left")
    assert (column < 0.4) == (word == "right")
    assert f"Lesion 1 {word}" in page.text


def test_marks_follow_the_radiological_convention(html):
    for plane, marks in {
        "axial": ["R", "L", "A", "P"],
        "coronal": ["R", "L", "S", "I"],
        "sagittal": ["A", "P", "S", "I"],
    }.items():
        figure = html.split(f'alt="Lesion 1: T1c, {plane} plane"')[1].split("</figure>")[0]
        assert re.findall(r">([RLAPSI])</text>", figure) == marks


def test_the_longest_diameter_is_drawn_through_the_middle_of_the_axial_picture(html):
    figure = html.split('alt="Lesion 1: T1c, axial plane"')[1].split("</figure>")[0]
    line = re.search(r'diameter" x1="(.*?)" y1="(.*?)" x2="(.*?)" y2="(.*?)"', figure)
    side = float(re.search(r'viewBox="0 0 (\d+)', figure)[1])
    x1, y1, x2, y2 = map(float, line.groups())
    assert abs(x2 - x1) == pytest.approx(14.0)
    assert y1 == y2 == pytest.approx(side / 2, abs=1)
    assert (x1 + x2) / 2 == pytest.approx(side / 2, abs=1)


def test_a_mode_is_a_leaning_with_its_number_and_its_set(page):
    assert "Leans angiogenic (0.62), against intermediate 0.25 and vessel co-option 0.13." in (
        page.text
    )
    assert "At the 90 % level these modes are not excluded: angiogenic, intermediate." in page.text


def test_a_reading_by_rules_stands_beside_the_leaning_with_its_signs_and_limits(page):
    assert (
        "By rules it leans vessel co-option. "
        "The thresholds are ours, simulated or assumed; they hold for no particular scanner. "
        "Signs for angiogenic: much edema for its size (edema to tumor 4, at least 2.03). "
        "Signs against it: a gradual border (border width in mm 5, at least 3.5)."
    ) in page.text


def test_a_leaning_has_its_reasons_in_words(page):
    reason = ReasonRecord(
        feature="border_width_iqr",
        name="border variation",
        words="an even border",
        value=0.656,
        standardised=-2.8,
        contribution=0.2,
        direction="for",
    )
    lesion = record(1, PATIENT_LEFT, 7.0, reading=phenotype(reasons=(reason,)))
    text = Page(render_report(analysis([lesion]))).text
    assert "For this leaning an even border (its width varies by 0.7 mm)" in text
    assert "Against it nothing that counts" in text
    assert "Against it" not in page.text  # the network stands alone there


def test_biomarkers_stand_with_unit_and_quality_or_the_reason_for_none(page):
    assert "FE-10 rCBV, mean 1.52 of white matter low only 12 acquired voxels" in page.text
    assert "not measured: it needs CT perfusion or 2CXM PS" in page.text


def test_the_overview_says_how_many_leanings_stand_alone(page):
    assert "2 angiogenic, 1 without a leaning; not alone at 90 %" in page.text


def test_lesions_are_placed_from_the_middle_of_the_brain(page):
    assert "(L 22, A 2, S 0 mm from the middle of the brain)" in page.text


def test_lesions_are_compared_only_where_there_are_two():
    lone, two = ([record(n, PATIENT_LEFT, 7.0) for n in range(1, m)] for m in (2, 3))
    for lesions, heading in ((lone, False), (two, True)):
        study = analysis(lesions)
        compared = study.result.model_copy(update={"triage": triage(lesions)})
        text = Page(render_report(replace(study, result=compared))).text
        assert ("The lesions together" in text) == heading


def test_every_lesion_is_numbered_in_the_strip_where_the_slices_suffice(html):
    slices = html.split('<div class="strip">')[1].split("</div>\n    <figcaption>")[0]
    assert set(re.findall(r'text-anchor="middle">(\d+)</text></g>', slices)) == {"1", "2", "3"}


def test_levels_of_the_strip_move_to_lesions_between_them():
    even = [10, 20, 30, 40]
    assert strip_levels(even, []) == even
    assert strip_levels(even, [(18, 22)]) == even
    assert strip_levels(even, [(12, 14)]) == [13, 20, 30, 40]
    assert strip_levels(even, [(12, 16), (15, 18), (31, 33)]) == [15, 20, 32, 40]
    many = [(n, n) for n in range(1, 41, 4)]
    assert len(strip_levels(even, [*many, (20, 22)])) == len(even)


def test_pictures_tell_the_slice_of_the_reference_as_it_came():
    study = analysis([record(1, PATIENT_LEFT, 7.0)])
    affine = np.diag([-0.5, -1.0, 2.0, 1.0])  # LPS, with slices of 2 mm
    affine[:3, 3] = ORIGIN + np.array([79, 95, 0])
    native = Volume(np.zeros((160, 96, 32), np.float32), Grid((160, 96, 32), affine))
    html = render_report(replace(study, prepared=replace(study.prepared, native=native)))
    assert "T1c, axial, slice 17 of 32" in html  # level 32 of the 1 mm grid
    assert "FLAIR, coronal, slice 46 of 96" in html  # row 50, counted from the front
    assert "T1c, sagittal, slice 123 of 160" in html  # column 18, counted from the right


def test_an_abstaining_lesion_shows_its_reason_and_no_probability(html):
    card = Page(html.split('id="lesion-3"')[1].split("</article>")[0].split(">", 1)[1])
    assert "No leaning is given: the longest diameter is below 5 mm." in card.text
    assert "0.62" not in card.text
    assert "leans" not in card.text
    assert not any("local leaning" in i["alt"] for i in card.all("img"))


@pytest.mark.parametrize("pattern", NEVER_SAID)
def test_the_report_never_says(page, pattern):
    assert not re.search(pattern, page.text, re.IGNORECASE)


@pytest.mark.parametrize(
    "words",
    [
        "no clinical decision may rest on it",
        "imaging leaning",
        "mostly from simulated lesions",
        "proven by histology",
        "Not available: rCBV, Ktrans, amino-acid PET",
        "Edema, enhancement and blood volume are non-specific",
        "After radiotherapy or anti-VEGF treatment",
        "Lesions of one patient may differ",
        "No single imaging feature is pathognomonic",
        "Minimal enhancement does not exclude active tumor",
        "Histology is the reference",
        "Perfusion values are relative",
    ],
)
def test_the_report_always_says(page, words):
    assert words in page.text


def test_a_study_without_lesions_says_so_and_shows_slices():
    page = Page(render_report(analysis([])))
    assert "No lesion was found." in page.text
    assert "may be missed" in page.text
    assert len(strip(page)) == 12
    assert not page.all("article")


def test_without_t1c_the_pictures_are_flair():
    lesion = record(1, PATIENT_LEFT, 7.0, "not assessable", ABSTAINED)
    page = Page(render_report(analysis([lesion], channels=("flair",))))
    assert not any("T1c" in i["alt"] for i in page.all("img"))
    assert len([i for i in page.all("img") if "FLAIR" in i["alt"]]) == 3 + 12 + 3
    assert "Without T1c the enhancement can't be assessed." in page.text


def test_ten_lesions_stay_below_three_megabytes(tmp_path):
    places = [(x, y, 30 + 2 * x // 10) for x in (20, 30, 40, 50, 60) for y in (38, 62)]
    records = [record(n, place, 4.0) for n, place in enumerate(places, start=1)]
    write_report(analysis(records), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
