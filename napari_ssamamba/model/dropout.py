"""Dropout that draws from a generator of its own.

PyTorch's dropout draws from the process's one global generator, which any other thread may draw
from meanwhile: a training run in the background could not be repeated bit for bit.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class _Dropped(Function):
    """`Dropout.drop` and its gradient, one operation each on a GPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return _masked(x, kept, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        return _masked(grad, kept, ctx.scale), None, None


def _masked(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    """Return what is kept, scaled, and 0 elsewhere."""
    if x.device.type == "mps":
        return x * kept * scale
    return cast("Tensor", torch.ops.aten.native_dropout_backward(x, kept, scale))


class Dropout(nn.Module):
    """Zero a share of the values while training, and scale up the rest.

    Parameters
    ----------
    rate : float
        Share dropped.
    whole_channels : bool
        True: axis 1 is dropped channel by channel, over all further axes (``Dropout2d``).

    Attributes
    ----------
    generator : torch.Generator or None
        Where the draws come from; None is PyTorch's global generator.
    """

    def __init__(self, rate: float, *, whole_channels: bool = False) -> None:
        super().__init__()
        self.rate = rate
        self.whole_channels = whole_channels
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return self.drop(x, self.draw(x))

    def draw(self, x: Tensor) -> Tensor | None:
        """Draw which values are kept; None where all are."""
        if not self.training or self.rate == 0:
            return None
        shape = (*x.shape[:2], *[1] * (x.ndim - 2)) if self.whole_channels else x.shape
        return self._draw(math.prod(shape), x.device).view(shape)

    def drop(self, x: Tensor, kept: Tensor | None) -> Tensor:
        """Zero what is not kept, and scale up the rest."""
        if kept is None:
            return x
        y: Tensor = _Dropped.apply(x, kept, 1 / (1 - self.rate))  # type: ignore[no-untyped-call]
        return y

    def _draw(self, count: int, device: torch.device) -> Tensor:
        """Draw which values are kept: 16 random bits each, four values a draw.

        On a CPU, several times as fast as a draw a value. The rate is rounded to 1 / 65536.
        """
        words = torch.empty(-(-count // 4), dtype=torch.int64, device=device)
        words.random_(torch.iinfo(torch.int64).min, None, generator=self.generator)
        bits = words.view(torch.int16)[:count]  # -32768 to 32767, all alike
        return bits >= round(self.rate * 65536) - 32768

    def extra_repr(self) -> str:
        """Show the rate in the network's printout."""
        return f"{self.rate}, whole_channels={self.whole_channels}"


def generators_of(network: nn.Module) -> list[torch.Generator]:
    """Return the generators that a network's dropout draws from, each once."""
    found = [m.generator for m in network.modules() if isinstance(m, Dropout)]
    return list(dict.fromkeys(one for one in found if one is not None))
