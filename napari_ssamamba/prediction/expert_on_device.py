"""The spectral expert evaluated by torch: on a GPU, and differentiable.

`SpectralExpert` is numpy, on a CPU's cores; beside a network on an NVIDIA GPU it would take most of
a map's time. All is computed in float64, which TF32 leaves alone.

Symbols: n pixels, k bands, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.expert.spectral_expert import PIXELS_AT_ONCE
from napari_ssamamba.expert.support import LEAST, REACH, SQUARES, answers_around
from napari_ssamamba.expert.surroundings import RADIUS, gaussian
from napari_ssamamba.model.device import Arriving, upload

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.data.tiles import Tile
    from napari_ssamamba.expert.spectral_expert import SpectralExpert


class ExpertOnDevice:
    """`SpectralExpert` by the same equations.

    Parameters
    ----------
    expert : SpectralExpert
    device : torch.device
        One that computes in float64.

    Attributes
    ----------
    expert : SpectralExpert
    """

    def __init__(self, expert: SpectralExpert, device: torch.device) -> None:
        self.expert = expert
        self._device = device
        tensor = self._tensor
        self._squares = [torch.from_numpy(at).to(device) for at in SQUARES]
        self._usual = tensor(expert.usual)
        self._center = tensor(expert.components.center)
        self._axes = tensor(expert.components.axes)
        self._pool = tensor(expert.weights)
        self._shift = tensor(expert.shift)
        self._linear = [(tensor(v.linear.weights), tensor(v.linear.bias)) for v in expert.views]
        self._quadratic = [
            (tensor(s.means), tensor(s.whitening), tensor(s.bias))
            for s in (view.quadratic for view in expert.views)
        ]
        self._regressions = [
            [
                (tensor(s.centers), tensor(s.coefficients), tensor(s.bias), s.gamma, s.first)
                for s in view.regressions
            ]
            for view in expert.views
        ]

    def log_probabilities(self, *views: Tensor) -> Tensor:
        """Return `SpectralExpert.log_probabilities`, (n, K), of views (n, k) in float64."""
        members = []
        for spectra, (weights, bias), (means, whitening, at_means), regressions in zip(
            views, self._linear, self._quadratic, self._regressions, strict=True
        ):
            points = (spectra - self._center) @ self._axes
            white = torch.einsum("nkr,krs->nks", points[:, None] - means, whitening)
            scored = [spectra @ weights + bias, at_means - 0.5 * white.square().sum(-1)]
            for centers, coefficients, offset, gamma, first in regressions:
                read = points[:, first : first + centers.shape[1]]
                scored.append(_near(read, centers, gamma) @ coefficients + offset)
            members += [with_floor(scores.log_softmax(-1), self.expert.floor) for scores in scored]
        pooled = torch.tensordot(self._pool, torch.stack(members), 1)
        return torch.log_softmax(pooled.log_softmax(-1) + self._shift, -1)

    def supported(self, said: Tensor, known: Tensor) -> Tensor:
        """Return `SpectralExpert.supported`, (n, K), of (n, 25, K) and (n, 25)."""
        weights = known.double()[..., None]
        counts = said.exp() * weights
        means = [counts[:, at].sum(1) / weights[:, at].sum(1) for at in self._squares]
        lack = (torch.log(torch.stack(means).amax(0) + LEAST) - self._usual).clamp_max(0)
        return torch.log_softmax(said[:, 0] + self.expert.support * lack, -1)

    @torch.inference_mode()
    def begin(self, tile: Tile) -> Arriving:
        """Have a tile classified, without waiting for it.

        Parameters
        ----------
        tile : Tile
            Its margin is `SpectralExpert.margin` or more.

        Returns
        -------
        Arriving
            What `SpectralExpert.classify` returns.

        Raises
        ------
        RuntimeError
            Where the device's memory runs out, see `is_out_of_memory`.
        """
        block = upload(torch.from_numpy(np.ascontiguousarray(tile.block)), self._device).double()
        if not self.expert.support:
            return Arriving(self._alone(block, tile.margin, tile.measured))
        wanted, at = answers_around(tile)
        said = block.new_zeros(*wanted.shape, self.expert.classes)
        said[self._where(wanted)] = self._alone(block, tile.margin - REACH, wanted)
        known = upload(torch.from_numpy(wanted[at]), self._device)
        return Arriving(self.supported(said[self._indices(at)], known))

    def _alone(self, block: Tensor, margin: int, wanted: NDArray[np.bool_]) -> Tensor:
        """Return the log-probabilities of wanted pixels of a block's core by themselves."""
        rows, columns = self._where(wanted)
        views = [block[rows + margin, columns + margin]]
        if self.expert.sees_surroundings:
            views.append(_average(block, margin)[rows, columns])
        starts = range(0, len(rows), PIXELS_AT_ONCE)
        parts = [[view[start : start + PIXELS_AT_ONCE] for view in views] for start in starts]
        return torch.cat([self.log_probabilities(*part) for part in parts])

    def _where(self, wanted: NDArray[np.bool_]) -> tuple[Tensor, ...]:
        """Return rows and columns: to find them itself a GPU would make the CPU wait."""
        return self._indices(np.nonzero(wanted))

    def _indices(self, at: tuple[NDArray[np.int64], ...]) -> tuple[Tensor, ...]:
        return tuple(upload(torch.from_numpy(np.ascontiguousarray(a)), self._device) for a in at)

    def _tensor(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float64)).to(self._device)


def _average(block: Tensor, margin: int) -> Tensor:
    """Return `average_block`, (rows, columns, k), of a block."""
    measured = (block != 0).any(-1, keepdim=True).to(block.dtype)
    weight, total = (_smooth(_smooth(v, margin, 0), margin, 1) for v in (measured, block))
    return torch.where(weight > 0, total / weight, 0.0)


def _smooth(values: Tensor, margin: int, axis: int) -> Tensor:
    """Smooth along an axis, and cut its margin off."""
    length, first = values.shape[axis] - 2 * margin, margin - RADIUS
    found = torch.zeros_like(values.narrow(axis, 0, length))
    for step, share in enumerate(gaussian().tolist()):
        found.add_(values.narrow(axis, first + step, length), alpha=share)
    return found


def _near(points: Tensor, centers: Tensor, gamma: float) -> Tensor:
    """Return how near points (n, r) are to centers (m, r), as `kernel.kernel`."""
    squares = points.square().sum(-1, keepdim=True) + centers.square().sum(-1)
    return torch.exp(-gamma * (squares - 2 * points @ centers.T).clamp_min(0))


def with_floor(log_probabilities: Tensor, floor: float) -> Tensor:
    """Mix with equal probabilities, as `calibration.with_floor`."""
    classes = log_probabilities.shape[-1]
    return torch.log((1 - floor) * log_probabilities.exp() + floor / classes)
