"""The last layer of the leanings: a convex fit, and how it stands in the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from vasotype_models.contract import MODES, TISSUES, Inference
from vasotype_models.network import Architecture, Network
from vasotype_training.leanings import (
    TIERS,
    cross_entropy,
    fit_layer,
    last_features,
    layer,
    logits,
    pooled,
    set_layer,
)


@pytest.fixture
def lesions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights [3, 5], and features [4000, 4] and modes drawn by them."""
    rng = np.random.default_rng(0)
    spread = np.array([0.1, 1, 3, 10])
    weights = rng.normal(size=(3, 5)) / np.append(spread, 1)
    features = rng.normal(size=(4000, 4)) * spread
    chances = softmax(logits(weights, features), axis=1)
    modes = np.array([rng.choice(3, p=p) for p in chances])
    return weights, features, modes


def test_a_fit_answers_as_the_weights_that_drew_the_lesions(
    lesions: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    weights, features, modes = lesions
    fitted = fit_layer(np.zeros((3, 5)), features, modes)
    assert cross_entropy(fitted, features, modes) < cross_entropy(weights, features, modes) + 0.002
    difference = softmax(logits(fitted, features), axis=1) - softmax(
        logits(weights, features), axis=1
    )
    assert np.abs(difference).mean() < 0.02


def test_with_two_lesions_to_learn_from_a_layer_stays_near_what_it_was(
    lesions: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    weights, features, modes = lesions
    near = fit_layer(weights, features[:2], modes[:2])
    far = fit_layer(weights, features, 2 - modes)
    few, many = (np.abs(logits(w - weights, features)).mean() for w in (near, far))
    assert few < 0.5 < 1 < many


def test_a_layer_set_is_the_layer_read_and_pools_as_the_network_answers() -> None:
    torch.manual_seed(0)
    network = Network(Architecture((8, 12, 16, 20))).eval()
    rng = np.random.default_rng(1)
    weights = rng.normal(size=layer(network).shape)
    untouched = network.head.weight[:, : len(TISSUES)].detach().clone()
    set_layer(network, weights)
    assert np.allclose(layer(network), weights, atol=1e-6)
    assert torch.equal(network.head.weight[:, : len(TISSUES)], untouched)
    sample = {
        "image": torch.rand(7, 32, 32, 32),
        "mask": torch.ones(1, 32, 32, 32),
        "present": torch.tensor([1.0, 1, 1, 1, 1, 1, 0]),
        "stats": torch.tensor([0.5, 0.2]).tile(7, 1),
    }
    values = last_features(network, sample, TIERS[-1])
    inside, around = (tuple(rng.integers(4, 28, (3, 40))) for _ in range(2))
    ours = logits(weights, pooled(values, inside, around)[None])[0]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        batch = (sample[name][None] for name in ("image", "mask", "present", "stats"))
        habitat = network.logits(*batch)[1][0, : len(MODES)].float().numpy()
    inner, outer = (habitat[:, x // 2, y // 2, z // 2].mean(axis=1) for x, y, z in (inside, around))
    assert np.allclose(ours, inner - Inference().surroundings_weight * outer, atol=0.05)
