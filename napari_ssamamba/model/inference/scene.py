"""The network over a tile of a scene, without ever holding the scene's patches.

What overlapping patches have in common is computed once: the input projection in the nine
variants of a place in a patch, and of the first block all that happens to single tokens before its
causal convolution. The first is done for the tile, the second row by row, and forgotten when the
work has passed, so that it stays small enough for the caches.

Symbols: B patches, P patch side, L = P² tokens, d width, D inner width, M Mamba units a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from napari_ssamamba.model.inference.block import SceneBlock
from napari_ssamamba.model.inference.stages import SceneHead, SceneProjection, place_kinds

if TYPE_CHECKING:
    from torch import Tensor

    from napari_ssamamba.model.block import SSAMambaBlock
    from napari_ssamamba.model.network import SSAMamba


class SceneInference:
    """A trained network in the form that maps scenes.

    It equals the network in evaluation to rounding, ablations included. It shares parameters with
    the network: make a new one after training on.

    Parameters
    ----------
    network : SSAMamba
        On its device.
    dtype : torch.dtype
        Of the blocks, where nearly all the work is: torch.bfloat16 where the device is fast at it,
        else by default the network's own. The first stage and the head keep the network's own.
    """

    @torch.inference_mode()
    def __init__(self, network: SSAMamba, dtype: torch.dtype | None = None) -> None:
        config = network.config
        self.dtype = network.head.weight.dtype if dtype is None else dtype
        self.side = config.patch_size
        self.projection = SceneProjection(network.projection, self.side)
        self.blocks = [
            SceneBlock(cast("SSAMambaBlock", block), config.tokens, self.dtype)
            for block in network.blocks
        ]
        self.head = SceneHead(network, self.dtype)

    @torch.inference_mode()
    def open_tile(self, block: Tensor) -> SceneTile:
        """Do what is done once for a tile.

        Parameters
        ----------
        block : Tensor, shape (rows + P - 1, columns + P - 1, C)
            Standardised spectra of a tile and its halo, zero beyond the scene's border and where
            nothing was measured.
        """
        return SceneTile(self, self.projection(block).to(self.dtype))


class SceneTile:
    """A tile whose patches can be classified.

    Parameters
    ----------
    inference : SceneInference
    z : Tensor, shape (kinds of rows, kinds of columns, H, W, d)
        The projected tile with its halo.
    """

    def __init__(self, inference: SceneInference, z: Tensor) -> None:
        self.inference = inference
        self.z = z
        self.kinds = place_kinds(inference.side)
        self.inner_rows: dict[int, Tensor] = {}

    @torch.inference_mode()
    def logits(self, rows: slice, columns: slice) -> Tensor:
        """Classify a rectangle of the tile's pixels.

        Fastest when rectangles come from top to bottom.

        Parameters
        ----------
        rows, columns : slice
            With start and stop, in pixels of the tile without its halo.

        Returns
        -------
        Tensor, shape (rows, columns, classes)
        """
        x = self._tokens(rows, columns)  # Z_seq
        z_proj = x
        first, *others = self.inference.blocks
        x = first(x, self._inner(rows, columns))
        for block in others:
            x = block(x)
        return self.inference.head(x, z_proj).view(*_shape(rows, columns), -1)

    def _tokens(self, rows: slice, columns: slice) -> Tensor:
        """Gather the patches' tokens, (L, B, d)."""
        side, (height, width) = self.inference.side, _shape(rows, columns)
        x = self.z.new_empty(side, side, height, width, self.z.shape[-1])
        for row_kind, i in self.kinds:
            for column_kind, j in self.kinds:
                # (first row, first column, d, rows, columns) of every rectangle of that size
                windows = self.z[row_kind, column_kind].unfold(0, height, 1).unfold(1, width, 1)
                found = windows[_moved(i, rows.start), _moved(j, columns.start)]
                x[i, j] = found.permute(0, 1, 3, 4, 2)
        return x.flatten(2, 3).flatten(0, 1)

    def _inner(self, rows: slice, columns: slice) -> Tensor:
        """Gather the first block's `SceneBlock.inner`, (2MD, L, B)."""
        side, (height, width) = self.inference.side, _shape(rows, columns)
        self._prepare(range(rows.start, rows.stop + side - 1))
        channels = self.inner_rows[rows.start].shape[0]
        inner = self.z.new_empty(channels, side, side, height, width)
        for row_kind, of_kind in self.kinds:
            for i in range(of_kind.start, of_kind.stop):
                for r in range(height):
                    row = self.inner_rows[rows.start + r + i][:, row_kind]
                    windows = row.unfold(-1, width, 1)  # (2MD, kinds, first column, columns)
                    for column_kind, j in self.kinds:
                        inner[:, i, j, r] = windows[:, column_kind, _moved(j, columns.start)]
        return inner.flatten(3, 4).flatten(1, 2)

    def _prepare(self, wanted: range) -> None:
        """Have `inner_rows` hold the wanted rows and none above them."""
        for row in [row for row in self.inner_rows if row < wanted.start]:
            del self.inner_rows[row]
        for row in wanted:
            if row not in self.inner_rows:
                tokens = self.z[:, :, row]  # (kinds, kinds, W, d)
                inner = self.inference.blocks[0].inner(tokens.flatten(0, 2))
                self.inner_rows[row] = inner.view(-1, *tokens.shape[:-1])


def _shape(rows: slice, columns: slice) -> tuple[int, int]:
    return rows.stop - rows.start, columns.stop - columns.start


def _moved(places: slice, by: int) -> slice:
    return slice(places.start + by, places.stop + by)
