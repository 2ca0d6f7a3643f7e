"""The network is the one of the equations, whole and with parts switched off."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from napari_ssamamba.model.config import ModelConfig, preset
from napari_ssamamba.model.network import (
    SSAMamba,
    build_network,
    empty_network,
    load_network,
    set_generator,
)
from napari_ssamamba.model.patches import dihedral_orders, gather_patches

NORMS_BETWEEN_BLOCKS = 2048
"""Parameters that the published count has and this network leaves out."""

TINY: dict[str, Any] = {
    "bands": 5, "classes": 3, "patch_size": 3, "d_model": 8, "d_state": 2, "heads": 2, "depth": 2,
}  # fmt: skip


def tiny(**changes: Any) -> SSAMamba:
    return build_network(ModelConfig(**(TINY | changes)), torch.Generator().manual_seed(0))


def count(network: SSAMamba) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("bands", "classes", "published"),
    [(144, 15, 6_199_391), (270, 22, 6_217_318), (256, 20, 6_215_012)],
)
def test_parameter_count_is_the_published_one(bands: int, classes: int, published: int) -> None:
    network = empty_network(preset("standard", bands, classes))
    assert count(network) + NORMS_BETWEEN_BLOCKS == published


@pytest.mark.parametrize("shape", [(1, 3), (2, 5), (4, 7)])
def test_one_row_of_logits_a_patch(shape: tuple[int, int]) -> None:
    batch, side = shape
    network = tiny(patch_size=side).eval()
    logits = network(torch.randn(batch, 5, side, side))
    assert logits.shape == (batch, 3)
    assert logits.isfinite().all()


def test_patches_do_not_see_each_other_when_predicting() -> None:
    network = tiny().eval()
    patches = torch.randn(4, 5, 3, 3)
    together = network(patches)
    alone = torch.cat([network(p[None]) for p in patches])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "ablation",
    [
        {"attention": "symmetric"},
        {"attention": "none"},
        {"gate": False},
        {"block_residual": False},
        {"global_residual": False},
        {"shared_branch": True},
    ],
    ids=str,
)
def test_each_ablation_changes_the_network_and_still_learns(ablation: dict[str, Any]) -> None:
    network, whole = tiny(dropout=0.0, **ablation), tiny(dropout=0.0)
    patches = torch.randn(4, 5, 3, 3)
    assert not torch.equal(network.eval()(patches), whole.eval()(patches))
    network.train()(patches).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_ablations_drop_the_parameters_that_they_name() -> None:
    d = TINY["d_model"]
    attention = 4 * d * d + 2 * d
    blocks = TINY["depth"]
    whole = count(tiny())
    assert whole - count(tiny(attention="none")) == blocks * attention
    assert count(tiny(attention="symmetric")) - whole == blocks * attention
    assert whole - count(tiny(gate=False)) == blocks * (2 * d * d + d)
    unit = sum(p.numel() for p in tiny().blocks[0].get_submodule("spatial").parameters())
    assert whole - count(tiny(shared_branch=True)) == blocks * unit


def test_inspection_shows_what_the_plain_pass_computes() -> None:
    network = tiny().eval()
    patches = torch.randn(4, 5, 3, 3)
    inspection = network.inspect(patches)
    assert torch.equal(inspection.logits, network(patches))
    assert [tuple(a.shape) for a in inspection.attention] == [(4, 2, 9, 9)] * 2
    assert [tuple(g.shape) for g in inspection.gates] == [(4, 9, 8)] * 2
    for attention in inspection.attention:
        torch.testing.assert_close(attention.sum(-1), torch.ones(4, 2, 9))
    assert all(((g > 0) & (g < 1)).all() for g in inspection.gates)
    assert tiny(attention="none").eval().inspect(patches).attention == ()
    assert tiny(gate=False).eval().inspect(patches).gates == ()


def test_space_asks_and_spectrum_answers() -> None:
    """Where all spectral tokens are alike, every query gets the same answer."""
    network = tiny()
    block: Any = network.blocks[0]
    asking, answering = torch.randn(2, 9, 8), torch.randn(2, 9, 8)
    before, weights = block.space_asks(asking, answering)
    other, same_weights = block.space_asks(asking + 1, answering)
    assert not torch.equal(weights, same_weights)
    constant, _ = block.space_asks(asking, answering[:, :1].expand_as(answering))
    torch.testing.assert_close(constant, constant[:, :1].expand_as(constant))
    assert not torch.allclose(before, other)


def test_building_draws_from_its_own_generator_alone() -> None:
    state = torch.get_rng_state()
    first, second = tiny(), tiny()
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    other = build_network(ModelConfig(**TINY), torch.Generator().manual_seed(1))
    assert not torch.equal(other.head.weight, first.head.weight)


def test_dropout_draws_from_its_own_generator_alone() -> None:
    network = tiny(dropout=0.5).train()
    patches = torch.randn(4, 5, 3, 3)
    state = torch.get_rng_state()
    logits = []
    for _ in range(2):
        set_generator(network, torch.Generator().manual_seed(7))
        logits.append(network(patches))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*logits)
    assert not torch.equal(logits[0], network(patches))


def test_loaded_network_predicts_as_the_saved_one() -> None:
    network = tiny().eval()
    loaded = load_network(network.config, network.state_dict())
    patches = torch.randn(4, 5, 3, 3)
    assert torch.equal(loaded(patches), network(patches))
    assert not loaded.training


def test_gathered_patches_are_rows_of_the_table() -> None:
    table = torch.randn(20, 5)
    index = torch.randint(20, (3, 9))
    patches = gather_patches(table, index)
    assert patches.shape == (3, 5, 3, 3)
    assert torch.equal(patches[1, :, 2, 0], table[index[1, 6]])


def test_the_eight_orders_are_the_symmetries_of_a_square() -> None:
    orders = dihedral_orders(3)
    assert orders.shape == (8, 9)
    assert len({tuple(o.tolist()) for o in orders}) == 8
    assert (orders[:, 4] == 4).all()
    assert torch.equal(orders[0], torch.arange(9))
    for order in orders:  # neighbours stay neighbours: the sum around the centre is kept
        assert sorted(order[[1, 3, 5, 7]].tolist()) == [1, 3, 5, 7]
