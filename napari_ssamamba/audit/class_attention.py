"""What a class's pixels attend to on average: those mapped right beside those mapped wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.patches import read_patches
from napari_ssamamba.events import Progress, retold

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.attention_maps import AttentionReader
    from napari_ssamamba.data.cube import Cube

MOST_AVERAGED = 200
"""Pixels that are averaged; of more, so many are drawn."""

AT_ONCE = 16
"""Patches that the network runs on at once."""


@dataclass(frozen=True, slots=True, eq=False)
class MeanAttention:
    """Mean weights of the centre query.

    Attributes
    ----------
    weights : ndarray of float32, shape (blocks, heads, P, P)
        Each block's and head's sum to 1.
    n, of : int
        Pixels that were averaged, and that there are.
    """

    weights: NDArray[np.float32]
    n: int
    of: int

    def grid(self, block: int | None = None, head: int | None = None) -> NDArray[np.float32]:
        """Return the weights of one block and head, shape (P, P); None averages."""
        blocks = slice(None) if block is None else slice(block, block + 1)
        heads = slice(None) if head is None else slice(head, head + 1)
        return np.asarray(self.weights[blocks, heads].mean((0, 1)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class ClassAttention:
    """The attention of one class of the truth.

    Attributes
    ----------
    id : int
        Class id.
    right, wrong : MeanAttention or None
        Of its pixels that the map has right and wrong; None where there is none.
    """

    id: int
    right: MeanAttention | None
    wrong: MeanAttention | None


def class_attention(
    reader: AttentionReader,
    cube: Cube,
    id: int,
    right: NDArray[np.int32],
    wrong: NDArray[np.int32],
) -> Generator[Progress, None, ClassAttention]:
    """Average the attention of a class's pixels.

    Parameters
    ----------
    reader : AttentionReader
        Of the checkpoint.
    cube : Cube
        With the bands that the checkpoint was trained on.
    id : int
        Class id.
    right, wrong : ndarray of int32, shape (n, 2)
        Rows and columns of measured pixels; see `mean_attention`.

    Yields
    ------
    Progress
        In pixels.

    Raises
    ------
    BandsError
        Where the scene has other bands than those trained on.
    """
    counts = [min(len(pixels), MOST_AVERAGED) for pixels in (right, wrong)]
    means = []
    for pixels, before in ((right, 0), (wrong, counts[0])):

        def told(event: Progress, before: int = before) -> Progress:
            return replace(event, done=before + event.done, total=float(sum(counts)))

        mean = yield from retold(mean_attention(reader, cube, pixels), told)
        means.append(mean)
    return ClassAttention(id, *means)


def mean_attention(
    reader: AttentionReader, cube: Cube, pixels: NDArray[np.int32], seed: int = 0
) -> Generator[Progress, None, MeanAttention | None]:
    """Average the weights of the centre query over pixels.

    Parameters
    ----------
    reader : AttentionReader
    cube : Cube
        With the bands that the checkpoint was trained on.
    pixels : ndarray of int32, shape (n, 2)
        Rows and columns of measured pixels. Of more than `MOST_AVERAGED`, random ones are read.
    seed : int
        The same seed draws the same pixels.

    Yields
    ------
    Progress
        In pixels.

    Returns
    -------
    MeanAttention or None
        None where there is no pixel.

    Raises
    ------
    BandsError
        Where the scene has other bands than those trained on.
    """
    import torch

    checkpoint = reader.checkpoint
    checkpoint.check_bands(cube)
    if not len(pixels):
        return None
    of = len(pixels)
    chosen = np.random.default_rng(seed).permutation(of)[:MOST_AVERAGED]
    pixels = pixels[np.sort(chosen)]
    bands = np.zeros(cube.bands, bool)
    bands[checkpoint.band_indices] = True
    model = checkpoint.model
    side = model.patch_size
    patches = yield from read_patches(
        cube.with_good_bands(bands), pixels, side, checkpoint.standardiser
    )
    sums = np.zeros((model.depth, model.heads, model.tokens))
    for start in range(0, len(pixels), AT_ONCE):
        yield Progress(done=start, total=len(pixels), text="Averaging the attention of a class")
        values = patches.table[patches.index[start : start + AT_ONCE]]  # (batch, L, C)
        batch = torch.from_numpy(values).transpose(1, 2).reshape(len(values), -1, side, side)
        with torch.inference_mode():
            seen = reader.network.inspect(batch)
            # (block, batch, head, asking, answering): what the centre asks
            given = torch.stack(seen.attention)[:, :, :, side * side // 2]
        sums += given.double().sum(1).numpy()
    mean = np.asarray(sums / len(pixels), np.float32)
    return MeanAttention(mean.reshape(model.depth, model.heads, side, side), len(pixels), of)
