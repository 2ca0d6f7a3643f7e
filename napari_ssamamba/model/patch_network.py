"""What SSA-Mamba and the networks beside it have in common: a patch goes in, logits come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig


class PatchNetwork(nn.Module):
    """A network that classifies the centre pixels of patches.

    ``network(patches)`` takes a Tensor of shape (B, C, P, P), standardised, and returns logits of
    shape (B, classes).

    Parameters
    ----------
    config : ModelConfig
        C, P and the classes; other sizes are for each network to use or not.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
