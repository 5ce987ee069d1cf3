"""Voxel probabilities are made honest, and only where they were measured."""

import numpy as np
import pytest
from vasotype.engine.tissue_calibration import calibrated, scaled_tissue
from vasotype.stages import Maps
from vasotype_models.contract import ET, TissueScaling
from vasotype_training.calibrate_tissue import (
    SHARE,
    TissueSample,
    fit_tissue,
    sample_tissue,
)

TOO_SURE = TissueScaling(slope=0.6, bias=(0.0, -0.5, -0.3, -1.0))
PLAIN = TissueScaling(slope=1.0, bias=(0.0, 0.0, 0.0, 0.0))


def drawn(count: int, scaling: TissueScaling) -> TissueSample:
    """Voxels whose true labels are as frequent as the scaled probabilities say."""
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.full(4, 0.5), count).T.astype(np.float32)
    share = scaled_tissue(p, scaling).cumsum(axis=0)
    labels = (rng.random(count) > share).sum(axis=0).clip(0, 3)
    return TissueSample(p, labels.astype(np.uint8))


def test_the_scaling_that_labels_were_drawn_by_is_found():
    found = fit_tissue([drawn(20_000, TOO_SURE), drawn(20_000, TOO_SURE)])
    assert found.slope == pytest.approx(TOO_SURE.slope, abs=0.03)
    assert found.bias == pytest.approx(TOO_SURE.bias, abs=0.08)


def test_a_tissue_that_is_not_there_can_not_be_calibrated():
    sample = drawn(500, PLAIN)
    sample.labels[sample.labels == ET] = 0
    with pytest.raises(ValueError, match="enhancing"):
        fit_tissue([sample])


def a_study() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[18:22, 18:22, 18:22] = ET
    p = np.full((4, *labels.shape), 0.1, np.float32)
    p[0] = 0.7
    return p, labels, np.ones(labels.shape, bool)


def test_voxels_are_a_share_of_those_within_five_millimetres_of_a_core(monkeypatch):
    p, labels, brain = a_study()
    brain[:, :, 20:] = False

    def sample(share):
        monkeypatch.setattr("vasotype_training.calibrate_tissue.SHARE", share)
        return sample_tissue(p, labels, brain, np.random.default_rng(0))

    every = sample(1.0)
    assert every.probabilities.shape == (4, len(every.labels))
    assert (every.labels == ET).sum() == 32
    assert 14**3 / 2 > len(every.labels) > 12**3 / 4
    assert len(sample(SHARE).labels) == pytest.approx(SHARE * len(every.labels), rel=0.3)
    p[ET, 2, 2, 2] = 0.9
    assert len(sample(1.0).labels) > len(every.labels)


def test_a_study_without_lesion_gives_none():
    p, labels, brain = a_study()
    labels[:] = 0
    assert len(sample_tissue(p, labels, brain, np.random.default_rng(0)).labels) == 0


def test_maps_change_inside_the_brain_alone_and_still_sum_to_one():
    p, _, brain = a_study()
    brain[:10] = False
    maps = Maps(p, np.zeros((5, *brain.shape), np.float32), "CPU")
    assert calibrated(maps, brain, None) is maps
    changed = calibrated(maps, brain, TOO_SURE).tissue
    assert np.array_equal(changed[:, ~brain], p[:, ~brain])
    assert changed[ET, 20, 20, 20] != p[ET, 20, 20, 20]
    assert np.allclose(changed.sum(axis=0), 1, atol=1e-5)
    assert np.allclose(calibrated(maps, brain, PLAIN).tissue, p, atol=1e-6)
    assert p[0, 20, 20, 20] == np.float32(0.7)
