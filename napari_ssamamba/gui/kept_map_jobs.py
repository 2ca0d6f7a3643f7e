"""Keeps maps while they are computed, in the background, and offers those of before."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.gui.kept_jobs import KeptJobs
from napari_ssamamba.project.kept_maps import (
    KeptMap,
    MapHeader,
    begin_map,
    kept_maps,
    remove_oldest,
)
from napari_ssamamba.project.map_folder import MapFolder, layers_of
from napari_ssamamba.project.user_data import data_folder, new_begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import ShownMap

RESTORE = "restoring a map"
"""Kind of job, see `Workflow`."""

MILLISECONDS_TO_KEEP = 15_000
"""After so long what was mapped is in a file."""


@dataclass(slots=True, eq=False)
class _Map:
    """A map that is kept.

    Attributes
    ----------
    cube : Cube
    shown : ShownMap
        The session's own; it goes on changing.
    begun : str
        See `new_begun`.
    folder : MapFolder or None
        None before the first write.
    header : MapHeader or None
        As it was last written.
    changed : deque of Window
        What was mapped since then.
    left : bool
        Whether it is neither shown nor to be brought back: written once more, and forgotten.
    cancelled : bool
        Whether its files are to go.
    """

    cube: Cube
    shown: ShownMap
    begun: str
    folder: MapFolder | None = None
    header: MapHeader | None = None
    changed: deque[Window] = field(default_factory=deque)
    left: bool = False
    cancelled: bool = False

    def header_now(self) -> MapHeader:
        """Return what is to be written, with the number of final pixels left open."""
        shown = self.shown
        return MapHeader(
            rows=shown.level.shape[0],
            columns=shown.level.shape[1],
            classes=shown.classes.classes,
            members=shown.members,
            complete=shown.complete,
            outdated=shown.outdated,
            attention=shown.attention is not None,
            mapped=0,
        )

    @property
    def is_gone(self) -> bool:
        """Whether another window, which made room, or the user removed its folder."""
        return self.folder is not None and not self.folder.is_whole

    @property
    def needs_writing(self) -> bool:
        """Whether its files lack something. A map without a pixel needs none."""
        if self.cancelled:
            return self.folder is not None
        if self.is_gone:
            return True
        if self.folder is None:
            return bool(self.changed)
        return bool(self.changed) or self.header != self.header_now()


class KeptMapJobs(KeptJobs):
    """Keeps the maps that a model of the session makes; previews of a training are not kept.

    A map that was cancelled goes; one that was stopped, or that another took the place of, stays.

    Parameters
    ----------
    workflow : Workflow
    """

    what = "the map"
    where = "a map and its model in Map"
    remedy = "Free some space, or save its layers with File → Save Selected Layers when it is done."

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow, MILLISECONDS_TO_KEEP)
        self._maps: list[_Map] = []  # shown, to be brought back, or left and not written yet
        self._restored: _Map | None = None  # that is about to be shown
        events = self._session.events
        events.map.connect(self._map_changed)
        events.map_tile.connect(self._tile_came)
        events.classes.connect(self._keep_if_changed)
        events.cube.connect(self._scene_changed)
        self.list_again()

    # --- what is mapped --------------------------------------------------------------------

    def _scene_changed(self) -> None:
        self._map_changed()
        self.list_again()

    def _map_changed(self) -> None:
        cube = self._session.cube
        here = [m for m in self._session.mapping.maps() if m is not None and _is_kept(m)]
        for kept in self._maps:
            if kept.shown not in here and not kept.left:
                done = kept.shown.complete or kept.shown.stopped
                kept.left = True
                kept.cancelled = not done and _is_of(kept.cube, cube)
                self.change()
        known = [kept.shown for kept in self._maps]
        for shown in here:
            if shown not in known and cube is not None:
                self._maps.append(self._of(cube, shown))
        self._keep_if_changed()

    def written(self) -> None:
        """Let go what was left and is written."""
        before = len(self._maps)
        self._maps = [kept for kept in self._maps if not kept.left or kept.needs_writing]
        if len(self._maps) < before:
            self.list_again()

    def _of(self, cube: Cube, shown: ShownMap) -> _Map:
        restored = self._restored
        if restored is not None and restored.shown is shown:
            return restored
        return _Map(cube, shown, new_begun())

    def _tile_came(self, window: Window) -> None:
        for kept in self._maps:
            if kept.shown is self._session.map:
                kept.changed.append(window)
                self.change()

    def _keep_if_changed(self) -> None:
        if any(kept.needs_writing for kept in self._maps):
            self.change()

    # --- keeping it ------------------------------------------------------------------------

    def write(self) -> None:
        """Write what was mapped, in any thread."""
        for kept in tuple(self._maps):
            if kept.needs_writing:
                self._write_one(kept)

    def _write_one(self, kept: _Map) -> None:
        if kept.cancelled and kept.folder is not None:
            kept.folder.remove()
            kept.folder = None
            return
        checkpoint, header = kept.shown.checkpoint, kept.header_now()
        if checkpoint is None:
            return
        left = kept.left  # what comes from now on is not in this write
        if kept.is_gone:
            rows, columns = kept.shown.level.shape
            kept.folder = None
            kept.changed.append(Window(0, rows, 0, columns))
        windows = []
        while kept.changed:
            windows.append(kept.changed.popleft())
        try:
            if kept.folder is None:
                root = data_folder()
                layers = layers_of(kept.shown)
                kept.folder = begin_map(kept.cube, root, kept.begun, checkpoint, layers)
                used = {m.folder.path for m in self._maps if m.folder is not None}
                remove_oldest(kept.cube, root, used | self.used)
            kept.folder.write(kept.shown, windows, header)
            kept.shown.leave_memory()
            kept.header = header
        except (OSError, MemoryError):
            kept.changed.extend(windows)
            raise
        finally:
            if left:  # nobody sees it any more: no second try
                kept.changed.clear()
                kept.header = header

    # --- bringing it back ------------------------------------------------------------------

    def bring_back(self, kept: KeptMap, then: Callable[[], None]) -> None:
        """Show a map that was kept, in the place of the one that is shown, which is kept, too."""
        self._workflow.mapping.stop()
        self.flush()  # it may not be written whole yet
        prepare = partial(self._session.mapping.restoring_run, kept)
        if run := self._workflow.prepared(prepare):
            take = partial(self._take, kept, then)
            self._workflow.run(
                RESTORE, "Restoring the map", run, on_result=take, on_stop=self._give_up
            )

    def _take(self, kept: KeptMap, then: Callable[[], None], shown: ShownMap) -> None:
        cube = self._session.need_cube()
        folder = MapFolder(kept.path, layers_of(shown))
        restored = _Map(cube, shown, kept.begun, folder)
        restored.header = restored.header_now()
        differing = self._workflow.training.take_classes(shown.classes)
        self._restored = restored
        self._session.mapping.take_restored(shown)
        self._restored = None
        self.list_again()
        self._workflow.told.emit("info", f"Map restored: {kept}. {differing}".strip())
        self._workflow.mapping.compare()
        then()

    def listed(self) -> list[KeptMap]:
        """Return what is kept, but for what is shown."""
        cube = self._session.cube
        if cube is None:
            return []
        shown = [kept.folder.path for kept in self._maps if kept.folder and not kept.left]
        return [kept for kept in kept_maps(cube, data_folder()) if kept.path not in shown]


def _is_of(cube: Cube, opened: Cube | None) -> bool:
    """Tell whether a cube, perhaps with other bands switched on, is the scene that is open."""
    if opened is None or cube.shape != opened.shape:
        return False
    return (cube.name, cube.fingerprint) == (opened.name, opened.fingerprint)


def _is_kept(shown: ShownMap) -> bool:
    """Tell whether a map is one that a model made of the whole scene, or is about to."""
    return shown.checkpoint is not None and not shown.preview
