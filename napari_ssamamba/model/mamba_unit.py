"""The Mamba unit (Eq. 3-12): one branch of a block.

Symbols: B patches, L tokens, d model width, D inner width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, silu

from napari_ssamamba.model.causal import causal_product, causal_taps
from napari_ssamamba.model.dropout import Dropout
from napari_ssamamba.model.sparing import Sparing
from napari_ssamamba.model.state_space import StateSpace

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig

CAUSAL_TAPS = 3


class MambaUnit(Sparing):
    """Tokens that gather, each from those before it in raster order, what a gate lets through.

    The norm stands before the input map, as the equations have it; the paper's diagram draws it
    after.

    Parameters
    ----------
    config : ModelConfig

    Attributes
    ----------
    literal : bool
        Whether `equations` runs, for comparison, rather than `channels_first`.
    fused : bool
        Whether what lies between the two products is a kernel on an NVIDIA GPU, see `fused.unit`.
    """

    literal = False
    fused = False

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d, inner = config.d_model, config.d_inner
        self.norm_in = nn.LayerNorm(d)
        self.linear_in = nn.Linear(d, 2 * inner)
        self.conv = nn.Conv1d(inner, inner, CAUSAL_TAPS, groups=inner)
        self.norm_conv = nn.BatchNorm1d(inner)
        self.state_space = StateSpace(inner, config.d_state)
        self.linear_out = nn.Linear(inner, d)
        self.dropout = Dropout(config.dropout)
        self.norm_out = nn.LayerNorm(d)

    def forward(self, x: Tensor, kernel: Tensor | None = None) -> Tensor:
        """Map tokens (B, L, d) to tokens (B, L, d).

        Parameters
        ----------
        x : Tensor, shape (B, L, d)
        kernel : Tensor, shape (D, L), optional
            The state space's, where it was computed with others.
        """
        tokens: Tensor = self.norm_out(self.before_norm(x, kernel))  # Eq. 12
        return tokens

    def before_norm(self, x: Tensor, kernel: Tensor | None = None) -> Tensor:
        """Return what Eq. 12 normalises: the unit's own residual is in it."""
        return (self.equations(x) if self.literal else self.channels_first(x, kernel)) + x

    def equations(self, x: Tensor) -> Tensor:
        """Run Eq. 3-11 as they say, in the layout that PyTorch's layers expect."""
        u = self.linear_in(self.norm_in(x))  # Eq. 3, (B, L, 2D)
        main, gate = u.chunk(2, -1)  # (B, L, D) each
        # Channels first from here; see `state_space.convolution` for why the copy is contiguous.
        main = pad(main.transpose(1, 2), (CAUSAL_TAPS - 1, 0)).contiguous()  # (B, D, L + 2)
        main = silu(self.norm_conv(self.conv(main)))  # Eq. 4-5, (B, D, L)
        y = self.state_space(main).transpose(1, 2)  # Eq. 6-10, (B, L, D)
        y = self.linear_out(y * silu(gate))  # Eq. 11
        return cast("Tensor", self.dropout(y))

    def channels_first(self, x: Tensor, kernel: Tensor | None = None) -> Tensor:
        """Run Eq. 3-11 with the inner data as (D, L, B): equal to `equations`, and faster.

        The products before and after read and write that layout as it lies, and what mixes tokens
        is fast in it, see `causal`.
        """
        batch, length, width = x.shape
        if kernel is None:
            kernel = self.state_space.kernel(length)
        y = self.part(self._gated, x, kernel)  # (L·B, d)
        return cast("Tensor", self.dropout(y.view(length, batch, width).transpose(0, 1)))

    def _gated(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Map tokens (B, L, d) to what the gate lets through, (L·B, d)."""
        _, length, width = x.shape
        tokens = self.norm_in(x.transpose(0, 1).reshape(-1, width))  # (L·B, d)
        bias = self.linear_in.bias[:, None]
        u = torch.addmm(bias, self.linear_in.weight, tokens.t())  # Eq. 3, (2D, L·B)
        return cast("Tensor", self.linear_out(self._states(u, length, kernel).t()))  # Eq. 11

    def _states(self, u: Tensor, length: int, kernel: Tensor) -> Tensor:
        """Run Eq. 4-11 between the two products: (2D, L·B) to (D, L·B)."""
        if self.fused and u.is_cuda:
            from napari_ssamamba.model.fused.unit import LARGEST, gated_states

            if u.shape[1] <= length * LARGEST:
                return gated_states(u, length, self.conv, self.norm_conv, kernel)
        main, gate = u.view(len(u), length, -1).chunk(2)  # (D, L, B) each
        main = causal_taps(main, self.conv.weight.squeeze(1), cast("Tensor", self.conv.bias))
        main = silu(self.norm_conv(main.flatten(1)[None]).squeeze(0))  # Eq. 5, (D, L·B)
        y = causal_product(main.view_as(gate), kernel)  # Eq. 6-10
        return (y * silu(gate)).flatten(1)
