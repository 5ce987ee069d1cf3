"""What a map says of a region: enough valid voxels, or no value."""

import numpy as np
import pytest
from small_brain import LESION, SHAPE
from vasotype.perfusion import Quality, summarise


@pytest.mark.parametrize(
    ("valid", "quality"), [(3, "none"), (5, "low"), (19, "low"), (20, "good"), (64, "good")]
)
def test_a_region_needs_enough_valid_voxels(valid, quality):
    region = np.zeros(SHAPE, bool)
    region[:4, :4, 0] = True
    region[:4, :4, 1] = True
    region[:4, :4, 2] = True
    region[:4, :4, 3] = True
    flags = np.zeros(SHAPE, np.uint8)
    chosen = np.argwhere(region)
    flags[tuple(chosen[valid:].T)] = Quality.POOR_FIT
    whole = region if valid >= 32 else region & (flags == 0)
    value = summarise(np.ones(SHAPE, np.float32), flags, whole)
    assert value.quality == quality
    assert value.valid_voxels == valid


def test_a_region_that_is_mostly_invalid_has_no_value():
    flags = np.where(LESION, np.uint8(Quality.AT_BOUND), np.uint8(0))
    flags[3:5, 3:7, 3:6] = 0
    value = summarise(np.ones(SHAPE, np.float32), flags, LESION)
    assert value.quality == "none"
    assert "24 of 64" in value.reason
    assert np.isnan(value.p50)
