"""A usual series takes a few seconds of one core."""

import time

import numpy as np
import pytest
from vasotype.perfusion import (
    DceInputs,
    DscReference,
    DynamicSeries,
    FlipAngleImages,
    analyse_dce,
    analyse_dsc,
)
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.convolution import exponential_convolution
from vasotype.perfusion.models import extended_tofts
from vasotype.perfusion.signal import spgr_signal
from vasotype.stages import Grid

SHAPE, FRAMES = (64, 64, 20), 60
VOXELS = int(np.prod(SHAPE))
GRID = Grid(SHAPE, np.diag([3.0, 3.0, 5.0, 1.0]))
BRAIN = np.ones(SHAPE, bool)
CPU_SECONDS = 5.0

pytestmark = pytest.mark.slow


def seconds(analyse, *arguments):
    before = time.process_time()
    analyse(*arguments)
    return time.process_time() - before


def test_dsc_takes_five_seconds_at_most():
    rng = np.random.default_rng(0)
    times = np.arange(FRAMES) * 1.5
    blood = parker_blood(times, 20.0)
    volume, transit = rng.choice([1.0, 2.0], VOXELS), rng.uniform(3, 6, VOXELS)
    curves = 1.74 * volume / transit * exponential_convolution(blood, times, 1 / transit)
    curves[:, :300] = 10 * blood[:, None]
    signal = 500 * (np.exp(-0.03 * curves.T) + 0.02 * rng.standard_normal((VOXELS, FRAMES)))
    signal = signal.reshape(*SHAPE, FRAMES).astype(np.float32)
    series = DynamicSeries(signal, GRID, times, "dsc", 0.03)
    white = (volume == 1).reshape(SHAPE)
    assert seconds(analyse_dsc, series, BRAIN, DscReference(white, BRAIN)) < CPU_SECONDS


def test_dce_with_t1_takes_five_seconds_at_most():
    rng = np.random.default_rng(0)
    times = np.arange(FRAMES) * 5.0
    plasma = plasma_from_blood(parker_blood(times, 40.0))
    ktrans = np.where(rng.random(VOXELS) < 0.3, rng.uniform(0.02, 0.4, VOXELS), 1e-5) / 60
    ve, vp = rng.uniform(0.1, 0.5, VOXELS), rng.uniform(0.01, 0.08, VOXELS)
    conc = extended_tofts(plasma, times, ktrans, ve, vp).T
    signal = spgr_signal(5000.0, 1 / 1.4 + 4.5 * conc, 0.005, np.radians(20.0))
    signal = (signal + 3 * rng.standard_normal(signal.shape)).reshape(*SHAPE, FRAMES)
    series = DynamicSeries(signal.astype(np.float32), GRID, times, "dce", None, 0.005, 20.0)
    angles = np.array([2.0, 5.0, 10.0, 15.0])
    images = spgr_signal(5000.0, 1 / 1.4, 0.005, np.radians(angles))[:, None, None, None]
    images = (images + rng.standard_normal((4, *SHAPE))).astype(np.float32)
    inputs = DceInputs(FlipAngleImages(images, GRID, angles, 0.005))
    assert seconds(analyse_dce, series, BRAIN, inputs) < CPU_SECONDS
