"""The convolution that runs is the recursion that the paper defines."""

from __future__ import annotations

import pytest
import torch

from napari_ssamamba.model.state_space import StateSpace, convolution, recursion

PATCHES, D, N = 2, 3, 4


def parameters(seed: int, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    """Δ_log, A_log, B, C, D_skip, all random."""
    g = torch.Generator().manual_seed(seed)
    shapes = [(D,), (D, N), (D, N), (D, N), (D,)]
    return [torch.randn(*s, generator=g, dtype=dtype).requires_grad_() for s in shapes]


@pytest.mark.parametrize("length", [1, 2, 9, 25, 49, 81])
def test_convolution_equals_recursion_in_value_and_gradient(length: int) -> None:
    values = parameters(length)
    g = torch.Generator().manual_seed(99)
    x = torch.randn(PATCHES, D, length, generator=g, dtype=torch.float64).requires_grad_()
    weights = torch.randn(PATCHES, D, length, generator=g, dtype=torch.float64)
    slow, fast = recursion(x, *values), convolution(x, *values)
    torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-10)
    inputs = (x, *values)
    slow_gradients = torch.autograd.grad((slow * weights).sum(), inputs)
    fast_gradients = torch.autograd.grad((fast * weights).sum(), inputs)
    for fast_gradient, slow_gradient in zip(fast_gradients, slow_gradients, strict=True):
        torch.testing.assert_close(fast_gradient, slow_gradient, rtol=1e-10, atol=1e-10)


def test_equal_on_the_transposed_views_that_the_unit_makes() -> None:
    values = parameters(1)
    x = torch.randn(PATCHES, 9, D, dtype=torch.float64).transpose(1, 2)
    torch.testing.assert_close(convolution(x, *values), recursion(x, *values))


@pytest.mark.parametrize("delta_log", [-5.0, 5.0])
@pytest.mark.parametrize("a_log", [-5.0, 5.0])
def test_stable_for_extreme_parameters_in_single_precision(delta_log: float, a_log: float) -> None:
    _, _, b, c, d_skip = parameters(0, torch.float32)
    delta = torch.full((D,), delta_log, requires_grad=True)
    a = torch.full((D, N), a_log, requires_grad=True)
    x = torch.randn(PATCHES, D, 81, generator=torch.Generator().manual_seed(1))
    y = convolution(x, delta, a, b, c, d_skip)
    torch.testing.assert_close(y, recursion(x, delta, a, b, c, d_skip), rtol=1e-3, atol=1e-3)
    for gradient in torch.autograd.grad(y.sum(), (delta, a, b, c, d_skip)):
        assert gradient.isfinite().all()


def test_no_token_hears_of_later_ones() -> None:
    module = StateSpace(D, N)
    x = torch.zeros(1, D, 9)
    x[..., 4] = 1
    y = module(x)
    assert (y[..., :4] == 0).all()
    assert (y[..., 4:] != 0).all()
