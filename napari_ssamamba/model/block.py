"""One block: two Mamba units, attention between them, fusion.

Symbols: B patches, L tokens, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from napari_ssamamba.model.attention import CrossAttention
from napari_ssamamba.model.fusion import GatedFusion
from napari_ssamamba.model.mamba_unit import MambaUnit
from napari_ssamamba.model.sparing import Sparing

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig


class SSAMambaBlock(Sparing):
    """A spatial and a spectral branch that read the same tokens, and what joins them.

    Both branches see the same raster of tokens: the "spectral" one has no sequence over bands,
    its name stands for its role as the one that answers.

    Ablations of the attention: ``"symmetric"`` fuses the two answers, that of the spectrum to
    space and that of space to the spectrum, each with its own weights; ``"none"`` fuses the two
    branches as they are.

    Parameters
    ----------
    config : ModelConfig
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.spatial = MambaUnit(config)
        self.spectral = self.spatial if config.shared_branch else MambaUnit(config)
        self.norm_spatial = nn.LayerNorm(config.d_model)
        self.norm_spectral = nn.LayerNorm(config.d_model)
        self.space_asks = CrossAttention(config) if config.attention != "none" else None
        self.spectrum_asks = CrossAttention(config) if config.attention == "symmetric" else None
        self.fusion = GatedFusion(config)

    @property
    def units(self) -> tuple[MambaUnit, MambaUnit]:
        """The spatial and the spectral one, or twice the one that serves as both."""
        return self.spatial, self.spectral

    def forward(
        self, x: Tensor, kernels: tuple[Tensor | None, Tensor | None] = (None, None)
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Run the block.

        Parameters
        ----------
        x : Tensor, shape (B, L, d)
        kernels : tuple of Tensor, shape (D, L), optional
            Of the spatial and the spectral unit's state space.

        Returns
        -------
        out : Tensor, shape (B, L, d)
        attention : Tensor, shape (B, n_h, L, L), or None
            Weights of the spatial queries over the spectral tokens.
        gate : Tensor, shape (B, L, d), or None
        """
        f_s = self._branch(self.spatial, self.norm_spatial, x, kernels[0])  # (B, L, d)
        f_p = self._branch(self.spectral, self.norm_spectral, x, kernels[1])
        attention: Tensor | None = None
        f_a = f_p
        if self.space_asks is not None:
            f_a, attention = self.space_asks(f_s, f_p)
        if self.spectrum_asks is not None:
            f_s, _ = self.spectrum_asks(f_p, f_s)
        out, gate = self.fusion(f_s, f_a, x)
        return out, attention, gate

    def _branch(
        self, unit: MambaUnit, norm: nn.LayerNorm, x: Tensor, kernel: Tensor | None
    ) -> Tensor:
        """Run a unit and the norm after it."""
        y = unit.before_norm(x, kernel)
        return cast("Tensor", self.part(lambda y: norm(unit.norm_out(y)), y))
