"""Series that were simulated from maps give the maps back, through the runtime's own analysis."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import spearmanr
from vasotype.perfusion import DceInputs, DscReference, analyse_dce, analyse_dsc
from vasotype.perfusion.place import quantity_map, share_of
from vasotype.perfusion.quality import valid_voxels
from vasotype.prepare.resample import resample
from vasotype.stages import Grid
from vasotype_training.simulate.series import (
    FLIP_ANGLES,
    WITHOUT_ANGLES_SHARE,
    Quantities,
    draw_protocol,
    render_dce,
    render_dsc,
    sidecar,
)

SHAPE = (84, 84, 56)
GRID = Grid(SHAPE, np.eye(4))
CENTRES = [(x, y, z) for x in (24, 42, 60) for y in (24, 42, 60) for z in (18, 38)]
RADIUS = 7
INDEX = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
BRAIN = (((INDEX - np.array(SHAPE) / 2) / (np.array(SHAPE) / 2 - 2)) ** 2).sum(axis=-1) < 1
STRIPES = INDEX[..., 1] % 24 < 14  # white matter; the rest is grey


def near(centre, reach):
    return np.linalg.norm(INDEX - np.array(centre), axis=-1) <= reach


@cache
def phantom(seed=0):
    """A brain with 18 lesions whose blood volume and permeability are drawn independently."""
    rng = np.random.default_rng(seed)
    rcbv = np.where(STRIPES, 1.0, 2.2).astype(np.float32)
    ktrans = np.full(SHAPE, 0.002, np.float32)
    t1 = np.where(STRIPES, 0.7, 1.14).astype(np.float32)
    kind = np.zeros(SHAPE, int)
    lesions = len(CENTRES)
    truth = np.exp(rng.normal(np.log((2.6, 0.08)), (0.42, 0.60), (lesions, 2)))
    for number, (centre, (volume, leak)) in enumerate(zip(CENTRES, truth, strict=True), start=1):
        inside = near(centre, RADIUS)
        rcbv[inside], ktrans[inside], t1[inside], kind[inside] = volume, leak, 1.5, number
    tissue = Quantities(
        rcbv=rcbv,
        ktrans=ktrans,
        t1_s=t1,
        density=np.full(SHAPE, 0.75, np.float32),
        mask=BRAIN,
        kind=kind,
        ve=np.append(0.2, rng.uniform(0.15, 0.4, lesions)),
        transit_s=np.append(4.0, rng.uniform(4, 6, lesions)),
        affine=np.eye(4),
    )
    return tissue, truth, replace(draw_protocol(rng), flip_angles=FLIP_ANGLES), rng


@cache
def dsc():
    tissue, _, protocol, rng = phantom()
    return render_dsc(tissue, protocol, rng)


@cache
def dce():
    tissue, _, protocol, rng = phantom()
    return render_dce(tissue, protocol, rng)


def means(values, quality, grid, reach=RADIUS):
    placed = quantity_map(values, quality, valid_voxels(quality), (grid, GRID)).values
    return np.array([np.nanmean(placed[near(centre, reach) & BRAIN]) for centre in CENTRES])


def test_blood_volume_of_lesions_comes_back_in_order_and_with_the_bias_of_the_method():
    tissue, truth, _, _ = phantom()
    series = dsc()
    brain = share_of(BRAIN, GRID, series.grid) > 0.5
    clean = share_of(tissue.kind > 0, GRID, series.grid) < 0.05
    white = share_of(STRIPES & (tissue.kind == 0) & BRAIN, GRID, series.grid) > 0.7
    maps = analyse_dsc(series, brain, DscReference(brain & white, brain & clean))
    found = means(maps.rcbv, maps.quality, series.grid)
    assert spearmanr(found, truth[:, 0]).statistic > 0.9
    # Slices of 3-5 mm and slow transit both make it smaller.
    assert 0.7 < np.median(found / truth[:, 0]) < 1.05


def test_permeability_of_lesions_comes_back_in_order():
    tissue, truth, protocol, _ = phantom()
    series, angles = dce()
    brain = share_of(BRAIN, GRID, series.grid) > 0.5
    lesions = resample(tissue.kind.astype(np.uint16), GRID, series.grid, order=0)
    maps = analyse_dce(series, brain, DceInputs(angles, None, lesions))
    found = means(maps.ktrans_per_min, maps.quality, series.grid, RADIUS - 3)
    assert spearmanr(found, truth[:, 1]).statistic > 0.9
    expected = protocol.input_scale * protocol.relaxivity / 4.5  # what the analysis can't know
    assert np.median(found / truth[:, 1]) == pytest.approx(expected, rel=0.25)


def test_without_flip_angles_t1_must_be_assumed_and_the_order_stays():
    tissue, truth, protocol, _ = phantom()
    bare = replace(protocol, flip_angles=())
    series, angles = render_dce(tissue, bare, np.random.default_rng(3))
    assert angles is None
    brain = share_of(BRAIN, GRID, series.grid) > 0.5
    lesions = resample(tissue.kind.astype(np.uint16), GRID, series.grid, order=0)
    maps = analyse_dce(series, brain, DceInputs(lesions=lesions))
    assert [f.code for f in maps.findings] == ["t1-assumed", "aif-population"]
    found = means(maps.ktrans_per_min, maps.quality, series.grid, RADIUS - 3)
    assert spearmanr(found, truth[:, 1]).statistic > 0.9


def test_some_protocols_lack_flip_angles():
    drawn = [draw_protocol(np.random.default_rng(seed)).flip_angles for seed in range(400)]
    assert set(drawn) == {FLIP_ANGLES, ()}
    assert drawn.count(()) / len(drawn) == pytest.approx(WITHOUT_ANGLES_SHARE, abs=0.07)


def test_white_matter_is_brighter_before_the_bolus_than_in_it():
    series = dsc()
    curve = series.signal[share_of(BRAIN, GRID, series.grid) > 0.9].mean(axis=0)
    arrival = 15
    assert curve[: arrival - 1].std() < 0.02 * curve[0]
    assert curve[arrival:].min() < 0.95 * curve[1:arrival].mean()


def test_the_grid_of_a_series_lies_where_its_tissue_is():
    series = dsc()
    lit = series.signal.mean(axis=-1) > 0
    centre = series.grid.affine @ np.append(np.argwhere(lit).mean(axis=0), 1)
    assert centre[:3] == pytest.approx(np.argwhere(BRAIN).mean(axis=0), abs=1.5)


def test_the_same_draw_gives_the_same_series():
    tissue, _, protocol, _ = phantom()
    first, again = (render_dsc(tissue, protocol, np.random.default_rng(5)).signal for _ in range(2))
    assert np.array_equal(first, again)


def test_a_sidecar_has_what_the_analysis_needs():
    assert {"EchoTime", "FrameTimesStart"} <= set(sidecar(dsc()))
    assert {"RepetitionTimeExcitation", "FlipAngle", "FrameTimesStart"} <= set(sidecar(dce()[0]))
