"""The network on its device: from a tile to its pixels' class probabilities, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.errors import DeviceMemoryError
from napari_ssamamba.events import Notice, Pace, Progress
from napari_ssamamba.model.device import Arriving, is_out_of_memory, upload
from napari_ssamamba.model.inference.form import is_replayed
from napari_ssamamba.model.inference.scene import SceneInference
from napari_ssamamba.model.network import load_network
from napari_ssamamba.model.streams import return_reserves
from napari_ssamamba.prediction.attention_scalars import attention_scalars
from napari_ssamamba.prediction.class_map import ATTENTION_SCALARS

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.tiles import Tile
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.model.inference.fused.scene import RecordedTile
    from napari_ssamamba.model.inference.scene import SceneTile

REPLAYED_VALUES = 6_500_000
"""Token values at once on an NVIDIA GPU with kernels for the network, which hold 20 bytes a value:
the preset standard maps 512 patches at once, and stays below the published figure, too."""

BATCH_VALUES = {"cpu": 400_000, "mps": 3_200_000, "cuda": 1_800_000}
"""Token values (patches × tokens × width) at once: on a CPU what stays in the caches; on Apple's
GPU what keeps it busy; on an NVIDIA GPU what holds a map by the preset standard, in float32, below
317 MB, the published figure. Some 100 bytes a value are held at once, half of that in bfloat16."""

ROUND = 64
"""Batches are multiples of it where they are larger: on a GPU the others run at half the speed, as
their rows begin at addresses that no fast product can read."""

LARGEST_BATCH = 4096
"""Patches at once that `automatic_batch_size` goes up to."""


def automatic_batch_size(
    config: ModelConfig, device: torch.device, dtype: torch.dtype = torch.float32
) -> int:
    """Return how many patches at once suit a network, a device and a precision."""
    values = BATCH_VALUES[device.type]
    if is_replayed(config, device, dtype):
        values = REPLAYED_VALUES
    elif device.type == "cuda":  # where the memory is the limit, not the caches
        values *= torch.float32.itemsize // dtype.itemsize
    patches = values // (config.tokens * config.d_model)
    if patches > ROUND:
        patches -= patches % ROUND
    return min(max(patches, 1), LARGEST_BATCH)


class TileClassifier:
    """The network on its device, which takes as many patches at once as fit.

    Parameters
    ----------
    checkpoint : Checkpoint
    device : torch.device
    batch_size : int
        Patches at once; halved, with a `Notice`, when the device's memory runs out.
    attention : bool
        Whether to sum up the attention of each pixel, see `ATTENTION_SCALARS`. The network then
        runs as its equations say, else in the faster form of `SceneInference`.
    dtype : torch.dtype
        Precision of the faster form.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: torch.device,
        batch_size: int,
        attention: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.network = load_network(checkpoint.model, checkpoint.weights).to(device)
        self.inference = None if attention else SceneInference(self.network, dtype)
        self.device = device
        self.batch_size = batch_size
        self._begun: dict[int, Arriving] = {}

    @property
    def looks_ahead(self) -> bool:
        """Whether the device computes a tile while the one before is dealt with, see `begin`."""
        return self.inference is not None and self.inference.recorded is not None

    def stage(self, tile: Tile) -> Tensor | None:
        """Bring a tile to where a device that looks ahead fetches it; may be done in any thread.

        Returns
        -------
        Tensor, shape of the tile's block
            In pinned memory; None where there is nothing to classify, or no such memory left.
        """
        if not self.looks_ahead or not tile.measured.any():
            return None
        try:
            kept = torch.empty(tile.block.shape, pin_memory=True)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return None
        np.copyto(kept.numpy(), tile.block)  # by this thread alone: PyTorch would wake others
        return kept

    def begin(self, tile: Tile, block: Tensor | None) -> None:
        """Let the device begin with a tile that `classify` is asked for later.

        Where batches are replayed, on an NVIDIA GPU, it computes while the tile before is dealt
        with; elsewhere this does nothing. Where its memory runs out, `classify` does it all.

        Parameters
        ----------
        tile : Tile
        block : Tensor or None
            What `stage` returned of it.
        """
        if self.inference is None or block is None:
            return
        rows, columns = (torch.from_numpy(axis) for axis in np.nonzero(tile.measured))
        try:
            opened = self.inference.open_tile(block)
            found = opened.logits(rows, columns, self.batch_size).softmax(-1)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return
        self._begun[id(tile)] = Arriving(found)

    def classify(
        self, tile: Tile, pace: Pace
    ) -> Generator[Progress, None, tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
        """Classify a tile's measured pixels, with an event after each batch.

        Returns
        -------
        probabilities : ndarray of float32, shape (rows, columns, classes)
            NaN where nothing was measured.
        scalars : ndarray of float32, shape (4, rows, columns), or None
            `ATTENTION_SCALARS` where asked for.

        Raises
        ------
        DeviceMemoryError
            Where not even one patch fits the device's memory.
        """
        shape = tile.measured.shape
        probabilities = np.full((*shape, self.network.config.classes), np.nan, np.float32)
        begun = self._begun.pop(id(tile), None)
        if begun is not None:
            with pace.working():
                probabilities[tile.measured] = begun.get().numpy()
            pace.done += int(tile.measured.sum())
            yield Progress(**pace.fields())
            return probabilities, None
        scalars = None
        if self.inference is None:
            scalars = np.full((len(ATTENTION_SCALARS), *shape), np.nan, np.float32)
        pixels = np.argwhere(tile.measured)
        if len(pixels) == 0:
            return probabilities, scalars
        with pace.working():
            opened = self._open(tile)
        done = 0
        while done < len(pixels):
            count = len(pixels) if self.looks_ahead else self.batch_size
            rows, columns = pixels[done : done + count].T
            with pace.working():
                found = self._run_or_none(opened, rows, columns)
            if found is None:
                yield self._halved(pace)
                continue
            probabilities[rows, columns] = found[0]
            if scalars is not None:
                scalars[:, rows, columns] = found[1]
            done += len(rows)
            pace.done += len(rows)
            yield Progress(**pace.fields())
        return probabilities, scalars

    def _open(self, tile: Tile) -> SceneTile | RecordedTile | Tensor:
        """Bring a tile to the device: with what its patches share, or plain."""
        try:
            block = upload(torch.from_numpy(tile.block), self.device)
            return block if self.inference is None else self.inference.open_tile(block)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise self._too_little_memory("a tile of the scene") from error

    def _run_or_none(
        self,
        opened: SceneTile | RecordedTile | Tensor,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Run a batch; None where the memory did not suffice."""
        try:
            return self._run(opened, torch.from_numpy(rows), torch.from_numpy(columns))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if self.batch_size == 1:
                raise self._too_little_memory("a single patch") from error
        return None

    @torch.inference_mode()
    def _run(
        self, opened: SceneTile | RecordedTile | Tensor, rows: Tensor, columns: Tensor
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return pixels' probabilities (n, classes), and attention scalars (4, n) if asked for."""
        if isinstance(opened, torch.Tensor):
            side = self.network.config.patch_size
            windows = opened.unfold(0, side, 1).unfold(1, side, 1)  # (row, column, C, P, P)
            inspection = self.network.inspect(windows[rows, columns])
            logits, scalars = inspection.logits, attention_scalars(inspection)
        else:
            logits = opened.logits(rows, columns, self.batch_size)
            scalars = logits.new_empty(0, len(rows))
        return logits.softmax(-1).cpu().numpy(), scalars.cpu().numpy()

    def _too_little_memory(self, what: str) -> DeviceMemoryError:
        return DeviceMemoryError(
            f"{self.device} has too little memory for {what}. Close other programs that use it, "
            "or choose the device cpu."
        )

    def _halved(self, pace: Pace) -> Notice:
        """Halve the batch, and say so."""
        self.batch_size //= 2
        if self.device.type == "cuda":
            return_reserves()
        fields = pace.fields()
        fields["text"] = (
            f"{self.device} ran out of memory; going on with {self.batch_size} patches at once"
        )
        return Notice(**fields)
