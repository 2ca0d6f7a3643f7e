"""The mapping of a session's scene: fills the map that is shown, and compares it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.session.values import ShownMap

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.events import Progress
    from napari_ssamamba.prediction.class_map import ClassMap, MapTile
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.training.metrics import Accuracy


class SessionMapping:
    """Fills ``session.map`` and ``session.accuracy``.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._before: ShownMap | None = None
        session.events.cube.connect(self._scene_changed)

    def run(self, first: tuple[int, int] | None = None) -> Generator[Progress, None, ClassMap]:
        """Return the mapping of the scene with the last model, to be run anywhere.

        The map that is shown stays, and is replaced tile by tile; `keep_before` brings it back.

        Parameters
        ----------
        first : tuple of int, optional
            Row and column where to begin.

        Raises
        ------
        SSAMambaError
            Where no model has been trained yet.
        """
        from napari_ssamamba.prediction.predictor import predict

        session = self._session
        cube, checkpoint = session.need_cube(), session.checkpoint
        if checkpoint is None:
            raise SSAMambaError("No model has been trained yet. Train one first.")
        checkpoint.check_bands(cube)
        self._before = before = session.map
        settings, shape = session.training, (cube.rows, cube.columns)
        session.map = ShownMap.begun(shape, checkpoint.classes, before, settings.members)
        session.events.map.emit()
        self.set_accuracy(None)
        attention = session.attention.begin_mapping()
        return predict(
            cube,
            checkpoint,
            device=settings.device,
            first=first,
            attention=attention,
            members=settings.members,
        )

    def add_tile(self, tile: MapTile) -> None:
        """Take a finished part of the map."""
        session = self._session
        session.attention.add_tile(tile)
        if session.map is not None:
            session.map.take(tile)
            session.events.map_tile.emit(tile.window)

    def finish(self) -> None:
        """Tell that every tile has come."""
        session = self._session
        if session.map is not None:
            session.map.complete = True
            self._before = None
            session.attention.finish_mapping()
            session.events.map.emit()

    def keep_before(self) -> None:
        """Bring back the map from before the mapping that was cancelled or failed."""
        session = self._session
        session.attention.keep_before()
        session.map, self._before = self._before, None
        session.events.map.emit()

    def accuracy_run(self) -> Generator[Progress, None, Accuracy] | None:
        """Return the comparison of the map with the reference; None where one is missing.

        Pixels of the reference that the model was trained or chosen on do not count.
        """
        session = self._session
        shown, reference, checkpoint = session.map, session.reference, session.checkpoint
        if shown is None or not shown.complete or reference is None or checkpoint is None:
            return None
        from napari_ssamamba.audit.map_accuracy import map_accuracy

        return map_accuracy(shown.ids.copy(), reference, checkpoint)

    def set_accuracy(self, accuracy: Accuracy | None) -> None:
        """Take how well the map agrees with the reference."""
        self._session.accuracy = accuracy
        self._session.events.accuracy.emit()

    def _scene_changed(self) -> None:
        self._before = None
