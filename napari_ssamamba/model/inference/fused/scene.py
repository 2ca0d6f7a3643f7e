"""The network over a tile on an NVIDIA GPU, replayed from recorded graphs.

A batch is some seventy launches of a few microseconds each: recorded once as a CUDA graph, they
follow each other without waiting for Python. The graphs share one pool of memory, for they never
run at the same time.

Symbols: B patches, L tokens, d width.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import torch
from torch import Tensor

from napari_ssamamba.model.device import padded, upload
from napari_ssamamba.model.inference.fused import rows
from napari_ssamamba.model.inference.fused.block import FusedBlock
from napari_ssamamba.model.inference.fused.head import FusedHead
from napari_ssamamba.model.inference.stages import token_places
from napari_ssamamba.model.streams import record, recording, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.model.block import SSAMambaBlock
    from napari_ssamamba.model.inference.stages import SceneProjection
    from napari_ssamamba.model.network import SSAMamba

Result = TypeVar("Result")
Recorded: TypeAlias = tuple[torch.cuda.CUDAGraph, Tensor, tuple[Tensor, Tensor]]
"""A graph, the pixels that it takes, and the means that it gives."""

SMALLER = 8
"""A batch of so much less has a graph of its own, for what is left of a tile."""

REPEATS = 4
"""Batches that one graph covers where a tile has so many pixels: between two graphs a GPU waits."""

SMALLEST_HALF = 64
"""Patches that keep a GPU about half busy."""


class FusedNetwork:
    """Blocks and head with their kernels fused; equal to `SceneInference` to rounding.

    Parameters
    ----------
    network : SSAMamba
        That `is_fusible`, on its device, in evaluation.
    dtype : torch.dtype
        Of the tokens.
    """

    @torch.inference_mode()
    def __init__(self, network: SSAMamba, dtype: torch.dtype) -> None:
        config = network.config
        self.length, self.width, self.dtype = config.tokens, config.d_model, dtype
        self.blocks = [
            FusedBlock(cast("SSAMambaBlock", block), config.tokens, dtype)
            for block in network.blocks
        ]
        self.head = FusedHead(network, dtype)

    @torch.inference_mode()
    def means(
        self, z: Tensor, places: Tensor, pixels: Tensor, pooled: Tensor, means: Tensor
    ) -> None:
        """Run the blocks for pixels of a projected tile.

        Parameters
        ----------
        z : Tensor, shape (any, d)
            The projected tile, flattened.
        places : Tensor of int64, shape (L,)
            Rows of `z` that hold the tokens of the patch of pixel 0.
        pixels : Tensor of int64, shape (B,)
            How much further those of each patch lie.
        pooled, means : Tensor of float32, shape (B, d)
            For the result, what the head asks for.
        """
        batch = len(pixels)
        x = z.new_empty(self.length * batch, self.width)
        x_normalised = torch.empty_like(x)
        rows.gather_kernel[(batch,)](
            z, places, pixels, x, x_normalised, means, batch,
            L=self.length, LP=padded(self.length), WIDTH=self.width, EPS=self.blocks[0].eps_in,
            num_warps=8,
        )  # fmt: skip
        for block in self.blocks:
            block(x, x_normalised)
        del x_normalised
        self.head.pool(x, pooled)

    @torch.inference_mode()
    def logits(self, z: Tensor, places: Tensor, pixels: Tensor) -> Tensor:
        """Classify pixels of a projected tile, as `means` takes them; returns (B, classes)."""
        found = self.room_for(pixels)
        self.means(z, places, pixels, *found)
        return self.head(*found)

    def room_for(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return room for what `means` finds."""
        pooled = pixels.new_empty(len(pixels), self.width, dtype=torch.float32)
        return pooled, torch.empty_like(pooled)


class RecordedNetwork:
    """A projection and a `FusedNetwork` whose work is replayed.

    It has room for one tile, which the graphs know the place of.

    Parameters
    ----------
    projection : SceneProjection
        To the tokens' type.
    network : FusedNetwork
        On a CUDA device.
    """

    def __init__(self, projection: SceneProjection, network: FusedNetwork) -> None:
        self.projection, self.network = projection, network
        self.device = projection.near.device
        self._batches: dict[tuple[int, int], Recorded] = {}
        self._opening: torch.cuda.CUDAGraph | None = None  # of tiles as large as the room
        self._block = self._z = self._places = torch.empty(0)
        self._shape: tuple[int, ...] = ()

    def open_tile(self, block: Tensor) -> RecordedTile:
        """Return a tile whose pixels can be classified, see `SceneInference.open_tile`."""
        return RecordedTile(self, block)

    @torch.inference_mode()
    def logits(self, block: Tensor, pixels: Tensor, size: int) -> Tensor:
        """Classify pixels of a tile, some at once.

        Parameters
        ----------
        block : Tensor, shape (H, W, C)
            On the device or in pinned memory.
        pixels : Tensor of int64, shape (n,)
            On the device, as `FusedNetwork.means` takes them.
        size : int
            Of the batches.

        Returns
        -------
        Tensor, shape (n, classes)
            Which may still be computed; as all of CUDA's results it can be used.
        """
        self._open(block)
        kept = self.network.room_for(pixels)
        begin = 0
        while begin < len(pixels):
            left = len(pixels) - begin
            count = size if left > size // SMALLER else max(1, size // SMALLER)
            if left >= REPEATS * size:
                count = REPEATS * size
            graph, wanted, found = self._batch(count, size)
            taken = min(left, count)
            wanted[:taken].copy_(pixels[begin : begin + taken])
            graph.replay()
            for values, of_batch in zip(kept, found, strict=True):
                values[begin : begin + taken] = of_batch[:taken]
            begin += taken
        return self.network.head(*kept)

    def _open(self, block: Tensor) -> None:
        """Project a tile into the room that is kept for one."""
        shape = self.projection.shape(*block.shape[:2])
        if len(self._z) < math.prod(shape[:4]):
            self._batches.clear()
            self._opening = None
            self._block = block.new_empty(block.shape, device=self.device)
            self._z = self._block.new_empty(
                math.prod(shape[:4]), shape[4], dtype=self.network.dtype
            )
            self._places = torch.empty(self.network.length, dtype=torch.int64, device=self.device)
        again, self._shape = block.shape == self._shape, tuple(block.shape)
        if not again:
            side = self.projection.side
            self._places.copy_(upload(token_places(side, *block.shape[:2]), self.device))
        if block.shape != self._block.shape:
            self._project(block.to(self.device, non_blocking=True))
            return
        self._block.copy_(block, non_blocking=True)
        if again and self._opening is None:
            self._opening, _ = self._recorded(lambda: self._project(self._block))
        if self._opening is None:
            self._project(self._block)
        else:
            self._opening.replay()

    def _project(self, block: Tensor) -> Tensor:
        shape = self.projection.shape(*block.shape[:2])
        return self.projection(block, self._z[: math.prod(shape[:4])].view(shape))

    def _batch(self, count: int, size: int) -> Recorded:
        if (count, size) not in self._batches:
            wanted = torch.zeros(count, dtype=torch.int64, device=self.device)
            # A graph of as large batches before has compiled the kernels.
            warm = any(at_once == size <= covered for covered, at_once in self._batches)
            graph, found = self._recorded(lambda: self._means(wanted, size), warm and count >= size)
            self._batches[count, size] = graph, wanted, found
        return self._batches[count, size]

    def _means(self, pixels: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Run the blocks, so many patches at once, in halves that fill each other's gaps."""
        found = self.network.room_for(pixels)
        if size % 2 or min(size, len(pixels)) < 2 * SMALLEST_HALF:
            self._in_turn(size, pixels, *found)
            return found
        first, second = zip(*(of_all.chunk(2) for of_all in (pixels, *found)), strict=True)
        side_by_side(
            lambda: self._in_turn(size // 2, *first),
            lambda: self._in_turn(size // 2, *second),
            self.device,
        )
        return found

    def _in_turn(self, size: int, *of_all: Tensor) -> None:
        """Run the blocks for pixels, with room for what is found, so many patches after others."""
        for part in zip(*(torch.split(values, size) for values in of_all), strict=True):
            self.network.means(self._z, self._places, *part)

    def _recorded(
        self, work: Callable[[], Result], warm: bool = False
    ) -> tuple[torch.cuda.CUDAGraph, Result]:
        """Record some work; unless all is warm, do it before."""
        graph, before = torch.cuda.CUDAGraph(), [graph for graph, *_ in self._batches.values()]
        with recording(self.device):
            if not warm:
                work()  # compiles the kernels, and lets the libraries choose theirs
            return graph, record(work, self.device, graph, before[0] if before else None)


class RecordedTile:
    """A tile whose patches can be classified, as a `SceneTile`.

    Parameters
    ----------
    recorded : RecordedNetwork
    block : Tensor, shape (H, W, C)
        See `SceneInference.open_tile`.
    """

    def __init__(self, recorded: RecordedNetwork, block: Tensor) -> None:
        self._recorded, self._block = recorded, block

    def logits(self, rows: Tensor, columns: Tensor, at_once: int | None = None) -> Tensor:
        """Classify some pixels, see `SceneTile.logits`; by default all are one batch."""
        pixels = upload(rows * self._block.shape[1] + columns, self._recorded.device)
        return self._recorded.logits(self._block, pixels, at_once or len(pixels))
