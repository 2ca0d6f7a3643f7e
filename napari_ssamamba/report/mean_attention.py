"""What the pixels of a group attend to on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.attention_maps import heat_map
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.attention_maps import AttentionReader
    from napari_ssamamba.data.cube import Cube

READ = 24
"""Pixels that are read, at the most: the mean settles, and each takes a run of the network."""


@dataclass(frozen=True, slots=True, eq=False)
class MeanAttention:
    """How the centre queries of a group of pixels weigh the pixels around them.

    Attributes
    ----------
    grid : ndarray of float64, shape (P, P)
        Mean over pixels, blocks and heads; sums to 1.
    n, of : int
        Pixels that were read, and those of the group.
    """

    grid: NDArray[np.float64]
    n: int
    of: int


def mean_attention(
    reader: AttentionReader, cube: Cube, pixels: NDArray[np.int32], seed: int = 0
) -> Generator[Progress, None, MeanAttention | None]:
    """Average the centre's weights over pixels of a group.

    Parameters
    ----------
    reader : AttentionReader
    cube : Cube
    pixels : ndarray of int32, shape (n, 2)
        Row and column. Of more than `READ`, random ones are read.
    seed : int

    Returns
    -------
    MeanAttention or None
        None where there is no measured pixel.
    """
    drawn = pixels
    if len(pixels) > READ:
        drawn = np.random.default_rng(seed).choice(pixels, READ, replace=False)
    side = reader.checkpoint.model.patch_size
    total, n = np.zeros((side, side)), 0
    for done, (row, column) in enumerate(drawn.tolist()):
        yield Progress(done=done, total=len(drawn), text="Reading the attention of pixels")
        found = reader.read(cube, row, column)
        if found is not None:
            total += heat_map(found, (cube.rows, cube.columns)).grid
            n += 1
    return MeanAttention(total / n, n, len(pixels)) if n else None
