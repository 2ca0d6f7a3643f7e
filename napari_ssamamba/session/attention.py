"""The model's attention as it is shown: four maps over the scene, and one pixel's weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.audit.attention_maps import AttentionReader, heat_map
from napari_ssamamba.data.room import leave_memory
from napari_ssamamba.errors import BandsError, SSAMambaError
from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.mosaic import take_attention
from napari_ssamamba.session.preparing import PREPARED_AT_ONCE, after

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from numpy.typing import NDArray

    from napari_ssamamba.audit.attention_maps import HeatMap, PixelAttention
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.tiles import Window
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.prediction.class_map import Mapped, MapTile
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.session.values import ShownMap


ROWS_AT_ONCE = 256
"""Of new maps, filled in between two looks at whether the job was cancelled."""


@dataclass(slots=True, eq=False)
class AttentionMaps:
    """`ATTENTION_SCALARS` over the scene, filled while they are computed.

    Attributes
    ----------
    values : ndarray of float32, shape (4, rows, columns)
        NaN where nothing was computed yet, and where nothing was measured.
    model : ModelConfig
        Of the network whose attention it is.
    outdated : bool
        Whether the model is another since, or does not know the labels as they are.
    replaced : bool
        Whether the model is another since: what is computed now does not belong to them.
    """

    values: NDArray[np.float32]
    model: ModelConfig
    outdated: bool = False
    replaced: bool = False

    def filling(self) -> Generator[Progress, None, None]:
        """Fill new ones, zeros, with NaN, row by row."""
        rows = self.values.shape[1]
        for first in range(0, rows, ROWS_AT_ONCE):
            self.values[:, first : first + ROWS_AT_ONCE] = np.nan
            leave_memory(self.values)
            yield Progress(
                done=min(first + ROWS_AT_ONCE, rows),
                total=rows,
                text="Preparing the maps of the attention",
            )


@dataclass(frozen=True, slots=True)
class AttentionChoice:
    """Which of a pixel's weights to show.

    Attributes
    ----------
    block, head : int or None
        From 0; None averages.
    received : bool
        False: how the pixel weighs those around it. True: how those weigh the pixel.
    """

    block: int | None = None
    head: int | None = None
    received: bool = False


class AttentionEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    maps = Signal()
    maps_tile = Signal(object)  # Window
    pixel = Signal()
    choice = Signal()


class SessionAttention:
    """The attention's part of a session, on whose scene, model and picked pixel it depends.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    with_map : bool
        Whether mapping the scene computes the attention maps along.
    maps : AttentionMaps or None
        Apart from the map, so that those of a view can be had without mapping the scene.
    pixel : PixelAttention or None
        Of the picked pixel; None where it has none, or before it is computed.
    choice : AttentionChoice
    in_place : bool
        Whether the pixel's weights are to be drawn on the scene.
    """

    def __init__(self, session: Session) -> None:
        self.events = AttentionEvents(self)
        self.with_map = False
        self.maps: AttentionMaps | None = None
        self.pixel: PixelAttention | None = None
        self.choice = AttentionChoice()
        self.in_place = False
        self._session = session
        self._reader: AttentionReader | None = None
        self._replaces = False
        self._before: AttentionMaps | None = None
        session.events.cube.connect(self._scene_changed)
        session.events.checkpoint.connect(self._model_changed)
        session.events.map.connect(self._map_changed)
        session.events.labels.connect(self._outdate)

    def missing(self) -> str | None:
        """Say what is missing before there can be attention to show; None where nothing is."""
        cube, checkpoint = self._session.cube, self._session.checkpoint
        if cube is None:
            return "No scene is open. Open a cube or a sample scene first."
        if checkpoint is None:
            return "No model yet: train one first."
        if checkpoint.model.attention == "none":
            return "This model has no attention. Train one that has."
        try:
            checkpoint.check_bands(cube)
        except BandsError as error:
            return str(error)
        return None

    # --- over the scene --------------------------------------------------------------------

    def begin_mapping(self) -> NDArray[np.float32] | None:
        """Make room for new maps where the mapping of the scene is to compute them.

        `keep_before` brings back those that are shown.

        Returns
        -------
        ndarray of float32, shape (4, rows, columns), or None
            Zeros in scenes of more than `PREPARED_AT_ONCE` pixels, which are yet to be filled in.
            None where they are not to be computed.

        Raises
        ------
        RoomError
            Where neither memory nor disk have room for them.
        """
        if not self.with_map or self.missing() is not None:
            return None
        self._begin()
        return None if self.maps is None else self.maps.values

    def view_run(self, region: Window) -> Generator[Progress, None, Mapped]:
        """Return the computation of the maps in a part of the scene, to be run anywhere.

        Maps of the same model are filled in, others are replaced.

        Raises
        ------
        SSAMambaError
            Where scene, model or attention are missing, or there is no room for the maps.
        """
        from napari_ssamamba.prediction.predictor import map_tiles

        missing = self.missing()
        cube, checkpoint = self._session.need_cube(), self._session.checkpoint
        if missing is not None or checkpoint is None:
            raise SSAMambaError(missing or "No model yet: train one first.")
        preparing = self._begin() if self.maps is None or self.maps.replaced else ()
        device = self._session.training.device
        mapping = partial(
            map_tiles,
            cube,
            checkpoint,
            region=region,
            device=device,
            attention=True,
            members="network",
        )
        return after(preparing, mapping)

    def _begin(self) -> Iterable[Progress]:
        """Make room for new maps; return what fills them in."""
        cube, checkpoint = self._session.need_cube(), self._session.checkpoint
        if checkpoint is None:
            return ()
        shape = 4, cube.rows, cube.columns
        allocate = self._session.mapping.room.arrays(4 * math.prod(shape))
        values, behind = allocate(shape, np.float32), self._session.learned.behind
        maps = AttentionMaps(values, checkpoint.model, outdated=behind)
        self._before, self._replaces, self.maps = self.maps, True, maps
        preparing = maps.filling()
        if cube.rows * cube.columns <= PREPARED_AT_ONCE:
            for _ in preparing:
                pass
        self.events.maps.emit()
        return preparing

    def add_tile(self, tile: MapTile) -> None:
        """Take a finished part of the maps; a tile without attention changes nothing."""
        if self.maps is not None and tile.attention is not None:
            take_attention(self.maps.values, tile)
            self.events.maps_tile.emit(tile.window)

    def finish_mapping(self) -> None:
        """Tell that the scene is mapped; without new maps, those of another model go."""
        if not self._replaces and self.maps is not None and self.maps.replaced:
            self.maps = None
        self.finish()

    def take_restored(self, shown: ShownMap) -> None:
        """Show the maps that were kept with a map; a mapping that continues it computes the rest.

        Where none were, those of another model go.
        """
        if shown.attention is None or shown.checkpoint is None:
            self.finish_mapping()
            return
        self.maps = AttentionMaps(shown.attention, shown.checkpoint.model, outdated=shown.outdated)
        self.with_map = self.with_map or shown.stopped
        self.finish()

    def finish(self) -> None:
        """Tell that every tile has come."""
        self._before, self._replaces = None, False
        self.events.maps.emit()

    def keep_before(self) -> None:
        """Bring back the maps from before a computation that was cancelled or failed."""
        if self._replaces:
            self.maps = self._before
            self._before, self._replaces = None, False
            self.events.maps.emit()

    # --- of a pixel ------------------------------------------------------------------------

    def pixel_run(self) -> Generator[Progress, None, PixelAttention | None] | None:
        """Return the computation of the picked pixel's attention; None where that cannot be."""
        cube, picked, reader = self._session.cube, self._session.picked, self.reader()
        if reader is None or cube is None or picked is None:
            return None
        return _read(reader, cube, picked)

    def reader(self) -> AttentionReader | None:
        """Return what reads the attention of pixels with `explains`; None where there is none."""
        explains = self.explains()
        if explains is None:
            return None
        if self._reader is None or self._reader.checkpoint is not explains:
            self._reader = AttentionReader(explains)
        return self._reader

    def explains(self) -> Checkpoint | None:
        """Return the model whose attention of pixels is read; None where something is `missing`.

        It is the one that made the map, or the newest where that has no attention.
        """
        if self.missing() is not None:
            return None
        model = self._session.evidence.model()
        if model is None or model[0].model.attention == "none":
            return self._session.checkpoint
        return model[0]

    def set_pixel(self, pixel: PixelAttention | None) -> None:
        """Take the attention that was computed."""
        self.pixel = pixel
        self.events.pixel.emit()

    def show_in_place(self, wanted: bool) -> None:
        """Draw the pixel's weights on the scene, or no longer."""
        self.in_place = wanted
        self.events.pixel.emit()

    def choose(self, choice: AttentionChoice) -> None:
        """Show other weights."""
        self.choice = choice
        self.events.choice.emit()

    def matrix(self) -> NDArray[np.float32] | None:
        """Return the chosen weights of the pixel's patch, shape (L, L)."""
        if self.pixel is None:
            return None
        return self.pixel.matrix(self.choice.block, self.choice.head)

    def heat_map(self) -> HeatMap | None:
        """Return the chosen weights of the pixel, laid over the scene."""
        cube, choice = self._session.cube, self.choice
        if self.pixel is None or cube is None:
            return None
        shape = cube.rows, cube.columns
        return heat_map(self.pixel, shape, choice.block, choice.head, received=choice.received)

    # --- what changes elsewhere ------------------------------------------------------------

    def _scene_changed(self) -> None:
        self.maps = self._before = None
        self._replaces = False
        self.events.maps.emit()
        self.set_pixel(None)

    def _model_changed(self) -> None:
        if self.maps is not None:
            self.maps.replaced = True
        self._outdate()
        self._map_changed()
        self.set_pixel(None)

    def _map_changed(self) -> None:
        """Forget what another model than that of the map told."""
        explains = self.explains()
        if self._reader is not None and self._reader.checkpoint is not explains:
            self._reader = None
            self.set_pixel(None)
        model = None if explains is None else explains.model
        fits = model is not None and all(
            chosen is None or chosen < size
            for chosen, size in ((self.choice.block, model.depth), (self.choice.head, model.heads))
        )
        if not fits:
            self.choice = AttentionChoice(received=self.choice.received)

    def _outdate(self) -> None:
        if self.maps is not None and not self.maps.outdated:
            self.maps.outdated = True
            self.events.maps.emit()


def _read(
    reader: AttentionReader, cube: Cube, picked: tuple[int, int]
) -> Generator[Progress, None, PixelAttention | None]:
    """Compute one pixel's attention as a job."""
    yield Progress(text="Reading the attention of a pixel")
    return reader.read(cube, *picked)
