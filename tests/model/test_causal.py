"""What mixes tokens fast is what PyTorch's convolutions and the equations say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import conv1d, pad

from napari_ssamamba.model.causal import causal_product, causal_taps
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.mamba_unit import MambaUnit
from napari_ssamamba.model.state_space import StateSpace, recursion

D, PATCHES = 3, 4


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64).requires_grad_()


def by_conv1d(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    padded = pad(x.permute(2, 0, 1), (weight.shape[1] - 1, 0))
    return conv1d(padded, weight[:, None], bias, groups=D).permute(1, 2, 0)


def assert_same(fast: torch.Tensor, slow: torch.Tensor, inputs: Any) -> None:
    """Equal in value, and in the gradient of an arbitrary loss."""
    torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-10)
    weights = draw(*slow.shape, seed=9)
    gradients = [torch.autograd.grad((y * weights).sum(), inputs) for y in (fast, slow)]
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("length", [2, 9, 49])
def test_short_kernels(length: int) -> None:
    x, weight, bias = draw(D, length, PATCHES), draw(D, 3, seed=1), draw(D, seed=2)
    assert_same(causal_taps(x, weight, bias), by_conv1d(x, weight, bias), (x, weight, bias))


@pytest.mark.parametrize("length", [1, 2, 9, 25, 49, 81])
def test_kernels_as_long_as_the_sequence(length: int) -> None:
    x, kernel = draw(D, length, PATCHES), draw(D, length, seed=1)
    none = torch.zeros(D, dtype=torch.float64)
    assert_same(causal_product(x, kernel), by_conv1d(x, kernel.flip(1), none), (x, kernel))


@pytest.mark.parametrize("length", [1, 2, 25])
@pytest.mark.parametrize("training", [False, True])
def test_a_unit_is_its_equations_with_the_recursion(length: int, training: bool) -> None:
    config = ModelConfig(bands=5, classes=3, d_model=8, d_state=4, heads=2, dropout=0)
    unit = MambaUnit(config).double().train(training)
    for module in unit.modules():
        if isinstance(module, StateSpace):
            module.evaluate = recursion
            with torch.no_grad():
                module.b.normal_(generator=torch.Generator().manual_seed(0))
                module.c.normal_(generator=torch.Generator().manual_seed(1))
    x = draw(PATCHES, length, 8)
    assert unit.norm_conv.running_mean is not None
    statistics = unit.norm_conv.running_mean.clone()
    fast = unit(x)
    after = unit.norm_conv.running_mean
    unit.norm_conv.running_mean = statistics.clone()
    unit.literal = True
    slow = unit(x)
    assert_same(fast, slow, (x, *unit.parameters()))
    torch.testing.assert_close(unit.norm_conv.running_mean, after)
    assert torch.equal(after, statistics) != training
