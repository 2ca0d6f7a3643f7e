"""What makes the map as one differentiable function of the spectra around a pixel.

The expert is numpy; here its arrays are evaluated by torch, so that gradients go through the whole
mixture. The tests hold it equal to `predict`, of which it is the slow twin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from napari_ssamamba.expert.support import places_around
from napari_ssamamba.expert.surroundings import RADIUS, gaussian
from napari_ssamamba.model.network import load_network
from napari_ssamamba.prediction.expert_on_device import ExpertOnDevice, with_floor
from napari_ssamamba.prediction.mixer import Members, Mixer

if TYPE_CHECKING:
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.expert.spectral_expert import SpectralExpert


class MapFunction(nn.Module):
    """Class probabilities of pixels from the blocks around them.

    Symbols: n pixels, S = 2 `margin` + 1, k bands, K classes.

    Parameters
    ----------
    checkpoint : Checkpoint
    members : {"mixed", "network", "expert"}
        What makes the map, see `Mixer`.

    Attributes
    ----------
    margin : int
        Pixels that are looked at on each side of a pixel.
    """

    weights: Tensor

    def __init__(self, checkpoint: Checkpoint, members: Members) -> None:
        super().__init__()
        mixer = Mixer(checkpoint, members)
        self.margin = mixer.margin
        self.reach = checkpoint.model.patch_size // 2
        self.network = None
        if mixer.uses_network:
            network = load_network(checkpoint.model, checkpoint.weights)
            self.network = network.requires_grad_(False)
        self.expert = None if mixer.expert is None else _ExpertOfBlocks(mixer.expert)
        self.register_buffer("weights", torch.from_numpy(mixer.weights))

    def forward(self, blocks: Tensor, measured: Tensor, pixels: Tensor) -> Tensor:
        """Classify the pixels in the middle.

        Parameters
        ----------
        blocks : Tensor of float64, shape (n, S, S, k)
            Standardised; 0 where nothing was measured, as in `Tile`.
        measured : Tensor of bool, shape (n, S, S)
        pixels : Tensor of int64, shape (n, 2)
            Row and column of each in the scene.

        Returns
        -------
        Tensor of float64, shape (n, K)
        """
        members = []
        if self.network is not None:
            patches = _middle(blocks, self.margin, self.reach).permute(0, 3, 1, 2)
            logits = self.network(patches.float().contiguous()).double()
            if self.expert is None:
                return torch.softmax(logits, -1)
            members.append(self.weights[0] * with_floor(logits.log_softmax(-1), self.expert.floor))
        if self.expert is not None:
            near, known = (
                _middle(values, self.margin, self.expert.reach) for values in (blocks, measured)
            )
            members.append(self.weights[1] * self.expert(near, known, pixels))
        return torch.softmax(torch.stack(members).sum(0), -1)


class _ExpertOfBlocks:
    """`SpectralExpert.classify` of the pixels in the middle of blocks."""

    def __init__(self, expert: SpectralExpert) -> None:
        self.floor = expert.floor
        self.reach = expert.margin
        self._around = RADIUS if expert.sees_surroundings else 0
        self._support = expert.support
        self._gaussian = torch.from_numpy(np.outer(gaussian(), gaussian()))
        self._expert = ExpertOnDevice(expert, torch.device("cpu"))

    def __call__(self, blocks: Tensor, measured: Tensor, pixels: Tensor) -> Tensor:
        """Return log-probabilities (n, K) of blocks (n, 2 reach + 1, 2 reach + 1, k)."""
        if not self._support:
            return self._alone(blocks, measured)
        at = pixels.numpy()
        places = torch.from_numpy(places_around(at) - at[:, None] + self.reach)  # (n, 25, 2)
        side, each = torch.arange(-self._around, self._around + 1), torch.arange(len(blocks))
        said, known = [], []
        for place in places.unbind(1):
            rows, columns = place[:, :1, None] + side[:, None], place[:, 1:, None] + side
            part = each[:, None, None], rows, columns
            said.append(self._alone(blocks[part], measured[part]))
            known.append(measured[each, *place.unbind(1)])
        return self._expert.supported(torch.stack(said, 1), torch.stack(known, 1))

    def _alone(self, blocks: Tensor, measured: Tensor) -> Tensor:
        """Return `SpectralExpert.log_probabilities` of the pixels in the middle of blocks."""
        views = [blocks[:, self._around, self._around]]
        if self._around:
            share = self._gaussian * measured
            share = share / share.sum((1, 2), keepdim=True).clamp_min(torch.finfo(share.dtype).tiny)
            views.append(torch.einsum("nrc,nrck->nk", share, blocks))
        return self._expert.log_probabilities(*views)


def _middle(blocks: Tensor, margin: int, wanted: int) -> Tensor:
    """Cut blocks (n, S, S, ...) to a narrower margin."""
    inner = slice(margin - wanted, margin + wanted + 1)
    return blocks[:, inner, inner]
