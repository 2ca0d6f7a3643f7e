"""What makes the map as one differentiable function of the spectra around a pixel.

The expert is numpy; here its arrays are evaluated by torch, so that gradients go through the whole
mixture. The tests hold it equal to `predict`, of which it is the slow twin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from napari_ssamamba.expert.support import LEAST, SQUARES, places_around
from napari_ssamamba.expert.surroundings import RADIUS, gaussian
from napari_ssamamba.model.network import load_network
from napari_ssamamba.prediction.mixer import Members, Mixer

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        self.expert = None if mixer.expert is None else _Expert(mixer.expert)
        self.register_buffer("weights", _tensor(mixer.weights))

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
            members.append(self.weights[0] * _with_floor(logits.log_softmax(-1), self.expert.floor))
        if self.expert is not None:
            reach = self.expert.reach
            near = (_middle(values, self.margin, reach) for values in (blocks, measured))
            members.append(self.weights[1] * self.expert(*near, pixels))
        return torch.softmax(torch.stack(members).sum(0), -1)


class _Expert(nn.Module):
    """`SpectralExpert.classify` of blocks, by the same equations."""

    gaussian: Tensor
    center: Tensor
    axes: Tensor
    pool: Tensor
    shift: Tensor
    usual: Tensor

    def __init__(self, expert: SpectralExpert) -> None:
        super().__init__()
        self.floor = expert.floor
        self.reach = expert.margin
        self.around = RADIUS if expert.sees_surroundings else 0
        self.support = expert.support
        self.register_buffer("usual", _tensor(expert.usual))
        self.register_buffer("gaussian", _tensor(np.outer(gaussian(), gaussian())))
        self.register_buffer("center", _tensor(expert.components.center))
        self.register_buffer("axes", _tensor(expert.components.axes))
        self.register_buffer("pool", _tensor(expert.weights))
        self.register_buffer("shift", _tensor(expert.shift))
        self.linear = [(_tensor(v.linear.weights), _tensor(v.linear.bias)) for v in expert.views]
        self.quadratic = [
            (_tensor(s.means), _tensor(s.whitening), _tensor(s.bias))
            for s in (view.quadratic for view in expert.views)
        ]
        self.regressions = [
            [
                (_tensor(s.centers), _tensor(s.coefficients), _tensor(s.bias), s.gamma, s.first)
                for s in view.regressions
            ]
            for view in expert.views
        ]

    def forward(self, blocks: Tensor, measured: Tensor, pixels: Tensor) -> Tensor:
        """Return log-probabilities (n, K) of blocks (n, 2 reach + 1, 2 reach + 1, k)."""
        if not self.support:
            return self._alone(blocks, measured)
        at = pixels.numpy()
        places = torch.from_numpy(places_around(at) - at[:, None] + self.reach)  # (n, 25, 2)
        side, each = torch.arange(-self.around, self.around + 1), torch.arange(len(blocks))
        said, known = [], []
        for place in places.unbind(1):
            rows, columns = place[:, :1, None] + side[:, None], place[:, 1:, None] + side
            part = each[:, None, None], rows, columns
            said.append(self._alone(blocks[part], measured[part]))
            known.append(measured[each, *place.unbind(1)])
        at_places, weights = torch.stack(said, 1), torch.stack(known, 1).double()[..., None]
        counts = at_places.exp() * weights
        means = [counts[:, at].sum(1) / weights[:, at].sum(1) for at in SQUARES]
        lack = (torch.log(torch.stack(means).amax(0) + LEAST) - self.usual).clamp_max(0)
        return torch.log_softmax(at_places[:, 0] + self.support * lack, -1)

    def _alone(self, blocks: Tensor, measured: Tensor) -> Tensor:
        """Return `SpectralExpert.log_probabilities` of the pixels in the middle of blocks."""
        views = [blocks[:, self.around, self.around]]
        if self.around:
            share = self.gaussian * measured
            share = share / share.sum((1, 2), keepdim=True).clamp_min(torch.finfo(share.dtype).tiny)
            views.append(torch.einsum("nrc,nrck->nk", share, blocks))
        members = []
        for view, spectra in enumerate(views):
            weights, bias = self.linear[view]
            means, whitening, at_means = self.quadratic[view]
            points = (spectra - self.center) @ self.axes
            white = torch.einsum("nkr,krs->nks", points[:, None] - means, whitening)
            scored = [spectra @ weights + bias, at_means - 0.5 * white.square().sum(-1)]
            for centers, coefficients, bias, gamma, first in self.regressions[view]:
                read = points[:, first : first + centers.shape[1]]
                scored.append(_near(read, centers, gamma) @ coefficients + bias)
            members += [_with_floor(scores.log_softmax(-1), self.floor) for scores in scored]
        pooled = torch.tensordot(self.pool, torch.stack(members), 1)
        return torch.log_softmax(pooled.log_softmax(-1) + self.shift, -1)


def _near(points: Tensor, centers: Tensor, gamma: float) -> Tensor:
    """Return how near points (n, r) are to centers (m, r), as `kernel.kernel`."""
    return torch.exp(-gamma * (points[:, None] - centers).square().sum(-1))


def _with_floor(log_probabilities: Tensor, floor: float) -> Tensor:
    """Mix with equal probabilities, as `calibration.with_floor`."""
    classes = log_probabilities.shape[-1]
    return torch.log((1 - floor) * log_probabilities.exp() + floor / classes)


def _middle(blocks: Tensor, margin: int, wanted: int) -> Tensor:
    """Cut blocks (n, S, S, ...) to a narrower margin."""
    inner = slice(margin - wanted, margin + wanted + 1)
    return blocks[:, inner, inner]


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float64))
