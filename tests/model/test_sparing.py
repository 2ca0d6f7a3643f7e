"""What is computed again in the backward pass changes nothing but the memory that is held."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.network import SSAMamba, build_network
from napari_ssamamba.model.sparing import SMALL_BATCH, spare_memory

BATCH, STEPS = 6, 3


def network_of(*, sparing: bool, batch: int = SMALL_BATCH + 1, **changes: Any) -> SSAMamba:
    config = ModelConfig(bands=5, classes=3, patch_size=5, d_model=16, heads=2, depth=2, **changes)
    network = build_network(config, torch.Generator().manual_seed(0)).train()
    if sparing:
        spare_memory(network, batch)
    return network


def kept_bytes(network: SSAMamba, patches: Tensor) -> int:
    """Return what a forward pass keeps for the backward pass, without the parameters."""
    parameters = {p.untyped_storage().data_ptr() for p in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(patches)
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention": "symmetric"},
        {"attention": "none", "gate": False},
        {"shared_branch": True},
        {"block_residual": False, "global_residual": False, "dropout": 0.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("mixed", [False, True])
def test_training_is_the_same_bit_for_bit(changes: dict[str, Any], mixed: bool) -> None:
    patches = torch.randn(STEPS, BATCH, 5, 5, 5, generator=torch.Generator().manual_seed(1))
    targets = torch.arange(BATCH) % 3
    found = []
    for sparing in (False, True):
        network = network_of(sparing=sparing, **changes)
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
        for batch in patches:
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                logits = network(batch)
            optimiser.zero_grad()
            cross_entropy(logits.float(), targets).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        found.append(network.state_dict())  # the batch norms' statistics and counts with it
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name]), name


def test_less_than_half_is_kept() -> None:
    patches = torch.randn(BATCH, 5, 5, 5)
    usual, sparing = (kept_bytes(network_of(sparing=s), patches) for s in (False, True))
    assert sparing < 0.5 * usual
    small = kept_bytes(network_of(sparing=True, batch=SMALL_BATCH), patches)
    assert 1.1 * sparing < small < 0.8 * usual
