"""Biomarkers of lesions with known signal and place, and how they are listed."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from layered_brain import FINE, FLUID, GREY, NODULE, RING, SHAPE, T1, T1C, WHITE, layered, measured
from scipy import ndimage
from vasotype.boxes import instance_boxes
from vasotype.findings import Finding
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.lesions.biomarkers_region import Region, rate
from vasotype.prepare.white_matter import WhiteMatterFinder
from vasotype_models.contract import CHANNELS, Inference


@pytest.fixture
def study(scene):
    return partial(layered, scene)


def test_edema_is_told_in_ml_and_against_the_tumor(study):
    prepared, lesions = study([RING])
    (found,) = measured(prepared, lesions)
    (lesion,) = lesions.lesions
    tumor_ml = lesion.enhancing_ml + lesion.non_enhancing_core_ml
    assert found["edema_volume"].value == lesion.edema_ml
    assert found["edema_ratio"].value == pytest.approx(lesion.edema_ml / tumor_ml)
    assert not found["edema_ratio_size_adjusted"].available


def test_blood_on_t1_is_found_by_white_matter(study):
    prepared, lesions = study([NODULE])
    core = lesions.instances == 1
    some = core & (np.indices(SHAPE)[2] < 24)
    prepared.image[T1][some] = 2 * WHITE
    (found,) = measured(prepared, lesions)
    assert found["t1_bright_fraction"].value == pytest.approx(some.sum() / core.sum())
    assert found["t1_bright_volume"].value == pytest.approx(some.sum() / 1000)
    assert "melanin" in found["t1_bright_fraction"].note


def test_a_whole_head_has_no_white_matter_to_compare_with(study):
    prepared, lesions = study([NODULE])
    lost = (Finding("not-skull-stripped", "a head"), Finding("implausible-brain-volume", "3 L"))
    prepared = replace(prepared, findings=lost)
    (found,) = measured(prepared, lesions)
    for name in ("enhancement_mean", "t1_bright_fraction", "border_width"):
        assert "whole head" in found[name].note


def test_white_matter_is_bright_deep_and_away_from_labels(study):
    prepared, lesions = study([NODULE])
    mask = WhiteMatterFinder.of(prepared, lesions.tissue).mask
    assert (prepared.image[T1][mask] == WHITE).all()
    assert not (mask & ~ndimage.binary_erosion(prepared.mask, iterations=5)).any()
    assert ndimage.distance_transform_edt(lesions.tissue == 0)[mask].min() >= 10


def test_the_other_side_is_the_reference(study):
    prepared, lesions = study([NODULE])
    prepared.image[T1][36:] *= 1.25
    finder = WhiteMatterFinder.of(prepared, lesions.tissue)
    assert finder.opposite(18.0).t1 == pytest.approx(1.25 * WHITE)
    assert finder.opposite(35.0).both_sides


def test_every_definition_is_listed_with_a_reason_where_it_has_no_value(study):
    for channels in (CHANNELS, ("flair",)):
        records = measure_biomarkers(*study([RING], channels), FINE)[0]
        assert {b.id for b in records} == {f"FE-{n:02d}" for n in range(1, 17)}
        names = [b.name for b in records]
        assert len(names) == len(set(names))
        for b in records:
            assert b.available == (b.value is not None) == (b.quality != "none")
            assert b.available or b.note


def test_a_study_without_lesions_has_no_biomarkers(study):
    assert measure_biomarkers(*study([]), FINE) == ()


@pytest.mark.parametrize(
    ("samples", "share", "quality"),
    [(4.9, 1, "none"), (5, 1, "low"), (19, 1, "low"), (20, 1, "good"), (500, 0.49, "none")],
)
def test_values_of_few_acquired_voxels_are_worth_less(samples, share, quality):
    assert rate(samples, share)[0] == quality


def test_the_region_of_a_lesion_knows_its_rim_front_and_edema(study):
    prepared, lesions = study([RING])
    (box,) = instance_boxes(lesions.instances)
    region = Region.of(prepared, lesions, lesions.lesions[0], box, FINE)
    assert region.tumor.sum() == (lesions.instances == 1).sum()
    assert region.rim.sum() < region.tumor.sum()
    assert not (region.front & region.tumor).any()
    assert region.edema.sum() == ((lesions.owner == 1) & (lesions.instances == 0)).sum()


@pytest.mark.parametrize("away", [0, 8])
def test_a_lesion_knows_how_far_it_lies_from_grey_matter(scene, away):
    shape = (88, 88, 88)
    lesion = {"at": (44 + away, 44, 44), "core": 5, "edema": 8}
    prepared, maps = scene([lesion], channels=("t1", "t1c"), shape=shape)
    radius = np.sqrt(((np.indices(shape) - 44) ** 2).sum(axis=0))
    image = prepared.image.copy()
    image[T1] = np.select([radius < 24, radius < 32], [WHITE, GREY], FLUID)
    image[T1C] = image[T1]
    image[:2][:, maps.tissue[0] < 0.5] = 45.0
    prepared = replace(prepared, image=image, mask=radius < 40)
    lesions = find_lesions(prepared, maps, Inference())
    (found,) = measured(prepared, lesions)
    record = found["distance_to_grey_white_border"]
    assert record.value == pytest.approx(24 - away, abs=1.0)
    assert (record.id, record.unit, record.quality) == ("FE-15", "mm", "low")


def test_without_t1_there_is_no_border_to_measure_to(study):
    prepared, lesions = study([NODULE], channels=("flair",))
    record = measured(prepared, lesions)[0]["distance_to_grey_white_border"]
    assert record.value is None
    assert "T1" in record.note
