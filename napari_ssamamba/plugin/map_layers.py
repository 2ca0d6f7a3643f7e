"""Shows the map and its confidence, tile by tile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image, Labels
from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.plugin.class_look import dress

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.plugin.own_layers import OwnLayers
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.values import ShownMap

MILLISECONDS_BETWEEN_REFRESHES = 100
"""Tiles that come faster are shown together."""


class MapLayers(QObject):
    """Shows ``session.map`` in two layers that hold its arrays.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    layers : OwnLayers
    parent : QObject
    """

    def __init__(
        self, session: Session, workflow: Workflow, layers: OwnLayers, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._workflow = workflow
        self._layers = layers
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MILLISECONDS_BETWEEN_REFRESHES)
        self._timer.timeout.connect(self._refresh)
        self._ids: object = None
        self._to_add = False
        session.events.map.connect(self._show)
        session.events.map_tile.connect(self._tile_came)

    def _show(self) -> None:
        shown = self._session.map
        if shown is None:
            self._ids = None
            self._layers.remove("map")
            self._layers.remove("confidence")
            return
        if shown.ids is not self._ids:
            self._ids = shown.ids
            self._take_arrays()
        self._refresh()
        self._layers.rename("map", self._name())

    def _take_arrays(self) -> None:
        """Show other arrays in the layers that are there; the rest wait for something to show.

        Where a mapping begins, its thread has most to do in Python, which both would wait for.
        """
        shown = self._session.map
        if shown is None:
            return
        ids, confidence = self._layers["map"], self._layers["confidence"]
        self._to_add = ids is None or confidence is None
        if ids is not None:
            ids.data = shown.ids
            dress(ids, shown.classes)
        if confidence is not None:
            confidence.data = shown.confidence

    def _add_layers(self) -> None:
        shown, self._to_add = self._session.map, False
        if shown is None:
            return
        if self._layers["map"] is None:
            self._layers.add_soon("map", partial(self._classes, shown))
        if self._layers["confidence"] is None:
            self._layers.add_soon("confidence", partial(_confidence, shown))

    def _classes(self, shown: ShownMap) -> Labels:
        layer = Labels(shown.ids, name=self._name(), opacity=0.6, axis_labels=("row", "column"))
        layer.editable = False
        dress(layer, shown.classes)
        return layer

    def _name(self) -> str:
        shown = self._session.map
        if shown is None or (shown.complete and not shown.outdated):
            return "map"
        return "map (outdated)" if shown.complete else "map (mapping…)"

    def _tile_came(self, window: object) -> None:
        if self._to_add:
            self._add_layers()
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        for role in ("map", "confidence"):
            layer = self._layers[role]
            if layer is not None and layer.visible:
                layer.refresh()


def _confidence(shown: ShownMap) -> Image:
    return Image(
        shown.confidence,
        name="confidence",
        colormap="viridis",
        contrast_limits=(0.0, 1.0),
        visible=False,
        axis_labels=("row", "column"),
    )
