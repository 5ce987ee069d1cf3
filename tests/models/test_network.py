"""The network keeps the promises of its contract."""

import copy
import math

import pytest
import torch
from vasotype_models.contract import CHANNELS
from vasotype_models.network import Architecture, Network, Normalise


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network(Architecture((8, 12, 16, 20))).eval()


def inputs(side: int = 32) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(1, 7, side, side, side, generator=generator) * 100 + 20
    mask = torch.ones(1, 1, side, side, side)
    stats = torch.tensor([[60.0, 25.0]] * 4 + [[0.0, 1.0]] * 3)[None]
    return image, mask, torch.ones(1, 7), stats


def test_tissue_probabilities_sum_to_one(network: Network) -> None:
    with torch.no_grad():
        tissue, habitat = network(*inputs())
    assert torch.allclose(tissue.sum(dim=1), torch.ones(1, 32, 32, 32), atol=1e-5)
    assert habitat.shape == (1, 5, 32, 32, 32)


def test_a_habitat_changes_as_much_within_a_block_as_between_blocks(network: Network) -> None:
    with torch.no_grad():
        habitat = network(*inputs())[1]
    steps = habitat.diff(dim=-1).abs()
    within, between = steps[..., 0::2].mean(), steps[..., 1::2].mean()
    assert 0.5 < within / between < 2


def test_the_level_of_a_map_reaches_the_leanings_unnormalised(network: Network) -> None:
    """A map that is everywhere twice as high looks the same after an instance normalisation."""
    image, mask, present, stats = inputs()
    rcbv = CHANNELS.index("rcbv")
    image[:, rcbv] = 1.0
    higher = image.clone()
    higher[:, rcbv] = 3.0
    other = copy.deepcopy(network)
    torch.nn.init.constant_(other.maps_head.weight, 0.5)
    with torch.no_grad():
        moved = other(higher, mask, present, stats)[1] - other(image, mask, present, stats)[1]
        usual = network(higher, mask, present, stats)[1] - network(image, mask, present, stats)[1]
    rise = 0.5 * (math.log1p(3.0) - math.log1p(1.0))
    assert torch.allclose(moved - usual, torch.full_like(moved, rise), atol=1e-4)


def test_the_unit_of_a_structural_image_does_not_matter(network: Network) -> None:
    image, mask, present, stats = inputs()
    scaled, moved = image.clone(), stats.clone()
    scaled[:, :4] = 7.5 * scaled[:, :4] + 300
    moved[:, :4, 0] = 7.5 * moved[:, :4, 0] + 300
    moved[:, :4, 1] *= 7.5
    with torch.no_grad():
        plain, other = network(image, mask, present, stats), network(scaled, mask, present, moved)
    assert torch.allclose(plain[0], other[0], atol=1e-4)


def test_what_lies_in_absent_channels_or_outside_the_mask_is_not_seen(network: Network) -> None:
    image, mask, present, stats = inputs()
    mask[..., :8] = 0
    present[0, CHANNELS.index("t2")] = 0
    dirty = image.clone()
    dirty[..., :8] = 1e4
    dirty[:, CHANNELS.index("t2")] = 1e4
    with torch.no_grad():
        clean_answer = network(image, mask, present, stats)
        dirty_answer = network(dirty, mask, present, stats)
    assert torch.equal(clean_answer[0], dirty_answer[0])


def test_availability_itself_is_seen(network: Network) -> None:
    """A missing sequence differs from one that happens to be flat."""
    image, mask, present, stats = inputs()
    image[:, CHANNELS.index("t2")] = 60.0
    without = present.clone()
    without[0, CHANNELS.index("t2")] = 0
    with torch.no_grad():
        flat = network(image, mask, present, stats)[0]
        missing = network(image, mask, without, stats)[0]
    assert (flat - missing).abs().max() > 1e-4


def test_enhancement_needs_both_t1_and_t1c() -> None:
    image, mask, present, stats = inputs()
    normalise = Normalise()
    assert normalise(image, mask, present, stats)[:, 4].abs().sum() > 0
    present[0, CHANNELS.index("t1")] = 0
    assert normalise(image, mask, present, stats)[:, 4].abs().sum() == 0


def test_quantitative_channels_are_scaled_monotonically_and_capped() -> None:
    image, mask, present, stats = inputs()
    ramp = torch.linspace(-1, 40, 32)
    image[:, CHANNELS.index("rcbv")] = ramp
    seen = Normalise()(image, mask, present, stats)[0, 5, 0, 0]
    assert torch.all(seen[1:] >= seen[:-1])
    assert seen[0] == 0
    assert seen[-1] == pytest.approx(float(torch.log1p(torch.tensor(20.0))))
