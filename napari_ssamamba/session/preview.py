"""A look at the map while a training goes on: what is seen of it, as far as half a second goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.mosaic import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.tiles import Window
    from napari_ssamamba.prediction.class_map import MapTile
    from napari_ssamamba.prediction.mixer import Members
    from napari_ssamamba.prediction.order import Focus, Seen
    from napari_ssamamba.session.values import ShownMap
    from napari_ssamamba.training.config import Mixture

LARGEST_SHARE = 0.15
"""Of a training's time so far: a preview waits until it would take no more with those before."""

SECONDS = 0.4
"""After so long a preview ends with the tile at hand."""

SECONDS_BETWEEN = 3.0
"""At least, from one preview to the next."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Preview(Progress):
    """What the model makes of the view so far; as progress it is the training's.

    Attributes
    ----------
    checkpoint : Checkpoint
        Previews by the same one add to each other.
    tiles : sequence of MapTile
    seconds : float
        That the training waited for it.
    """

    lasting: ClassVar[bool] = True

    checkpoint: Checkpoint
    tiles: Sequence[MapTile]
    seconds: float = 0.0


@dataclass(slots=True, eq=False)
class Previewed:
    """What is shown of a model's previews.

    Attributes
    ----------
    by : Checkpoint or None
    waiting : list of MapTile
        Those that are not in the map yet.
    windows : list of Window
        Where they are in the map.
    told : int
        How many of these were told.
    """

    by: Checkpoint | None = None
    waiting: list[MapTile] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    told: int = 0

    def forget(self, shown: ShownMap) -> None:
        """Let whatever comes next take its place in the map."""
        for window in self.windows:
            shown.level[window.rows, window.columns] = UNKNOWN


def with_previews(
    training: Generator[Progress, None, Checkpoint],
    cube: Cube,
    focus: Focus,
    device: str,
    members: Mixture,
) -> Generator[Progress, None, Checkpoint]:
    """Run a training that yields `ExpertFitted` and `ModelSoFar`, and map what is seen with them.

    The training waits meanwhile; its weights are the same with previews and without, as these
    take copies and draw no random numbers. Where both are to make the map, the expert alone is
    shown: it is there before the network has learned anything, it is nearly as good as both, and
    maps many times as much in the same time. Else each preview is by the network after the epoch
    before.

    Parameters
    ----------
    training : generator
        Closed with this one.
    cube : Cube
    focus : Focus
        What is seen.
    device : str
    members : {"mixed", "network"}
        What is to make the map.
    """
    from napari_ssamamba.training.events import ExpertFitted, ModelSoFar, StepDone

    started, spent, took = time.monotonic(), 0.0, SECONDS
    looked, last = started - SECONDS_BETWEEN, Progress()
    look: _Look | None = None
    by_expert = False
    try:
        while True:
            try:
                event = next(training)
            except StopIteration as end:
                checkpoint: Checkpoint = end.value
                return checkpoint
            if isinstance(event, ExpertFitted):
                if members == "mixed":
                    look, by_expert = _Look(event.checkpoint, cube, focus, device, "expert"), True
            elif isinstance(event, ModelSoFar):
                if not by_expert:
                    if look is not None:
                        look.close()
                    look = _Look(event.checkpoint, cube, focus, device, "network")
            else:
                last = event
                yield event
                if not isinstance(event, StepDone):  # within a step it would hold more memory
                    continue
            now = time.monotonic()
            affordable = spent + took <= LARGEST_SHARE * (now - started + took)
            if look is None or not affordable or now - looked < SECONDS_BETWEEN:
                continue
            if tiles := look.further():
                looked, took = now, time.monotonic() - now
                spent += took
                yield Preview(
                    done=last.done,
                    total=last.total,
                    text=last.text,
                    seconds_left=last.seconds_left,
                    checkpoint=look.checkpoint,
                    tiles=tiles,
                    seconds=took,
                )
    finally:
        training.close()
        if look is not None:
            look.close()


class _Look:
    """A mapping of what is seen: from the middle of the view outward, coarse before fine.

    Parameters
    ----------
    checkpoint, cube, focus, device, members
        As of `map_tiles`.
    """

    def __init__(
        self, checkpoint: Checkpoint, cube: Cube, focus: Focus, device: str, members: Members
    ) -> None:
        from napari_ssamamba.prediction.predictor import map_tiles

        self.checkpoint = checkpoint
        if checkpoint.expert is not None:
            # To support scattered pixels the expert would look at 24 others around each.
            alone = replace(checkpoint.expert, support=0.0)
            checkpoint = replace(checkpoint, expert=alone)
        self._focus = focus
        self._complete: Seen | None = None
        # Kernels for bfloat16 would be recorded anew for each preview's weights.
        self._work = map_tiles(
            cube, checkpoint, device=device, focus=focus, members=members, precision="float32"
        )

    def further(self) -> list[MapTile]:
        """Map on until the time is up, or all that is seen is mapped."""
        from napari_ssamamba.prediction.class_map import MapTile

        tiles: list[MapTile] = []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            seen = self._focus.seen
            if seen is None or seen is self._complete:
                break
            event = next(self._work, None)
            if isinstance(event, MapTile):
                tiles.append(event)
            if event is None or (isinstance(event, MapTile) and _lies_beyond(event, seen.view)):
                self._complete = seen
        return tiles

    def close(self) -> None:
        """End it."""
        self._work.close()


def _lies_beyond(tile: MapTile, view: Window) -> bool:
    """Tell whether a tile comes after all of the view."""
    a = tile.window
    rows = a.row0 < view.row1 and view.row0 < a.row1
    columns = a.column0 < view.column1 and view.column0 < a.column1
    return tile.stride == 1 and not (rows and columns)
