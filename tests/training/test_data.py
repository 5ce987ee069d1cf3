"""Samples hold what the losses and the network expect."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from vasotype_models.contract import CHANNELS, ET
from vasotype_training.config import DataConfig
from vasotype_training.data import (
    Crops,
    Materials,
    acquire,
    draw_present,
    draw_statistics,
    size_weights,
)
from vasotype_training.moves import turn
from vasotype_training.simulate.painting import PaintedProbabilities


@pytest.fixture(scope="module")
def ball() -> PaintedProbabilities:
    """A small brain: white matter in a shell of cortex."""
    axes = np.meshgrid(*[np.arange(72) - 35.5] * 3, indexing="ij")
    radius = np.sqrt(sum(a**2 for a in axes))
    mask = radius < 32
    white = ((radius < 25) & (radius > 6)).astype(np.float32)
    grey = ((radius >= 25) & mask).astype(np.float32)
    return PaintedProbabilities("ball", grey, white, mask, np.eye(4))


def stream(ball: PaintedProbabilities, **settings: object) -> Crops:
    config = DataConfig.model_validate(
        {"crop": (48, 48, 48), "lookalike_share": 0.0, "lesions": (2, 3), "map_share": 1.0}
        | settings
    )
    return Crops(Materials([], [ball], [], []), config, seed=(4,))


def test_the_same_seed_gives_the_same_samples(ball: PaintedProbabilities) -> None:
    first, again = (next(iter(stream(ball))) for _ in range(2))
    assert all(np.array_equal(first[k], again[k]) for k in first)


def test_samples_are_consistent(ball: PaintedProbabilities) -> None:
    known = 0
    for sample in itertools.islice(stream(ball), 6):
        assert sample["image"].shape == (7, 48, 48, 48)
        present = sample["present"].numpy()
        assert present[CHANNELS.index("t1c")] or present[CHANNELS.index("flair")]
        absent = sample["image"].numpy()[present == 0]
        assert not absent.any()
        numbers = set(np.unique(sample["instances"])) - {0}
        known += sum(int(sample["mode"][n - 1]) >= 0 for n in numbers)
        assert not (sample["tissue"].numpy()[sample["mask"][0].numpy() == 0] > 0).any()
    assert known > 0


def test_look_alikes_carry_no_label(ball: PaintedProbabilities) -> None:
    samples = itertools.islice(stream(ball, lookalike_share=1.0, labelled_share=0.0), 4)
    assert not any(bool((s["tissue"] > 0).any()) for s in samples)


def test_nothing_enhances_where_t1_stands_in_the_place_of_t1c(
    ball: PaintedProbabilities, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vasotype_training.data.UNENHANCED_SHARE", 1.0)
    rng = np.random.default_rng(5)
    crops = stream(ball)
    scene = crops.simulate(crops.draw_anatomy(rng), rng, with_maps=False)
    present = np.array([c in ("t1", "t1c", "flair") for c in CHANNELS], np.float32)
    sample = acquire(scene, present, rng)
    assert (scene.tissue == ET).any()
    assert not (sample["tissue"] == ET).any()
    assert np.array_equal(sample["tissue"].numpy() > 0, scene.tissue > 0)
    assert sample["enhanced"] == 0
    assert (sample["mode"] == -1).all()
    alone = np.array([c == "t1c" for c in CHANNELS], np.float32)
    assert acquire(scene, alone, rng)["enhanced"] == 1


def test_statistics_follow_what_the_scanner_did() -> None:
    rng = np.random.default_rng(0)
    clean = rng.standard_normal((24, 24, 24)).astype(np.float32)
    mask = np.ones(clean.shape, bool)
    drawn = [
        draw_statistics(clean, 1.5 * clean + 2, mask, np.random.default_rng(n)) for n in (1, 2)
    ]
    plain = [draw_statistics(clean, clean, mask, np.random.default_rng(n)) for n in (1, 2)]
    for (location, scale), (location_, scale_) in zip(drawn, plain, strict=True):
        assert location - location_ == pytest.approx(2 + 0.5 * np.median(clean), abs=0.1)
        assert scale == pytest.approx(1.5 * scale_, rel=1e-3)


def test_lesions_that_nobody_can_see_weigh_like_other_tissue() -> None:
    tissue = np.zeros((40, 40, 40), np.uint8)
    tissue[5:8, 5:8, 5:8] = ET
    tissue[30:33, 30:33, 30:33] = ET
    unseen = np.zeros(tissue.shape, bool)
    unseen[6, 6, 6] = True
    weight, territory = size_weights(tissue, unseen)
    assert weight[6, 6, 6] == 1
    assert territory[6, 6, 6] == 0
    assert weight[31, 31, 31] > 50
    assert territory[31, 31, 31] > 0


def test_turning_a_scene_moves_images_and_labels_together(ball: PaintedProbabilities) -> None:
    rng = np.random.default_rng(2)
    crops = stream(ball)
    scene = crops.simulate(crops.draw_anatomy(rng), rng, with_maps=True)
    marked = replace(scene, images={"t1": scene.tissue.astype(np.float32)})
    moved = turn(marked, rng)
    assert not np.array_equal(moved.tissue, scene.tissue)
    assert set(np.unique(moved.tissue)) <= set(np.unique(scene.tissue))
    inside = moved.tissue > 0
    assert moved.images["t1"][inside].mean() > 10 * moved.images["t1"][~inside].mean()
    assert moved.tissue.sum() > 0.5 * scene.tissue.sum()


def test_weights_fall_with_lesion_volume() -> None:
    tissue = np.zeros((32, 32, 32), np.uint8)
    tissue[2:5, 2:5, 2:5] = ET
    tissue[10:25, 10:25, 10:25] = ET
    weight, territory = size_weights(tissue)
    assert weight[3, 3, 3] == pytest.approx(3000 / 27)
    assert weight[15, 15, 15] == 1
    assert weight[6, 3, 3] == pytest.approx(3000 / 27)
    assert weight[30, 3, 3] == 1
    assert territory[3, 3, 3] == territory[9, 3, 3] > 0
    assert territory[3, 3, 3] != territory[15, 15, 15]
    assert territory[30, 3, 3] > 0
    assert not size_weights(np.zeros((8, 8, 8), np.uint8))[1].any()


def test_every_subset_holds_t1c_or_flair_and_single_ones_occur() -> None:
    rng = np.random.default_rng(0)
    drawn = {tuple(draw_present(CHANNELS, rng)[:4]) for _ in range(400)}
    assert all(t1c or flair for _, t1c, _, flair in drawn)
    assert {(0, 1, 0, 0), (0, 0, 0, 1), (0, 1, 0, 1), (1, 1, 1, 1)} <= drawn
