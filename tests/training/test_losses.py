"""The losses reward what they are named for."""

import pytest
import torch
from vasotype_models.contract import ET, NETC, SNFH
from vasotype_training.losses import (
    TissueWeights,
    habitat_loss,
    lesion_loss,
    pool_lesions,
    tissue_loss,
    viable_voxels,
)


def weights(miss: float = 0.5, cap: float = 1.0) -> TissueWeights:
    return TissueWeights(miss, cap, torch.ones(1, 3))


def logits_for(tissue: torch.Tensor, strength: float = 8.0) -> torch.Tensor:
    return strength * torch.nn.functional.one_hot(tissue, 4).movedim(-1, 1).float()


def a_ring() -> torch.Tensor:
    tissue = torch.zeros(1, 16, 16, 16, dtype=torch.int64)
    tissue[:, 3:13, 3:13, 3:13] = SNFH
    tissue[:, 5:11, 5:11, 5:11] = ET
    tissue[:, 7:9, 7:9, 7:9] = NETC
    return tissue


def test_the_right_answer_costs_nearly_nothing_and_a_wrong_one_much() -> None:
    tissue = a_ring()
    plain = torch.ones_like(tissue, dtype=torch.float32)
    right = tissue_loss(logits_for(tissue), tissue, plain, weights())
    empty = tissue_loss(logits_for(torch.zeros_like(tissue)), tissue, plain, weights())
    assert float(right) < 0.02
    assert float(empty) > 1.0


def test_a_crop_without_tumor_costs_nothing_when_nothing_is_found() -> None:
    tissue = torch.zeros(1, 16, 16, 16, dtype=torch.int64)
    plain = torch.ones_like(tissue, dtype=torch.float32)
    assert float(tissue_loss(logits_for(tissue, 12.0), tissue, plain, weights())) < 0.02


def test_misses_cost_more_when_recall_comes_first() -> None:
    tissue = a_ring()
    plain = torch.ones_like(tissue, dtype=torch.float32)
    missing = logits_for(torch.zeros_like(tissue), 6.0)
    recall = tissue_loss(missing, tissue, plain, weights(miss=0.9))
    precision = tissue_loss(missing, tissue, plain, weights(miss=0.1))
    assert float(recall) > float(precision)


def test_small_lesions_weigh_more_up_to_the_cap() -> None:
    tissue = a_ring()
    heavy = torch.where(tissue == ET, 30.0, 1.0)
    missing = logits_for(torch.zeros_like(tissue), 2.0)
    losses = [float(tissue_loss(missing, tissue, heavy, weights(cap=c))) for c in (1, 5, 30, 60)]
    assert losses[0] < losses[1] < losses[2] == losses[3]


def test_core_counts_for_little_where_no_contrast_was_given() -> None:
    tissue = a_ring()
    plain = torch.ones_like(tissue, dtype=torch.float32)
    no_core = torch.where(tissue > 0, SNFH, 0)
    full = tissue_loss(logits_for(no_core), tissue, plain, weights())
    without = TissueWeights(0.5, 1.0, torch.tensor([[1.0, 0.2, 0.2]]))
    assert float(tissue_loss(logits_for(no_core), tissue, plain, without)) < 0.5 * float(full)


def test_enhancing_voxels_speak_for_a_lesion_and_else_its_whole_core() -> None:
    tissue = torch.zeros(4, 4, 4, dtype=torch.int64)
    instances = torch.zeros_like(tissue)
    tissue[0], instances[0] = ET, 1
    tissue[1], instances[1] = NETC, 1
    tissue[2], instances[2] = NETC, 4
    tissue[3], instances[3] = NETC, 2
    speaks = viable_voxels(instances, tissue, 3)
    assert (speaks[0] == 1).all()
    assert (speaks[1] == 0).all()
    assert (speaks[2] == 0).all()
    assert (speaks[3] == 2).all()


def test_pooling_takes_the_mean_of_each_lesion() -> None:
    values = torch.tensor([[2.0], [4.0], [5.0]])
    pooled = pool_lesions(values, torch.tensor([1, 1, 3]), 3)[:, 0]
    assert pooled[0] == 3.0
    assert torch.isnan(pooled[1])
    assert pooled[2] == 5.0


@pytest.mark.parametrize("side", [2, 4])
def test_habitat_loss_ignores_lesions_of_unknown_mode_and_learns_from_known_ones(side: int) -> None:
    tissue = torch.full((1, 4, 4, 4), ET)
    batch = {
        "tissue": tissue,
        "instances": torch.ones_like(tissue),
        "low_permeability": torch.zeros(1, 4, 4, 4),
        "mode": torch.tensor([[-1]]),
        "mimicry": torch.tensor([[-1]]),
    }
    habitat = torch.zeros(1, 5, side, side, side, requires_grad=True)
    assert habitat_loss(habitat, batch)[0].item() == 0.0
    batch["mode"], batch["mimicry"] = torch.tensor([[2]]), torch.tensor([[0]])
    loss, parts = habitat_loss(habitat, batch)
    loss.backward()
    assert set(parts) == {"mode", "mimicry", "barrier"}
    assert habitat.grad is not None
    assert habitat.grad[0, 2].sum() < 0 < habitat.grad[0, 0].sum()


def test_habitat_loss_reads_the_block_in_which_a_lesion_lies() -> None:
    tissue = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    tissue[:, 2:, :2, 2:] = ET
    batch = {
        "tissue": tissue,
        "instances": (tissue == ET).long(),
        "low_permeability": torch.zeros(1, 4, 4, 4),
        "mode": torch.tensor([[1]]),
        "mimicry": torch.tensor([[0]]),
    }
    habitat = torch.zeros(1, 5, 2, 2, 2, requires_grad=True)
    habitat_loss(habitat, batch)[0].backward()
    assert habitat.grad is not None
    touched = habitat.grad[0].abs().sum(dim=0) > 0
    assert torch.nonzero(touched).tolist() == [[1, 0, 1]]


def test_a_missed_small_lesion_costs_as_much_as_a_missed_large_one() -> None:
    tissue = torch.zeros(1, 32, 16, 16, dtype=torch.int64)
    tissue[:, 2:12, 3:13, 3:13] = ET
    tissue[:, 24:27, 7:10, 7:10] = ET
    territory = torch.zeros_like(tissue)
    territory[:, :18], territory[:, 18:] = 1, 2
    costs = []
    for lost in (slice(0, 18), slice(18, 32)):
        found = tissue.clone()
        found[:, lost] = 0
        costs.append(float(lesion_loss(logits_for(found), tissue, territory, weights())))
    assert costs[0] > 0.4
    assert abs(costs[0] - costs[1]) < 0.05
    assert float(lesion_loss(logits_for(tissue), tissue, territory, weights())) < 0.02


def test_lesions_cost_nothing_where_there_are_none() -> None:
    tissue = torch.zeros(2, 16, 16, 16, dtype=torch.int64)
    plain = TissueWeights(0.5, 1.0, torch.ones(2, 3))
    assert float(lesion_loss(logits_for(tissue), tissue, tissue, plain)) == 0


def test_calling_a_lesion_enhancing_costs_its_share_where_nothing_enhances() -> None:
    tissue = torch.zeros(1, 16, 16, 16, dtype=torch.int64)
    tissue[:, 4:12, 4:12, 4:12] = NETC
    territory = torch.ones_like(tissue)
    called = torch.where(tissue == NETC, ET, 0)
    right, wrong = (
        float(lesion_loss(logits_for(answer), tissue, territory, weights()))
        for answer in (tissue, called)
    )
    assert right < 0.02
    assert abs(wrong - right - 0.5) < 0.02
