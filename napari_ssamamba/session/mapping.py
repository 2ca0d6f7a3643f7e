"""The mapping of a session's scene: fills the map that is shown, and compares it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.room import Room
from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.mosaic import FINAL, bytes_a_pixel
from napari_ssamamba.prediction.order import Focus
from napari_ssamamba.session.preparing import PREPARED_AT_ONCE, after
from napari_ssamamba.session.preview import Previewed
from napari_ssamamba.session.values import ShownMap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.prediction.class_map import Mapped, MapTile
    from napari_ssamamba.project.kept_maps import KeptMap
    from napari_ssamamba.session.preview import Preview
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.training.config import Mixture
    from napari_ssamamba.training.metrics import Accuracy


class SessionMapping:
    """Fills ``session.map`` and ``session.accuracy``.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    focus : Focus
        What a mapping turns to; kept up to date by whoever shows the scene.
    room : Room
        How much memory maps may take.
    with_margins : bool
        Whether margin and entropy are shown too.
    left_out : int
        Pixels of the reference that the accuracy does not count, as they were found wrong.
    """

    def __init__(self, session: Session) -> None:
        self.focus = Focus()
        self.room = Room()
        self.with_margins = False
        self.left_out = 0
        self._accuracy: Accuracy | None = None  # with the pixels that are left out
        self._compared: tuple[ShownMap, LabelMap] | None = None
        self._session = session
        self._before: ShownMap | None = None
        self._previewed = Previewed()
        self._unprepared: tuple[ShownMap, Callable[[], Iterable[Progress]]] | None = None
        session.events.cube.connect(self._scene_changed)

    def run(self) -> Generator[Progress, None, Mapped]:
        """Return the mapping of the scene with the last model, to be run anywhere.

        The map that is shown stays, and is replaced tile by tile; `keep_before` brings it back.

        Raises
        ------
        SSAMambaError
            Where no model has been trained yet, or there is no room for the map.
        """
        session = self._session
        cube, checkpoint = session.need_cube(), session.checkpoint
        if checkpoint is None:
            raise SSAMambaError("No model has been trained yet. Train one first.")
        checkpoint.check_bands(cube)
        self.end_preview()
        begun = self._begun(checkpoint, session.training.members, session.learned.behind)
        attention = session.attention.begin_mapping()
        if begun.level.size <= PREPARED_AT_ONCE:  # as that of the attention is already
            for _ in begun.filling(session.map):
                pass
            self._unprepared = None
        else:
            self._unprepared = begun, partial(begun.filling, session.map)
        begun.attention = attention
        self._before, session.map = session.map, begun
        session.events.map.emit()
        self.set_accuracy(None)
        return self._work(checkpoint, begun, attention=begun.attention is not None)

    def _begun(self, checkpoint: Checkpoint, members: Mixture, outdated: bool) -> ShownMap:
        """Return a map of which nothing is computed yet."""
        cube = self._session.need_cube()
        shape, classes = (cube.rows, cube.columns), checkpoint.classes
        if not classes.contradicts(self._session.classes):  # they may have other colours
            classes = classes.named_as(self._session.classes)
        return ShownMap.blank(
            shape,
            self.room.arrays(bytes_a_pixel(attention=False) * cube.rows * cube.columns),
            classes=classes,
            checkpoint=checkpoint,
            members=members,
            outdated=outdated,
        )

    @property
    def can_continue(self) -> bool:
        """Whether the map was stopped, and the model and what makes the map are still the same."""
        shown, session = self._session.map, self._session
        return (
            shown is not None
            and shown.stopped
            and shown.checkpoint is not None
            and shown.checkpoint is session.checkpoint
            and shown.members == session.training.members
        )

    def continue_run(self) -> Generator[Progress, None, Mapped]:
        """Return the mapping of what a stopped map is missing, to be run anywhere.

        Raises
        ------
        SSAMambaError
            Where there is no such map.
        """
        shown = self._session.map
        checkpoint = None if shown is None else shown.checkpoint
        if shown is None or checkpoint is None or not self.can_continue:
            raise SSAMambaError("There is no stopped map of this model. Map the scene anew.")
        checkpoint.check_bands(self._session.need_cube())
        shown.stopped = False
        self._session.events.map.emit()
        of_attention = self._session.attention
        attention = of_attention.with_map and of_attention.maps is not None
        return self._work(checkpoint, shown, attention=attention)

    def _work(
        self,
        checkpoint: Checkpoint,
        shown: ShownMap,
        *,
        attention: bool,
    ) -> Generator[Progress, None, Mapped]:
        from napari_ssamamba.prediction.predictor import map_tiles

        mapping = partial(
            map_tiles,
            self._session.need_cube(),
            checkpoint,
            device=self._session.training.device,
            attention=attention,
            focus=self.focus,
            members=shown.members,
        )
        return after(self._preparing(shown), lambda: mapping(done=shown.level == FINAL))

    def _preparing(self, shown: ShownMap) -> Iterator[Progress]:
        """Fill in what is known before any tile comes: from the start where that was stopped."""
        unprepared = self._unprepared
        if unprepared is not None and unprepared[0] is shown:
            yield from unprepared[1]()
            if self._unprepared is unprepared:
                self._unprepared = None

    def restoring_run(self, kept: KeptMap) -> Generator[Progress, None, ShownMap]:
        """Return the reading of a map that was kept, to be run anywhere; see `take_restored`.

        Raises
        ------
        RoomError
            Where there is no room for it.
        """
        cube, header = self._session.need_cube(), kept.header
        allocate = self.room.arrays(bytes_a_pixel(header.attention) * cube.rows * cube.columns)

        def reading() -> Generator[Progress, None, ShownMap]:
            from napari_ssamamba.project.kept_maps import read_model
            from napari_ssamamba.project.map_folder import MapFolder, layers_of

            yield Progress(text="Reading the model")
            checkpoint = read_model(kept)
            checkpoint.check_bands(cube)
            shown = ShownMap.blank(
                (cube.rows, cube.columns),
                allocate,
                attention=header.attention,
                classes=ClassTable(header.classes),
                checkpoint=checkpoint,
                members=header.members,
                complete=header.complete,
                stopped=not header.complete,
                outdated=header.outdated,
            )
            yield from MapFolder(kept.path, layers_of(shown)).read(shown)
            return shown

        return reading()

    def take_restored(self, shown: ShownMap) -> None:
        """Show a map that was read, and take its model; one that is not complete can be continued.

        Bands are switched as the model reads them, so that a training can start from it.

        Parameters
        ----------
        shown : ShownMap
            From `restoring_run`.
        """
        session = self._session
        self.end_preview()
        if shown.checkpoint is not None:
            checkpoint, cube = shown.checkpoint, session.need_cube()
            if checkpoint.is_of(cube) and checkpoint.scene_bands is None:
                session.set_bands(np.isin(np.arange(cube.bands), checkpoint.band_indices))
            session.set_checkpoint(shown.checkpoint)
            session.learned.behind = shown.outdated
        if session.training.members != shown.members:
            session.set_training(replace(session.training, members=shown.members))
        session.map, self._before, self._unprepared = shown, None, None
        session.attention.take_restored(shown)
        session.events.map.emit()
        self.set_accuracy(None)

    def add_tile(self, tile: MapTile) -> None:
        """Take a finished part of the map."""
        session = self._session
        session.attention.add_tile(tile)
        if session.map is not None:
            session.events.map_tile.emit(session.map.take(tile))

    def finish(self) -> None:
        """Tell that every tile has come."""
        session = self._session
        if session.map is not None:
            session.map.complete, session.map.stopped = True, False
            self._before = self._unprepared = None
            session.attention.finish_mapping()
            session.events.map.emit()

    def stop(self) -> None:
        """Keep what is mapped so far; `continue_run` maps the rest."""
        session = self._session
        if session.map is not None and not session.map.complete:
            session.map.stopped = True
            self._before = None
            session.attention.finish_mapping()
            session.events.map.emit()

    def keep_before(self) -> None:
        """Bring back the map from before the mapping that was cancelled or failed."""
        session = self._session
        session.attention.keep_before()
        session.map, self._before, self._unprepared = self._before, None, None
        session.events.map.emit()

    def preview_steps(self, preview: Preview) -> Iterator[None]:
        """Show what a training makes of the view; while a mapping runs, its map is shown on.

        Around it stands the map from before, in scenes of up to `PREPARED_AT_ONCE` pixels, and what
        the same model made of the view before. Each step takes some hundredths of a second; what is
        left waits for the next preview, and is dropped where another map is shown in between.

        Raises
        ------
        RoomError
            Where there is no room for another map.
        """
        session, shown = self._session, self._session.map
        if preview.checkpoint is not self._previewed.by:
            if shown is not None and shown.preview:
                self._previewed.forget(shown)
            self._previewed = Previewed(preview.checkpoint)
        previewed = self._previewed
        previewed.waiting += preview.tiles
        if shown is not None and not (shown.preview or shown.complete or shown.stopped):
            return
        if shown is None or not shown.preview:
            cube, model = session.cube, session.named(preview.checkpoint)
            begun = self._begun(model, session.training.members, session.learned.behind_in_training)
            begun.preview = True
            if begun.level.size <= PREPARED_AT_ONCE:
                for _ in begun.filling(shown):
                    yield
            if session.map is not shown or session.cube is not cube:
                return
            self._before, session.map, shown = shown, begun, begun
            session.events.map.emit()
        while previewed.waiting:
            yield
            if session.map is not shown:
                return
            previewed.windows.append(shown.take(previewed.waiting.pop(0)))
        while previewed.told < len(previewed.windows):
            previewed.told += 1
            session.events.map_tile.emit(previewed.windows[previewed.told - 1])

    def end_preview(self) -> None:
        """Bring back the map from before a preview; nothing happens where none is shown."""
        session, shown = self._session, self._session.map
        if shown is not None and shown.preview:
            session.map, self._before = self._before, None
            if session.map is not None:
                session.map.outdated = session.map.outdated or shown.outdated
            session.events.map.emit()

    def maps(self) -> tuple[ShownMap | None, ShownMap | None]:
        """Return the map that is shown, and the one that may be brought back."""
        return self._session.map, self._before

    def show_margins(self, wanted: bool) -> None:
        """Show margin and entropy beside the confidence, or no longer."""
        self.with_margins = wanted
        self._session.events.map.emit()

    def accuracy_run(self) -> Generator[Progress, None, Accuracy] | None:
        """Return the comparison of the map with the reference; None where one is missing.

        Pixels of the reference that the model was trained or chosen on do not count.
        """
        session = self._session
        shown, reference = session.map, session.reference
        checkpoint = None if shown is None else shown.checkpoint
        if shown is None or not shown.complete or reference is None or checkpoint is None:
            return None
        from napari_ssamamba.audit.map_accuracy import map_accuracy

        self._compared = shown, reference
        return map_accuracy(shown.ids, reference, checkpoint, session.need_cube())

    def take_accuracy(self, accuracy: Accuracy) -> None:
        """Take what the last `accuracy_run` found, unless map or reference are others by now."""
        shown, reference = self._session.map, self._session.reference
        if shown is not None and shown.preview:
            shown = self._before
        if self._compared is not None and shown is not None and reference is not None:
            compared, truth = self._compared
            if compared is shown and truth.ids is reference.ids:  # its classes may have new names
                self.set_accuracy(accuracy)

    def set_accuracy(self, accuracy: Accuracy | None) -> None:
        """Take how well the map agrees with the reference."""
        self._accuracy, self._compared = accuracy, None
        self.leave_out(self._session.decisions.wrong())

    def leave_out(self, wrong: Mapping[tuple[int, int], int]) -> None:
        """Let no pixel count whose reference was found wrong.

        Parameters
        ----------
        wrong : mapping
            As for `Confusion.without`.
        """
        from napari_ssamamba.audit.map_accuracy import without_wrong

        session, found, self.left_out = self._session, self._accuracy, 0
        shown, reference = session.map, session.reference
        if found is not None and wrong and shown is not None and reference is not None:
            if shown.checkpoint is not None:
                found, self.left_out = without_wrong(
                    found, wrong, shown.ids, reference, shown.checkpoint, session.need_cube()
                )
        session.accuracy = found
        session.events.accuracy.emit()

    def _scene_changed(self) -> None:
        self._before = self._accuracy = self._compared = self._unprepared = None
