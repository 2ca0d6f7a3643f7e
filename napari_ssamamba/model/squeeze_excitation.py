"""Squeeze-and-excitation: channels weighted by what the whole patch holds (Eq. 26, 33)."""

from __future__ import annotations

from torch import Tensor, nn

REDUCTION = 16
NARROWEST = 4


class SqueezeExcitation(nn.Module):
    """w = σ(W₂ ReLU(W₁ mean)), a weight from 0 to 1 for each channel.

    Parameters
    ----------
    channels : int
        d; the hidden layer has d / 16 units, at least 4.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(NARROWEST, channels // REDUCTION)
        self.squeeze = nn.Linear(channels, hidden)  # W₁
        self.excite = nn.Linear(hidden, channels)  # W₂

    def forward(self, means: Tensor) -> Tensor:
        """Turn the channels' means over the patch, (B, d), into their weights, (B, d)."""
        weights: Tensor = self.excite(self.squeeze(means).relu()).sigmoid()
        return weights
