"""Causal depthwise convolutions over tokens, for data that lie channels first, (D, L, B).

In this layout a shift by one token is a shift by one contiguous piece, and a long kernel is, for
each channel, a small matrix product with all patches at once; PyTorch's own depthwise convolution
takes several times as long, most of all in its gradient, which is therefore written out here.

Symbols: D channels, L tokens, B patches, T taps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad


class _Taps(Function):
    """`causal_taps` with its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        taps = weight.to(x.dtype).unbind(1)[::-1]  # tap t reads t tokens back
        y = torch.addcmul(bias.to(x.dtype)[:, None, None], x, taps[0][:, None, None])
        for t, tap in enumerate(taps[1:], 1):
            y[:, t:].addcmul_(x[:, :-t], tap[:, None, None])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        taps = weight.to(x.dtype).unbind(1)[::-1]
        grad_x = grad * taps[0][:, None, None]
        for t, tap in enumerate(taps[1:], 1):
            grad_x[:, :-t].addcmul_(grad[:, t:], tap[:, None, None])
        of_taps = [(grad * x).sum((1, 2))]
        of_taps += [(grad[:, t:] * x[:, :-t]).sum((1, 2)) for t in range(1, len(taps))]
        grad_weight = torch.stack(of_taps[::-1], 1).to(weight.dtype)
        return grad_x, grad_weight, grad.sum((1, 2)).to(weight.dtype)


def causal_taps(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve with a short kernel.

    Parameters
    ----------
    x : Tensor, shape (D, L, B)
    weight : Tensor, shape (D, T)
        As `torch.nn.Conv1d` has it: the last tap reads the token itself.
    bias : Tensor, shape (D,)

    Returns
    -------
    Tensor, shape (D, L, B)
        y[i] = bias + Σ_t weight[T - 1 - t] ⊙ x[i - t], with zeros before the first token.
    """
    y: Tensor = _Taps.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y


def toeplitz(kernel: Tensor) -> Tensor:
    """Return a causal kernel's matrices T[i, j] = K[i - j], 0 for j > i.

    Parameters
    ----------
    kernel : Tensor, shape (D, L)

    Returns
    -------
    Tensor, shape (D, L, L)
    """
    length = kernel.shape[1]
    # Row i of T is the window of the reversed kernel that begins L - 1 - i behind its start.
    return pad(kernel.flip(1), (0, length - 1)).unfold(1, length, 1).flip(1)


class _LongKernel(Function):
    """`causal_product` with its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        matrices = toeplitz(kernel.to(x.dtype))
        ctx.save_for_backward(x, matrices)
        ctx.kernel_dtype = kernel.dtype
        return torch.bmm(matrices, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, matrices = ctx.saved_tensors
        # By halves, as it holds more than all else of a training step for a moment.
        pairs = zip(grad.chunk(2), x.chunk(2), strict=True)
        grad_kernel = torch.cat([_of_kernel(some_grad, some_x) for some_grad, some_x in pairs])
        return torch.bmm(matrices.transpose(1, 2), grad), grad_kernel.to(ctx.kernel_dtype)


def _of_kernel(grad: Tensor, x: Tensor) -> Tensor:
    """Return the gradient of the kernels (D, L), from that of the result and the input (D, L, B).

    That of K[t] is the sum along the diagonal i - j = t of the matrices' gradient.
    """
    channels, length, _ = x.shape
    of_matrices = torch.bmm(grad, x.transpose(1, 2))  # (D, L, L)
    # Behind L zeros a row, the diagonals are the columns of a view whose rows begin one later each.
    rows = pad(of_matrices, (length, 0))
    strides = (2 * length * length, 2 * length + 1, 1)
    return rows.as_strided((channels, length, length), strides, 1).sum(1).flip(1)


def causal_product(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve with a kernel as long as the sequence.

    Parameters
    ----------
    x : Tensor, shape (D, L, B)
    kernel : Tensor, shape (D, L)

    Returns
    -------
    Tensor, shape (D, L, B)
        y[i] = Σ_t K[t] ⊙ x[i - t], with zeros before the first token.
    """
    y: Tensor = _LongKernel.apply(x, kernel)  # type: ignore[no-untyped-call]
    return y
