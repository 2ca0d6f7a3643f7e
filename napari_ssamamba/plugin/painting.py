"""Keeps the layer that is painted on, and the session's labels, one and the same."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from napari.utils.notifications import show_warning
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.plugin.class_look import dress

if TYPE_CHECKING:
    from napari import Viewer

    from napari_ssamamba.plugin.own_layers import OwnLayers
    from napari_ssamamba.session import Session

ROLE = "training labels"

MILLISECONDS_BETWEEN_COUNTS = 100


class Painting(QObject):
    """Shows the session's training labels in a layer, and tells the session of strokes.

    The layer holds the session's array itself. napari tells of strokes before it writes them, and
    of undo only that something is drawn anew; whether anything was written is then found by a
    checksum, a few times a second at most.

    Parameters
    ----------
    viewer : napari.Viewer
    session : Session
    layers : OwnLayers
    parent : QObject
    """

    def __init__(
        self, viewer: Viewer, session: Session, layers: OwnLayers, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._session = session
        self._layers = layers
        self._checksum = 0
        self._telling = False
        self._ids: set[int] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MILLISECONDS_BETWEEN_COUNTS)
        self._timer.timeout.connect(self.tell)
        session.events.labels.connect(self.show_labels)
        session.events.classes.connect(self._show_classes)
        session.events.selected_class.connect(self._show_selected)

    def show_labels(self) -> None:
        """Show the session's array, in a new layer where there is none."""
        labels = self._session.labels
        if labels is None:
            self._layers.remove(ROLE)
            return
        layer = self._layers[ROLE]
        self._checksum = zlib.adler32(labels.data)
        if layer is None:
            self._add()
        elif layer.data is not labels:
            layer.data = labels
            _forget_strokes(layer)
        elif not self._telling:
            layer.refresh(thumbnail=False, highlight=False, extent=False)

    def tell(self) -> None:
        """Tell the session where the layer was painted on."""
        self._timer.stop()
        labels = self._session.labels
        if labels is not None and zlib.adler32(labels.data) != self._checksum:
            self._telling = True
            try:
                self._session.labels_painted()
            finally:
                self._telling = False

    def flush(self) -> None:
        """Tell of strokes that wait for the next count."""
        if isalive(self) and self._timer.isActive():
            self.tell()

    def _add(self) -> None:
        layer = Labels(self._session.labels, name=ROLE, axis_labels=("row", "column"))
        dress(layer, self._session.classes)
        layer.brush_size = 3
        self._layers.add(ROLE, layer)
        self._viewer.layers.selection.active = layer
        layer.events.paint.connect(self._maybe_painted)
        layer.events.labels_update.connect(self._maybe_painted)
        layer.events.set_data.connect(self._maybe_painted)
        layer.events.data.connect(self._take_data)
        layer.events.selected_label.connect(self._take_selected)
        self._show_selected()

    def _maybe_painted(self, event: Any) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _take_data(self, event: Any) -> None:
        """Copy what was put into the layer in place of the session's array."""
        layer, labels = self._layers[ROLE], self._session.labels
        if layer is None or labels is None or layer.data is labels:
            return
        if layer.data.shape == labels.shape:
            labels[...] = layer.data
        else:
            found, expected = (" × ".join(map(str, a.shape)) for a in (layer.data, labels))
            show_warning(
                f"The layer {layer.name} was given {found} labels, the scene has {expected} "
                "pixels; the labels from before are kept. Give it labels on the scene's grid, or "
                "import them in the dock."
            )
        layer.data = labels
        self.tell()

    def _show_classes(self) -> None:
        layer = self._layers[ROLE]
        before, self._ids = self._ids, set(self._session.classes.ids)
        if layer is not None:
            dress(layer, self._session.classes)
            if before - self._ids:
                _forget_strokes(layer)  # they would bring back ids of no class
        elif self._session.labels is not None:
            self._add()

    def _show_selected(self) -> None:
        layer = self._layers[ROLE]
        if layer is not None and layer.selected_label != self._session.selected_class:
            layer.selected_label = self._session.selected_class

    def _take_selected(self, event: Any) -> None:
        """Follow the layer's label; 0 erases, and leaves the class selected."""
        layer = self._layers[ROLE]
        if layer is None or layer.selected_label == UNLABELLED:
            return
        if layer.selected_label in self._session.classes:
            self._session.select_class(int(layer.selected_label))
        else:
            self._viewer.status = f"No class has the id {layer.selected_label}; add one first."
            self._show_selected()


def _forget_strokes(layer: Labels) -> None:
    """Let undo and redo end here: they would write what was under older strokes into other labels.

    napari does so where a layer may no longer be edited.
    """
    mode = layer.mode
    layer.editable = False
    layer.editable = True
    layer.mode = mode
