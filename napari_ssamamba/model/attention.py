"""Cross-domain attention (Eq. 15-19): space asks, spectrum answers.

Symbols: B patches, L tokens, d width, n_h heads of width d_h = d / n_h.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from napari_ssamamba.model.sparing import Sparing

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig


class CrossAttention(Sparing):
    """Multi-head attention whose queries come from one branch, keys and values from the other.

    Parameters
    ----------
    config : ModelConfig
    """

    dear = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.heads = config.heads
        self.query = nn.Linear(d, d, bias=False)  # W_Q
        self.key = nn.Linear(d, d, bias=False)  # W_K
        self.value = nn.Linear(d, d, bias=False)  # W_V
        self.out = nn.Linear(d, d, bias=False)  # W_O
        self.norm = nn.LayerNorm(d)

    def forward(self, asking: Tensor, answering: Tensor) -> tuple[Tensor, Tensor]:
        """Let each token of one branch gather from all tokens of the other.

        The weights are computed in any case (fused kernels gain nothing over so few tokens), so
        that returning them costs nothing.

        Parameters
        ----------
        asking, answering : Tensor, shape (B, L, d)

        Returns
        -------
        f_a : Tensor, shape (B, L, d)
        weights : Tensor, shape (B, n_h, L, L)
            A_i: rows are queries and sum to 1.
        """
        gathered, weights = self.part(self._gather, asking, answering)
        f_a: Tensor = self.norm(gathered)  # Eq. 19
        return f_a, weights

    def _gather(self, asking: Tensor, answering: Tensor) -> tuple[Tensor, Tensor]:
        """Gather values by the weights of all heads, (B, L, d); returns these too."""
        q = self._split(self.query(asking))  # Eq. 15, (B, n_h, L, d_h)
        k = self._split(self.key(answering))  # Eq. 16
        v = self._split(self.value(answering))  # Eq. 17
        scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-1, -2)
        weights = scores.softmax(-1)  # Eq. 18: A_i = softmax(Q_i K_iᵀ/√d_h)
        gathered = (weights @ v).transpose(1, 2).flatten(2)  # concat(A_i V_i), (B, L, d)
        return self.out(gathered), weights

    def _split(self, x: Tensor) -> Tensor:
        """Turn (B, L, d) into (B, n_h, L, d_h)."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)
