"""A look at the map while a training goes on: what is seen of it, as far as half a second goes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.order import Focus

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.prediction.class_map import MapTile

LARGEST_SHARE = 0.15
"""Of a training's time so far: a preview waits until it would take no more with those before."""

SECONDS = 0.4
"""After so long a preview ends with the tile at hand."""

SECONDS_BETWEEN = 3.0
"""At least, from one preview to the next."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Preview(Progress):
    """What the network makes of the view so far; as progress it is the training's.

    Attributes
    ----------
    checkpoint : Checkpoint
    tiles : tuple of MapTile
    seconds : float
        That the training waited for it.
    """

    lasting: ClassVar[bool] = True

    checkpoint: Checkpoint
    tiles: tuple[MapTile, ...]
    seconds: float = 0.0


def with_previews(
    training: Generator[Progress, None, Checkpoint], cube: Cube, focus: Focus, device: str
) -> Generator[Progress, None, Checkpoint]:
    """Run a training that yields `ModelSoFar`, and map what is seen with some of these.

    The training waits meanwhile; its weights are the same with previews and without, as these
    take copies and draw no random numbers. The network is shown alone: how much it counts beside
    the expert is known at the end only.

    Parameters
    ----------
    training : generator
        Closed with this one.
    cube : Cube
    focus : Focus
        What is seen.
    device : str
    """
    from napari_ssamamba.training.events import ModelSoFar

    started, spent, took = time.monotonic(), 0.0, SECONDS
    looked, last = started - SECONDS_BETWEEN, Progress()
    try:
        while True:
            try:
                event = next(training)
            except StopIteration as end:
                checkpoint: Checkpoint = end.value
                return checkpoint
            if not isinstance(event, ModelSoFar):
                last = event
                yield event
                continue
            now = time.monotonic()
            affordable = spent + took <= LARGEST_SHARE * (now - started + took)
            if focus.seen is not None and affordable and now - looked >= SECONDS_BETWEEN:
                tiles = _look(event.checkpoint, cube, Focus(focus.seen), device)
                looked, took = now, time.monotonic() - now
                spent += took
                yield Preview(
                    done=last.done,
                    total=last.total,
                    text=last.text,
                    seconds_left=last.seconds_left,
                    checkpoint=event.checkpoint,
                    tiles=tiles,
                    seconds=took,
                )
    finally:
        training.close()


def _look(checkpoint: Checkpoint, cube: Cube, focus: Focus, device: str) -> tuple[MapTile, ...]:
    """Map from the middle of the view outward, coarse before fine, until the time is up."""
    from napari_ssamamba.prediction.class_map import MapTile
    from napari_ssamamba.prediction.predictor import map_tiles

    tiles = []
    end = time.monotonic() + SECONDS
    # Kernels for bfloat16 would be recorded anew for each preview's weights.
    work = map_tiles(
        cube, checkpoint, device=device, focus=focus, members="network", precision="float32"
    )
    try:
        for event in work:
            if isinstance(event, MapTile):
                tiles.append(event)
                if time.monotonic() >= end:
                    break
    finally:
        work.close()
    return tuple(tiles)
