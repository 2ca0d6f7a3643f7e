"""Networks that SSA-Mamba is compared with: small, plain, and rebuilt after a published idea.

The paper compares with a CNN whose layers it does not name, and with transformers whose code is not
published in the form that was used. These are ours, of the width of the preset ``compact``; their
figures say how such networks do here, not what their authors' code would reach.

Symbols: B patches, C bands, P patch side, L = P² tokens, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from napari_ssamamba.model.network import initialise
from napari_ssamamba.model.patch_network import PatchNetwork

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig

Comparator = Literal["cnn", "metaformer"]

WIDTH = 64

HEADS = 4

DEPTH = 2


class PlainCNN(PatchNetwork):
    """Three stages of conv 3 × 3 – BN – ReLU, mean over the patch, linear."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        layers: list[nn.Module] = []
        for stage in range(3):
            layers += [
                nn.Conv2d(WIDTH if stage else config.bands, WIDTH, 3, padding=1, bias=False),
                nn.BatchNorm2d(WIDTH),
                nn.ReLU(),
            ]
        self.stages = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTH, config.classes)

    def forward(self, patches: Tensor) -> Tensor:
        """Return logits, (B, classes), of patches (B, C, P, P)."""
        logits: Tensor = self.head(self.stages(patches).mean((2, 3)))
        return logits


class MetaFormer(PatchNetwork):
    """Norm → attention → residual, norm → MLP → residual, on the patch's tokens.

    After Yu et al., "MetaFormer Is Actually What You Need for Vision", CVPR 2022, with attention as
    the token mixer and one resolution. The embedding's conv 3 × 3 pads with zeros, which is what
    tells where in the patch a token lies.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Conv2d(config.bands, WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(_MetaFormerBlock() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, config.classes)

    def forward(self, patches: Tensor) -> Tensor:
        """Return logits, (B, classes), of patches (B, C, P, P)."""
        tokens = self.embedding(patches).flatten(2).transpose(1, 2)  # (B, L, d)
        logits: Tensor = self.head(self.norm(self.blocks(tokens)).mean(1))
        return logits


class _MetaFormerBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm_mixer = nn.LayerNorm(WIDTH)
        self.to_qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.from_heads = nn.Linear(WIDTH, WIDTH)
        self.norm_mlp = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        qkv = self.to_qkv(self.norm_mixer(tokens)).unflatten(2, (3, HEADS, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, L, d / heads)
        mixed = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens + self.from_heads(mixed)
        out: Tensor = tokens + self.mlp(self.norm_mlp(tokens))
        return out


def build_comparator(
    name: Comparator, config: ModelConfig, generator: torch.Generator
) -> PatchNetwork:
    """Make a network with new parameters, on the CPU, drawn from a generator."""
    kinds: dict[Comparator, type[PatchNetwork]] = {"cnn": PlainCNN, "metaformer": MetaFormer}
    with torch.device("meta"):
        network = kinds[name](config)
    network.to_empty(device="cpu")
    initialise(network, generator)
    return network
