"""SSA-Mamba: projection, blocks, integration, head.

After Liao & Wang, "SSA-Mamba: Spatial-Spectral Attentive State Space Model for Hyperspectral
Image Classification", IEEE JSTARS 19 (2026) 6403-6424, doi 10.1109/JSTARS.2026.3654346.

What it is not: tokens are read in raster order and causally, so the centre of a 7 × 7 patch sees 25
of 49 tokens in the state spaces; the attention costs L²; no branch has a sequence over bands.

Symbols: B patches, C bands, H = W = P patch side, L = H·W tokens (i = h·W + w), d width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from napari_ssamamba.model.block import SSAMambaBlock
from napari_ssamamba.model.dropout import Dropout
from napari_ssamamba.model.patch_network import PatchNetwork
from napari_ssamamba.model.sparing import Sparing
from napari_ssamamba.model.stages import InputProjection, Integration
from napari_ssamamba.model.state_space import StateSpace, kernels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_ssamamba.model.config import ModelConfig


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """A forward pass with what happened inside.

    Attributes
    ----------
    logits : Tensor, shape (B, classes)
    attention : tuple of Tensor, shape (B, n_h, L, L)
        One a block: how the spatial queries (rows) weigh the spectral tokens (columns). Empty for
        a network without attention.
    gates : tuple of Tensor, shape (B, L, d)
        One a block, 0 to 1. Empty for a network without gates.
    """

    logits: Tensor
    attention: tuple[Tensor, ...]
    gates: tuple[Tensor, ...]


class SSAMamba(PatchNetwork, Sparing):
    """The network.

    Parameters
    ----------
    config : ModelConfig
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.projection = InputProjection(config)
        self.blocks = nn.ModuleList(SSAMambaBlock(config) for _ in range(config.depth))
        self.integration = Integration(config)
        self.head = nn.Linear(config.d_model, config.classes)

    def forward(self, patches: Tensor) -> Tensor:
        """Classify the centre pixels of patches.

        Parameters
        ----------
        patches : Tensor, shape (B, C, P, P)
            Standardised; zero beyond the scene's border and where nothing was measured.

        Returns
        -------
        Tensor, shape (B, classes)
            Logits.
        """
        return self._run(patches)

    def inspect(self, patches: Tensor) -> Inspection:
        """Classify as `forward` does, and return attention and gates too.

        Parameters
        ----------
        patches : Tensor, shape (B, C, P, P)
        """
        traces: list[tuple[Tensor | None, Tensor | None]] = []
        logits = self._run(patches, traces)
        return Inspection(
            logits,
            tuple(attention for attention, _ in traces if attention is not None),
            tuple(gate for _, gate in traces if gate is not None),
        )

    def _run(
        self, patches: Tensor, traces: list[tuple[Tensor | None, Tensor | None]] | None = None
    ) -> Tensor:
        """Return the logits; each block's attention and gates are added to the traces, if given."""
        z_proj = self.projection(patches)  # (B, d, H, W)
        tokens = z_proj.flatten(2).transpose(1, 2)  # Z_seq, (B, L, d)
        for block, of_block in zip(self.blocks, self._kernels(tokens.shape[1]), strict=True):
            tokens, *inside = block(tokens, of_block)
            if traces is not None:
                traces.append((inside[0], inside[1]))
        image = tokens.transpose(1, 2).unflatten(2, z_proj.shape[2:])  # Eq. 29, (B, d, H, W)
        z_final = self.integration(image, z_proj)
        return cast("Tensor", self.head(z_final.mean((2, 3))))  # Eq. 35

    def _kernels(self, length: int) -> list[tuple[Tensor | None, Tensor | None]]:
        """Return the kernels of all blocks' state spaces; none where these run as equations."""
        units = [unit for block in self.blocks for unit in cast("SSAMambaBlock", block).units]
        if units[0].literal:
            return [(None, None)] * len(self.blocks)
        found = self.part(kernels, [unit.state_space for unit in units], length)
        return list(zip(found[::2], found[1::2], strict=True))


def build_network(config: ModelConfig, generator: torch.Generator) -> SSAMamba:
    """Make a network with new parameters, on the CPU, without touching PyTorch's global generator.

    Parameters
    ----------
    config : ModelConfig
    generator : torch.Generator
        The parameters are drawn from it, and the dropout while training will be.
    """
    network = empty_network(config).to_empty(device="cpu")
    initialise(network, generator)
    set_generator(network, generator)
    return network


def initialise(network: PatchNetwork, generator: torch.Generator) -> None:
    """Draw new parameters for all of a network's layers, on the CPU."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            # PyTorch's own initialisation, U(±1/√fan_in) for weights and biases alike.
            bound = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.LayerNorm | nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, StateSpace):
            module.reset_parameters(generator)


def load_network(config: ModelConfig, weights: Mapping[str, Tensor]) -> SSAMamba:
    """Make a network with given parameters, ready to predict.

    Parameters
    ----------
    config : ModelConfig
    weights : mapping of str to Tensor
        A ``state_dict``; the network gets copies.
    """
    network = empty_network(config).to_empty(device="cpu")
    network.load_state_dict(weights)
    return network.eval()


def empty_network(config: ModelConfig) -> SSAMamba:
    """Make a network on PyTorch's ``meta`` device: names and shapes, but no memory."""
    with torch.device("meta"):
        return SSAMamba(config)


def set_generator(network: PatchNetwork, generator: torch.Generator) -> None:
    """Let the network's dropout draw from a generator, which must be on the network's device."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = generator
