"""Dropout that draws from a generator of its own.

PyTorch's dropout draws from the process's one global generator, which any other thread may draw
from meanwhile: a training run in the background could not be repeated bit for bit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
        if not self.training or self.rate == 0:
            return x
        shape = (*x.shape[:2], *[1] * (x.ndim - 2)) if self.whole_channels else x.shape
        kept = torch.empty(shape, dtype=x.dtype, device=x.device)
        kept.bernoulli_(1 - self.rate, generator=self.generator)
        return x * kept.div_(1 - self.rate)

    def extra_repr(self) -> str:
        """Show the rate in the network's printout."""
        return f"{self.rate}, whole_channels={self.whole_channels}"
