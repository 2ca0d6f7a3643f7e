"""What runs over a scene is the network of the equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.inference.scene import SceneInference
from napari_ssamamba.model.network import SSAMamba, build_network
from napari_ssamamba.model.state_space import StateSpace

ROWS, COLUMNS = 5, 9

SMALL: dict[str, Any] = {
    "bands": 5, "classes": 4, "patch_size": 5, "d_model": 16, "d_state": 3, "heads": 2, "depth": 2,
}  # fmt: skip


def learned(**changes: Any) -> SSAMamba:
    """A network whose norms and state spaces are far from where they start."""
    g = torch.Generator().manual_seed(0)
    network = build_network(ModelConfig(**(SMALL | changes)), g)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.normal_(0, 0.3, generator=g)
                module.running_var.uniform_(0.5, 2, generator=g)
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5, generator=g)
                module.bias.normal_(0, 0.3, generator=g)
            if isinstance(module, StateSpace):
                module.b.normal_(generator=g)
                module.c.normal_(generator=g)
        network.head.weight.mul_(10)
        network.head.bias.zero_()
    return network.eval()


def scene_with_a_border(side: int, dtype: torch.dtype) -> torch.Tensor:
    """A tile at a corner of the scene, with a pixel where nothing was measured."""
    g = torch.Generator().manual_seed(1)
    block = torch.randn(ROWS + side - 1, COLUMNS + side - 1, 5, generator=g, dtype=dtype)
    block[: side // 2] = 0
    block[:, : side // 2] = 0
    block[side // 2 + 2, side // 2 + 3] = 0
    return block


def everywhere() -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns of all the tile's pixels."""
    return torch.arange(ROWS).repeat_interleave(COLUMNS), torch.arange(COLUMNS).repeat(ROWS)


def one_patch_a_pixel(network: SSAMamba, block: torch.Tensor) -> torch.Tensor:
    side = network.config.patch_size
    patches = block.unfold(0, side, 1).unfold(1, side, 1).flatten(0, 1)
    with torch.no_grad():
        return network(patches).view(ROWS, COLUMNS, -1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"patch_size": 1},
        {"patch_size": 3},
        {"patch_size": 7},
        {"depth": 1},
        {"attention": "symmetric"},
        {"attention": "none"},
        {"gate": False},
        {"block_residual": False},
        {"global_residual": False},
        {"shared_branch": True},
        {"shared_branch": True, "attention": "none", "gate": False, "global_residual": False},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=str
)
def test_equals_the_network_on_every_patch(
    changes: dict[str, Any], dtype: torch.dtype, tolerance: float
) -> None:
    network = learned(**changes).to(dtype)
    block = scene_with_a_border(network.config.patch_size, dtype)
    expected = one_patch_a_pixel(network, block)
    tile = SceneInference(network).open_tile(block)
    found = tile.logits(*everywhere()).view(ROWS, COLUMNS, -1)
    assert found.dtype == dtype
    spread = (expected - expected.mean((0, 1))).abs().max()  # what tells pixels apart
    assert (found - expected).abs().max() < tolerance * spread


def test_pixels_come_in_any_number_and_order() -> None:
    network = learned().double()
    block = scene_with_a_border(network.config.patch_size, torch.float64)
    expected = one_patch_a_pixel(network, block)
    tile = SceneInference(network).open_tile(block)
    for rows, columns in [([0], [0]), ([0, 0, 2, 4], [3, 8, 1, 8]), ([4, 0, 4], [0, 7, 0])]:
        found = tile.logits(torch.tensor(rows), torch.tensor(columns))
        torch.testing.assert_close(found, expected[rows, columns])


def test_half_precision_leaves_nearly_all_decisions_as_they_are() -> None:
    network = learned()
    block = scene_with_a_border(network.config.patch_size, torch.float32)
    exact = SceneInference(network).open_tile(block).logits(*everywhere())
    half = SceneInference(network, torch.bfloat16).open_tile(block).logits(*everywhere())
    assert half.dtype == torch.float32
    assert not torch.equal(half, exact)
    assert (half - exact).abs().mean() < 0.05 * exact.std()
