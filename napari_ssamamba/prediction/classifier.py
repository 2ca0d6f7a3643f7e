"""The network on its device: from a tile to its pixels' classes, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.errors import DeviceMemoryError
from napari_ssamamba.events import Notice, Pace, Progress
from napari_ssamamba.model.device import is_out_of_memory
from napari_ssamamba.model.network import load_network
from napari_ssamamba.model.patches import gather_patches
from napari_ssamamba.prediction.attention_scalars import attention_scalars
from napari_ssamamba.prediction.class_map import ATTENTION_SCALARS

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.tiles import Tile

BATCH_SIZE = {"cpu": 32, "mps": 256, "cuda": 2048}
"""Patches at once: on a CPU what stays in the caches, on a GPU what keeps it busy."""


class TileClassifier:
    """The network on its device, which takes as many patches at once as fit.

    Parameters
    ----------
    checkpoint : Checkpoint
    device : torch.device
    batch_size : int
        Patches at once; halved, with a `Notice`, when the device's memory runs out.
    attention : bool
        Whether to sum up the attention of each pixel, see `ATTENTION_SCALARS`.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: torch.device, batch_size: int, attention: bool
    ) -> None:
        self.network = load_network(checkpoint.model, checkpoint.weights).to(device)
        self.ids = np.asarray(checkpoint.classes.ids, np.uint16)
        self.device = device
        self.batch_size = batch_size
        self.attention = attention

    def classify(
        self, tile: Tile, pace: Pace
    ) -> Generator[Progress, None, tuple[NDArray[np.uint16], NDArray[np.float32]]]:
        """Classify a tile's measured pixels, with an event after each batch.

        Returns
        -------
        ids : ndarray of uint16, shape of the tile
        values : ndarray of float32, shape (1 or 5, *tile)
            Confidence, and `ATTENTION_SCALARS` where asked for.

        Raises
        ------
        DeviceMemoryError
            Where not even one patch fits the device's memory.
        """
        with pace.working():
            table = torch.from_numpy(tile.block).flatten(0, 1).to(self.device)
            index = torch.from_numpy(_patch_index(tile)).to(self.device)
        parts: list[Tensor] = []
        start = 0
        while start < len(index):
            with pace.working():
                batch = index[start : start + self.batch_size]
                part = self._run_or_none(table, batch)
            if part is None:
                yield self._halved(pace)
                continue
            parts.append(part)
            start += len(batch)
            pace.done += len(batch)
            yield Progress(**pace.fields())

        ids = np.full(tile.measured.shape, UNLABELLED, np.uint16)
        kinds = 1 + (len(ATTENTION_SCALARS) if self.attention else 0)
        values = np.full((kinds, *tile.measured.shape), np.nan, np.float32)
        if parts:
            with pace.working():
                found = torch.cat(parts, 1).cpu().numpy()
            ids[tile.measured] = self.ids[found[0].astype(np.intp)]
            values[:, tile.measured] = found[1:]
        return ids, values

    def _run_or_none(self, table: Tensor, index: Tensor) -> Tensor | None:
        """Run a batch; None where the memory did not suffice."""
        try:
            return self._run(table, index)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if self.batch_size == 1:
                raise DeviceMemoryError(
                    f"{self.device} has too little memory for a single patch. Close other "
                    "programs that use it, or choose the device cpu."
                ) from error
        return None

    @torch.inference_mode()
    def _run(self, table: Tensor, index: Tensor) -> Tensor:
        """Return output number, confidence and attention scalars of a batch, (2 or 6, batch)."""
        patches = gather_patches(table, index)
        if not self.attention:
            confidence, output = self.network(patches).softmax(1).max(1)
            return torch.stack((output.to(confidence.dtype), confidence))
        inspection = self.network.inspect(patches)
        confidence, output = inspection.logits.softmax(1).max(1)
        scalars = attention_scalars(inspection)
        return torch.cat((torch.stack((output.to(confidence.dtype), confidence)), scalars))

    def _halved(self, pace: Pace) -> Notice:
        """Halve the batch, and say so."""
        self.batch_size //= 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        fields = pace.fields()
        fields["text"] = (
            f"{self.device} ran out of memory; going on with {self.batch_size} patches at once"
        )
        return Notice(**fields)


def _patch_index(tile: Tile) -> NDArray[np.int64]:
    """Rows of the flattened block that make up the patch of each measured pixel, (n, P²)."""
    width, side = tile.block.shape[1], 2 * tile.margin + 1
    rows, columns = np.nonzero(tile.measured)  # of the core: the patch's corner in the block
    offsets = np.arange(side)[:, None] * width + np.arange(side)
    index: NDArray[np.int64] = (rows * width + columns)[:, None] + offsets.ravel()
    return index
