"""What a pixel of a map costs, from parts spread over a scene."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.predictor import predict

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.events import Progress

PART = 96
"""Side in pixels of the parts."""


def measure_cost(
    cube: Cube, checkpoint: Checkpoint, seconds: float, seed: int = 0
) -> Generator[Progress, None, tuple[float, int]]:
    """Map random parts of a scene until the time is up.

    Parameters
    ----------
    cube : Cube
    checkpoint : Checkpoint
    seconds : float
        A part that was begun is finished.
    seed : int
        The same seed takes the same parts.

    Yields
    ------
    Progress

    Returns
    -------
    microseconds : float
        Wall time a pixel, pauses between the events included.
    pixels : int
        That were mapped.
    """
    rng = np.random.default_rng(seed)
    begun, pixels = time.perf_counter(), 0
    while True:
        row = int(rng.integers(max(1, cube.rows - PART + 1)))
        column = int(rng.integers(max(1, cube.columns - PART + 1)))
        part = Window(row, min(row + PART, cube.rows), column, min(column + PART, cube.columns))
        class_map = yield from predict(cube, checkpoint, region=part)
        pixels += class_map.pixels
        spent = time.perf_counter() - begun
        if spent >= seconds:
            return 1e6 * spent / max(pixels, 1), pixels
