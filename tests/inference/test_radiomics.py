"""IBSI's digital phantom: 74 voxels of 2 mm with grey levels 1 to 6, and its published values.

Values: IBSI reference manual, consensus tables "dig. phantom"; three digits are given there.
"""

import csv

import numpy as np
import pytest
from vasotype.radiomics.intensity import discretised, histogram_features, intensity_features
from vasotype.radiomics.shape import shape_features
from vasotype.radiomics.table import CODES, write_radiomics
from vasotype.radiomics.texture import co_occurrence, co_occurrence_features, zone_features
from vasotype.stages import Grid, Lesion, LesionSet, Prepared, Volume
from vasotype_models.contract import CHANNELS, ET, SNFH

# One row a line, slices apart; 0 lies outside the region.
SLICES = (
    "14411 14611 41641 44641",
    "14411 11611 01311 44611",
    "14400 11111 11011 11611",
    "14400 11111 11111 11611",
)
PHANTOM = np.array([[list(map(int, row)) for row in s.split()] for s in SLICES]).T

PUBLISHED = {
    "volume": 592,
    "major_axis_length": 11.4,
    "minor_axis_length": 9.31,
    "least_axis_length": 8.54,
    "elongation": 0.816,
    "flatness": 0.749,
    "mean": 2.15,
    "variance": 3.05,
    "skewness": 1.08,
    "excess_kurtosis": -0.355,
    "median": 1,
    "p10": 1,
    "p90": 4,
    "interquartile_range": 3,
    "range": 5,
    "mean_absolute_deviation": 1.55,
    "robust_mean_absolute_deviation": 1.11,
    "histogram_entropy": 1.27,
    "histogram_uniformity": 0.512,
    "glcm_joint_maximum": 0.509,
    "glcm_joint_entropy": 2.57,
    "glcm_angular_second_moment": 0.291,
    "glcm_contrast": 5.12,
    "glcm_inverse_difference": 0.688,
    "glcm_correlation": 0.183,
    "glcm_cluster_shade": 17.4,
    "glszm_small_zone_emphasis": 0.255,
    "glszm_large_zone_emphasis": 550,
    "glszm_zone_percentage": 0.0676,
    "glszm_zone_size_entropy": 2.32,
}


@pytest.fixture(scope="module")
def measured():
    inside = PHANTOM[PHANTOM > 0]
    return {
        **shape_features(PHANTOM > 0, (2.0, 2.0, 2.0)),
        **intensity_features(inside.astype(float)),
        **histogram_features(inside),
        **co_occurrence_features(PHANTOM),
        **zone_features(PHANTOM),
    }


@pytest.mark.parametrize("feature", PUBLISHED)
def test_the_digital_phantom_has_its_published_value(measured, feature):
    digits = f"{measured[feature]:.3g}"
    assert float(digits) == pytest.approx(PUBLISHED[feature], rel=1e-6)


def test_every_feature_has_its_code_and_was_checked_on_the_phantom(measured):
    assert set(CODES) == set(PUBLISHED) == set(measured)
    assert len(set(CODES.values())) == len(CODES)


def test_texture_does_not_change_with_the_axes():
    turned = np.transpose(PHANTOM, (2, 0, 1))[::-1]
    assert co_occurrence(turned) == pytest.approx(co_occurrence(PHANTOM))
    assert zone_features(turned) == pytest.approx(zone_features(PHANTOM))


def test_grey_levels_of_mri_do_not_change_with_its_units():
    values = np.random.default_rng(0).normal(size=200)
    assert np.array_equal(discretised(values, 32), discretised(700 * values + 40, 32))
    assert set(discretised(np.full(5, 3.0), 32)) == {1}


def test_a_study_s_table_has_both_regions_of_a_lesion_and_none_of_a_tiny_one(tmp_path):
    grid = Grid((40, 40, 40), np.eye(4))
    instances = np.zeros(grid.shape, np.uint16)
    instances[10:18, 10:18, 10:18] = 1
    instances[30:32, 30:32, 30:32] = 2
    owner = instances.copy()
    owner[8:20, 8:20, 8:20] = 1
    tissue = np.where(instances > 0, ET, np.where(owner > 0, SNFH, 0)).astype(np.uint8)
    lesions = LesionSet((lesion(1), lesion(2)), tissue, instances, tissue, instances, owner)
    image = np.zeros((len(CHANNELS), *grid.shape), np.float32)
    image[1] = np.random.default_rng(1).normal(100, 20, grid.shape)
    present = tuple(channel == "t1c" for channel in CHANNELS)
    stats = np.tile(np.array([100, 20], np.float32), (len(CHANNELS), 1))
    native = Volume(image[1], grid)
    prepared = Prepared("x", image, np.ones(grid.shape, bool), present, stats, grid, native)
    write_radiomics(prepared, lesions, tmp_path / "radiomics.tsv")
    with (tmp_path / "radiomics.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {(row["lesion"], row["region"]) for row in rows} == {("1", "tumor"), ("1", "edema")}
    volume = next(row for row in rows if row["feature"] == "volume")
    assert (volume["ibsi"], volume["sequence"], float(volume["value"])) == ("YEKZ", "", 512)
    mean = next(row for row in rows if row["feature"] == "mean")
    assert mean["sequence"] == "t1c"
    assert float(mean["value"]) == pytest.approx(0, abs=0.2)


def lesion(number):
    return Lesion(
        id=number,
        centroid_ras_mm=(0.0, 0.0, 0.0),
        enhancing_ml=0.5,
        non_enhancing_core_ml=0.0,
        edema_ml=1.0,
        longest_diameter_mm=8.0,
        perpendicular_diameter_mm=8.0,
        longest_ends_ras_mm=((0.0, 0.0, 0.0), (8.0, 0.0, 0.0)),
        model_diameter_mm=8.0,
        enhancement_pattern="nodular",
        confidence=0.9,
        edema_shared=False,
    )
