"""Gated fusion of the two branches (Eq. 20-27).

Symbols: B patches, L tokens, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from napari_ssamamba.model.dropout import Dropout
from napari_ssamamba.model.sparing import Sparing
from napari_ssamamba.model.squeeze_excitation import SqueezeExcitation

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig


class GatedFusion(Sparing):
    """Mix both branches, let a gate choose token by token, weigh the channels, add the input.

    The mixing works on the normalised concatenation and the gate follows it, as the equations
    have it; the paper's prose tells it the other way round.

    Parameters
    ----------
    config : ModelConfig
        Its `gate` and `block_residual` switch those parts off.
    """

    dear = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.gate = nn.Linear(2 * d, d) if config.gate else None  # W_g, b_g
        self.norm_mix = nn.LayerNorm(2 * d)
        self.mix_in = nn.Linear(2 * d, d)
        self.mix_out = nn.Linear(d, d)
        self.dropout = Dropout(config.dropout)
        self.excitation = SqueezeExcitation(d)
        self.norm_out = nn.LayerNorm(d)
        self.residual = config.block_residual

    def forward(self, f_s: Tensor, f_a: Tensor, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Fuse what the spatial branch says with what the attention gathered.

        Parameters
        ----------
        f_s, f_a : Tensor, shape (B, L, d)
        x : Tensor, shape (B, L, d)
            The block's input.

        Returns
        -------
        out : Tensor, shape (B, L, d)
        gate : Tensor, shape (B, L, d), or None
            g, 0 to 1; None where it is switched off.
        """
        m, gate = self.part(self._joined, f_s, f_a)
        kept = self.dropout.draw(m)
        f = self.part(lambda m: self.mix_out(self.dropout.drop(gelu(m), kept)), m)  # Eq. 23
        f = self.dropout(f)
        return cast("tuple[Tensor, Tensor | None]", self.part(self._weighted, f, gate, x))

    def _joined(self, f_s: Tensor, f_a: Tensor) -> tuple[Tensor, Tensor | None]:
        """Map both together to what the mixing begins with and to the gate's logits."""
        c = torch.cat((f_s, f_a), -1)  # Eq. 20: c = [f_s ; f_a], (B, L, 2d)
        m = self.mix_in(self.norm_mix(c))  # Eq. 22
        return m, None if self.gate is None else self.gate(c)

    def _weighted(self, f: Tensor, gate: Tensor | None, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Weigh what was mixed by its gate's logits and by channel, and add the input."""
        g = None if gate is None else gate.sigmoid()  # Eq. 21: per token and channel
        if g is not None:
            f = f * g  # Eq. 24
        w = self.excitation(f.mean(1))  # Eq. 25-26, (B, d)
        f = f * w[:, None]
        return self.norm_out(f + x if self.residual else f), g  # Eq. 27
