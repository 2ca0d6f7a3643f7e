"""What a pixel of a map costs, from parts spread over a scene, and what coarse to fine adds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.order import Focus, Seen
from napari_ssamamba.prediction.predictor import predict

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.events import Progress

PART = 128
"""Side in pixels of the parts. A window shows larger ones, where coarse passes cost less."""


@dataclass(frozen=True, slots=True)
class SceneCost:
    """Wall time, pauses between the events included.

    Attributes
    ----------
    microseconds : float
        A pixel, in the plain order of tiles.
    coarse_first : float
        The same of the same pixels, from coarse to fine, as where the user looks.
    pixels : int
        That were mapped, each twice.
    """

    microseconds: float
    coarse_first: float
    pixels: int


def measure_cost(
    cube: Cube, checkpoint: Checkpoint, seconds: float, seed: int = 0
) -> Generator[Progress, None, SceneCost]:
    """Map random parts of a scene, each in both orders, until the time is up.

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
    SceneCost
    """
    rng = np.random.default_rng(seed)
    spent, pixels = [0.0, 0.0], 0
    while sum(spent) < seconds:
        row = int(rng.integers(max(1, cube.rows - PART + 1)))
        column = int(rng.integers(max(1, cube.columns - PART + 1)))
        part = Window(row, min(row + PART, cube.rows), column, min(column + PART, cube.columns))
        for order, focus in enumerate((None, Focus(Seen(part)))):
            begun = time.perf_counter()
            class_map = yield from predict(cube, checkpoint, region=part, focus=focus)
            spent[order] += time.perf_counter() - begun
        pixels += class_map.pixels
    plain, coarse_first = (1e6 * s / max(pixels, 1) for s in spent)
    return SceneCost(plain, coarse_first, pixels)
