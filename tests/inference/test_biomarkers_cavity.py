"""Fluid inside a wall: a cavity is told from necrosis by FLAIR, and its wall is measured."""

import numpy as np
import pytest
from vasotype.boxes import instance_boxes
from vasotype.lesions import find_lesions
from vasotype.lesions.biomarkers_cavity import cavity_biomarkers
from vasotype.lesions.biomarkers_region import Region
from vasotype.prepare.white_matter import WhiteMatter
from vasotype_models.contract import CHANNELS, STRUCTURAL, read_contract
from vasotype_models.registry import resolve

RING = {"at": (24, 24, 24), "core": 10, "necrosis": 7, "edema": 14}
WHITE = WhiteMatter(t1=100.0, t1c=100.0, flair=100.0)
FLAIR, T1 = CHANNELS.index("flair"), CHANNELS.index("t1")


@pytest.fixture(scope="module")
def inference():
    return read_contract(resolve("default")).inference


@pytest.fixture
def measured(scene, inference):
    """Biomarkers of a ring whose core has the given signal on FLAIR and T1."""

    def build(flair, t1, ring=RING, channels=STRUCTURAL):
        prepared, maps = scene([ring], channels=channels)
        lesions = find_lesions(prepared, maps, inference)
        core = maps.tissue[1] > 0.5
        prepared.image[FLAIR][core], prepared.image[T1][core] = flair, t1
        box = instance_boxes(lesions.instances)[0]
        region = Region.of(prepared, lesions, lesions.lesions[0], box, {})
        enhancement = region.images["t1c"] / 100 - 1
        return {b.name: b for b in cavity_biomarkers(region, WHITE, enhancement)}

    return build


def test_free_fluid_is_dark_on_flair_and_t1_and_its_wall_is_measured(measured):
    found = measured(flair=20.0, t1=40.0)
    assert found["fluid_share_of_core"].value == pytest.approx(1.0)
    volume_ml = 4 / 3 * np.pi * 7**3 / 1000
    assert found["fluid_volume"].value == pytest.approx(volume_ml, rel=0.1)
    assert found["wall_thickness"].value == pytest.approx(3, abs=0.6)
    assert found["wall_enhancement"].value == pytest.approx(0.7, abs=0.1)
    assert found["surrounding_flair_volume"].value > 4


@pytest.mark.parametrize(("flair", "t1"), [(110.0, 40.0), (20.0, 100.0)])
def test_necrosis_that_flair_shows_and_fluid_rich_in_protein_are_no_cavity(measured, flair, t1):
    found = measured(flair, t1)
    assert found["fluid_share_of_core"].value == 0
    assert "wall_thickness" not in found


def test_no_cavity_is_sought_in_a_small_core_or_without_flair(measured):
    small = measured(20.0, 40.0, ring={"at": (24, 24, 24), "core": 5, "necrosis": 3})
    assert not small["fluid_share_of_core"].available
    without = measured(20.0, 40.0, channels=("t1", "t1c", "t2"))
    assert "FLAIR" in without["fluid_share_of_core"].note


def test_a_cavity_that_is_no_label_is_found_inside_its_wall(scene, inference):
    prepared, maps = scene([RING])
    maps.tissue[0][maps.tissue[1] > 0.5], maps.tissue[1][maps.tissue[1] > 0.5] = 1.0, 0.0
    lesions = find_lesions(prepared, maps, inference)
    index = np.indices(prepared.mask.shape) - 24
    hollow = np.linalg.norm(index, axis=0) <= 7
    prepared.image[FLAIR][hollow], prepared.image[T1][hollow] = 20.0, 40.0
    box = instance_boxes(lesions.instances)[0]
    region = Region.of(prepared, lesions, lesions.lesions[0], box, {})
    found = {b.name: b for b in cavity_biomarkers(region, WHITE, "no white matter")}
    assert found["fluid_share_of_core"].value > 0.9
    assert not found["wall_enhancement"].available
