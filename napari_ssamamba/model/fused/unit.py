"""What a Mamba unit does between its two products: one kernel forward, one backward.

The plain form of a small batch is some fifty launches of kernels that have little to do each. The
backward pass needs only what the forward pass read.

Symbols: B patches, D channels, L tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
import triton
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from napari_ssamamba.model.device import padded
from napari_ssamamba.model.fused import unit_kernels
from napari_ssamamba.model.mamba_unit import MambaUnit

if TYPE_CHECKING:
    from napari_ssamamba.model.patch_network import PatchNetwork

LONGEST, LARGEST = 64, 32
"""Tokens and patches of which a program can take a channel at once."""


WARPS = {16: 4, 32: 8}
"""Of a program, by the patches that it has room for."""


class _Gated(Function):
    """`gated_states` with its gradient, on the device of the data: Triton takes the present one."""

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        weight: Tensor,
        bias: Tensor,
        norm_weight: Tensor,
        norm_bias: Tensor,
        kernel: Tensor,
        norm: nn.BatchNorm1d,
        length: int,
    ) -> Tensor:
        kept = (cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var))
        inputs = (u, weight, bias, norm_weight, norm_bias, *kept, kernel)
        channels = len(bias)
        out = torch.empty_like(u[:channels])
        sizes = _sizes(u, channels, length)
        with torch.cuda.device_of(u):  # type: ignore[no-untyped-call]
            unit_kernels.forward_kernel[(channels,)](
                *inputs, out, norm.momentum or 0.0, int(norm.training), *sizes, norm.eps,
                num_warps=WARPS[sizes[-1]],
            )  # fmt: skip
        ctx.save_for_backward(*inputs)
        ctx.own, ctx.length, ctx.eps = int(norm.training), length, norm.eps
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        u, weight, bias, norm_weight, norm_bias, _, _, kernel = inputs
        wanted = (u, weight, bias, norm_weight, norm_bias, kernel)
        found = [torch.empty_like(value) for value in wanted]
        channels = len(bias)
        sizes = _sizes(u, channels, ctx.length)
        with torch.cuda.device_of(u):  # type: ignore[no-untyped-call]
            unit_kernels.backward_kernel[(channels,)](
                grad.contiguous(), *inputs, *found, ctx.own, *sizes, ctx.eps,
                num_warps=WARPS[sizes[-1]],
            )  # fmt: skip
        return (*found, None, None)


def _sizes(u: Tensor, channels: int, length: int) -> tuple[int, int, int, int, int]:
    """Return D, B, L, and L and B rounded up."""
    batch = u.shape[1] // length
    return channels, batch, length, padded(length), padded(batch)


def gated_states(
    u: Tensor, length: int, conv: nn.Conv1d, norm: nn.BatchNorm1d, kernel: Tensor
) -> Tensor:
    """Run Eq. 4-11 between the unit's two products.

    Parameters
    ----------
    u : Tensor, shape (2D, L·B)
        What the input map gives: what is mixed, then the gates. On an NVIDIA GPU; or on a CPU, by
        Triton's interpreter.
    length : int
        L, at most `LONGEST`; B is at most `LARGEST`.
    conv : Conv1d
        Its weight and bias, of three taps.
    norm : BatchNorm1d
        While training it normalises by the batch's own statistics, and moves its running ones.
    kernel : Tensor, shape (D, L)
        The state space's.

    Returns
    -------
    Tensor, shape (D, L·B)
        What the output map takes.
    """
    if norm.training and norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    y: Tensor = _Gated.apply(  # type: ignore[no-untyped-call]
        u, conv.weight, conv.bias, norm.weight, norm.bias, kernel.contiguous(), norm, length
    )
    return y


def fuse_units(network: PatchNetwork, batch: int, dtype: torch.dtype) -> None:
    """Let a network's units run as kernels, where these hold its patches and Triton is new enough.

    The kernels are compiled here: while a graph is recorded they could not be.

    Parameters
    ----------
    network : PatchNetwork
        On a device that Triton compiles for.
    batch : int
        Patches that it is trained on at once, at most.
    dtype : torch.dtype
        Of the units' inner data while training; otherwise they are float32.
    """
    units = [module for module in network.modules() if isinstance(module, MambaUnit)]
    length = network.config.tokens
    gathers = hasattr(triton.language, "gather")  # since Triton 3.3, of PyTorch 2.7
    if not units or length > LONGEST or not gathers:
        return
    device = next(network.parameters()).device
    side = padded(1)
    while side <= padded(min(batch, LARGEST)):
        for kind in {torch.float32, dtype}:
            _compile(length, side, kind, device)
        side *= 2
    for unit in units:
        unit.fused = True


def _compile(length: int, batch: int, dtype: torch.dtype, device: torch.device) -> None:
    """Run both kernels once, for a single channel."""
    norm = nn.BatchNorm1d(1, device=device)
    one, taps = torch.ones(1, device=device), torch.ones(1, 1, 3, device=device)
    kernel = torch.ones(1, length, device=device)
    u = torch.ones(2, length * batch, dtype=dtype, device=device, requires_grad=True)
    with torch.enable_grad():
        y = _Gated.apply(u, taps, one, one, one, kernel, norm, length)  # type: ignore[no-untyped-call]
    y.backward(torch.ones_like(y))
