"""What one pixel of a scene attends to: the network's own weights, and where they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.tiles import Window, check_region, read_tile
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.model.network import SSAMamba

WEIGHT_GAMMA = 1 / 3
"""Exponent of the scale that weights are drawn on, see `on_weight_scale`."""

WEIGHT_TICKS = (0.0, 0.01, 0.1, 0.3, 1.0)
"""Weights that are named on it."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelAttention:
    """The cross-domain attention in the patch around one pixel (Eq. 15-19).

    Symbols: P patch side, L = P² tokens in row-major order, d width; the pixel is token L // 2.

    Attributes
    ----------
    row, column : int
        Of the pixel.
    weights : ndarray of float32, shape (blocks, heads, L, L)
        How the spatial queries (rows, each sums to 1) weigh the spectral tokens (columns).
    gates : ndarray of float32, shape (blocks, L, d)
        Of the fusion, 0 to 1; no blocks for a network without gates.
    logits : ndarray of float32, shape (classes,)
        Of the network alone, without the expert that the map may mix in.
    """

    row: int
    column: int
    weights: NDArray[np.float32]
    gates: NDArray[np.float32]
    logits: NDArray[np.float32]

    @property
    def patch_size(self) -> int:
        """P, side of the patch in pixels."""
        return math.isqrt(self.weights.shape[-1])

    @property
    def gate(self) -> float | None:
        """Mean of the gates at the pixel itself; None for a network without gates."""
        return float(self.gates[:, self.gates.shape[1] // 2].mean()) if self.gates.size else None

    def matrix(self, block: int | None = None, head: int | None = None) -> NDArray[np.float32]:
        """Return the weights of one block and head, shape (L, L).

        Parameters
        ----------
        block, head : int, optional
            From 0; None averages over all of them, which leaves the rows' sums at 1.
        """
        blocks = slice(None) if block is None else slice(block, block + 1)
        heads = slice(None) if head is None else slice(head, head + 1)
        return np.asarray(self.weights[blocks, heads].mean((0, 1)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """The centre's row or column of an attention matrix as a picture on the scene.

    Attributes
    ----------
    grid : ndarray of float32, shape (P, P)
        Around the pixel; the part beyond the scene's border too, where patches are zero.
    window : Window
        Where the part inside the scene lies.
    inside : ndarray of float32, shape of the window
        That part.
    """

    grid: NDArray[np.float32]
    window: Window
    inside: NDArray[np.float32]

    @property
    def total(self) -> float:
        """Sum over the patch: 1 for what the centre gives, anything for what it receives."""
        return float(self.grid.sum())

    @property
    def beyond_border(self) -> float:
        """Part of the sum that lies beyond the scene's border."""
        return self.total - float(self.inside.sum())


def heat_map(
    attention: PixelAttention,
    shape: tuple[int, int],
    block: int | None = None,
    head: int | None = None,
    *,
    received: bool = False,
) -> HeatMap:
    """Lay the centre's attention over the scene, one cell a pixel.

    Parameters
    ----------
    attention : PixelAttention
    shape : tuple of int
        Rows and columns of the scene.
    block, head : int, optional
        See `PixelAttention.matrix`.
    received : bool
        False: how the centre weighs each pixel. True: how each pixel weighs the centre.
    """
    side = attention.patch_size
    centre = side * side // 2
    matrix = attention.matrix(block, head)
    grid = (matrix[:, centre] if received else matrix[centre]).reshape(side, side)
    top, left = attention.row - side // 2, attention.column - side // 2
    window = Window(
        max(top, 0), min(top + side, shape[0]), max(left, 0), min(left + side, shape[1])
    )
    inside = grid[
        window.row0 - top : window.row1 - top, window.column0 - left : window.column1 - left
    ]
    return HeatMap(grid, window, inside)


class AttentionReader:
    """Asks a checkpoint's network for the attention of single pixels, on the CPU.

    The network is loaded with the first pixel and kept.

    Parameters
    ----------
    checkpoint : Checkpoint

    Raises
    ------
    SettingError
        Where the network has no attention.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        if checkpoint.model.attention == "none":
            raise SettingError("attention", "none", "this model has no attention to show.")
        self.checkpoint = checkpoint

    @cached_property
    def network(self) -> SSAMamba:
        """The network, ready to predict."""
        from napari_ssamamba.model.network import load_network

        return load_network(self.checkpoint.model, self.checkpoint.weights)

    def read(self, cube: Cube, row: int, column: int) -> PixelAttention | None:
        """Run the network on one pixel's patch.

        Parameters
        ----------
        cube : Cube
            With the bands that the checkpoint was trained on.
        row, column : int

        Returns
        -------
        PixelAttention or None
            None where the pixel was not measured: the map has no class there either.

        Raises
        ------
        BandsError
            Where the scene has other bands than those trained on.
        SettingError
            Where the pixel lies outside of the scene.
        """
        import torch

        checkpoint = self.checkpoint
        checkpoint.check_bands(cube)
        window = check_region(Window(row, row + 1, column, column + 1), cube)
        margin = checkpoint.model.patch_size // 2
        tile = read_tile(cube, window, margin, checkpoint.standardiser, checkpoint.band_indices)
        if not tile.measured[0, 0]:
            return None
        with torch.inference_mode():
            patch = torch.from_numpy(tile.block).permute(2, 0, 1)[None].contiguous()
            seen = self.network.inspect(patch)
            weights = torch.stack(seen.attention).squeeze(1)
            no_gates = patch.new_empty(0, checkpoint.model.tokens, checkpoint.model.d_model)
            gates = torch.stack(seen.gates).squeeze(1) if seen.gates else no_gates
        return PixelAttention(
            row, column, weights.numpy(), gates.numpy(), seen.logits.squeeze(0).numpy()
        )


def scalar_limits(patch_size: int) -> tuple[tuple[float, float], ...]:
    """Return the lowest and highest value that each of `ATTENTION_SCALARS` can have.

    Parameters
    ----------
    patch_size : int
        P; the farthest token from the centre is a corner, (P // 2)·√2 pixels away.
    """
    return (0.0, 1.0), (0.0, max(1.0, math.hypot(patch_size // 2, patch_size // 2))), (0, 1), (0, 1)


def on_weight_scale(weights: ArrayLike) -> NDArray[np.float32]:
    """Return where weights lie on the one scale that all are drawn on, 0 to 1.

    The scale goes from 0 to 1 for every pixel, block, head, model and page, by the cube root: a
    weight that takes all is not cut off, three times another one is seen, and a few percent more
    are not.

    Parameters
    ----------
    weights : array of float
        0 to 1.
    """
    return np.asarray(np.asarray(weights) ** WEIGHT_GAMMA, np.float32)
