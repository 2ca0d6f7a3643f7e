"""Shows the map, how sure it is, and what of it is still to come, tile by tile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import Colormap
from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.plugin.class_look import dress
from napari_ssamamba.plugin.levels import in_levels
from napari_ssamamba.plugin.own_layers import MILLISECONDS_BETWEEN_LAYERS
from napari_ssamamba.plugin.scaled_image import scaled_image
from napari_ssamamba.prediction.mosaic import FINAL, NUMBERS

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.plugin.own_layers import OwnLayers
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.values import ShownMap

MILLISECONDS_BETWEEN_REFRESHES = 200
"""Tiles that come faster are shown together. A refresh uploads the whole layer, which takes 5 ms
and makes the next drawing 25 ms longer at 1580 × 3750 pixels (software rendering)."""

ROLES = ("map", *NUMBERS, "to come")

VEIL = Colormap([[0.1, 0.1, 0.1, 0.4], [0, 0, 0, 0]], name="to come")
"""Dims what is provisional or unknown."""


class MapLayers(QObject):
    """Shows ``session.map`` in layers that hold its arrays, or views of them.

    The layers are there, empty, as soon as the scene is, so that a mapping only has to fill them:
    a new layer keeps the window busy for two tenths of a second, more while a thread computes.

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
        self._stale: list[str] = []
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.setInterval(MILLISECONDS_BETWEEN_LAYERS)
        self._next.timeout.connect(self._take_next)
        self._shown: ShownMap | None = None
        self._prepared: Cube | None = None
        self._dressed: ClassTable | None = None
        session.events.composite.connect(self._prepare)
        session.events.classes.connect(self._dress)
        session.events.map.connect(self._show)
        session.events.map_tile.connect(self._tile_came)

    def _prepare(self) -> None:
        """Add empty layers, once a scene, when it is seen."""
        cube = self._session.cube
        if self._session.composite_image is not None and cube is not self._prepared:
            self._prepared = cube
            self._add_missing()

    def _show(self) -> None:
        shown = self._session.map
        if shown is not self._shown:
            self._shown = shown
            self._stale = list(ROLES)
            self._take_next()
        else:
            self._refresh()
        if shown is not None or self._prepared is self._session.cube:
            self._add_missing()
        self._layers.rename("map", _name(shown))
        if not self._stale:
            self._show_veil()

    def _take_next(self) -> None:
        """Show the arrays of another map, or none, in the layers that are there, one by one.

        All at once, and then drawing them, would keep the window busy for a tenth of a second.
        """
        while self._stale:
            role = self._stale.pop(0)
            if (layer := self._layers[role]) is not None:
                layer.data = in_levels(self._values(role))
                self._dress()
                break
        if self._stale:
            self._next.start()
        else:
            self._show_veil()

    def _show_veil(self) -> None:
        """Hide it where the map is complete, for it takes time to draw."""
        if (veil := self._layers["to come"]) is not None:
            veil.visible = self._shown is None or not self._shown.complete

    def _dress(self) -> None:
        """Give the map its classes' colours, which takes napari 50 ms, where it has others.

        An empty map has those of the session already, as the next map probably will.
        """
        layer, classes = self._layers["map"], self._classes()
        if layer is not None and classes != self._dressed:
            dress(layer, classes)
            self._dressed = classes

    def _classes(self) -> ClassTable:
        return self._session.classes if self._shown is None else self._shown.classes

    def _add_missing(self) -> None:
        """Add the wanted layers that are missing, by and by; take out those not wanted."""
        margins = self._session.mapping.with_margins
        for role in ROLES:
            if role in NUMBERS[1:] and not margins:
                self._layers.remove(role)
            elif self._layers[role] is None:
                self._layers.add_soon(role, partial(self._layer, role))

    def _tile_came(self, window: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        for role in ROLES:
            layer = self._layers[role]
            if layer is not None and layer.visible and role not in self._stale:
                done = self._shown is None or self._shown.complete
                layer.refresh(thumbnail=done, highlight=False, extent=False)
        if self._shown is not None:
            self._shown.leave_memory()  # a whole scene, seen from afar, touches most of its pages

    # --- what the layers show ----------------------------------------------------------------

    def _values(self, role: str) -> NDArray[Any]:
        """Return what a layer shows; where there is no map, zeros or NaN that take no memory."""
        names = {"map": "ids", "to come": "level"}
        if self._shown is not None:
            values: NDArray[Any] = getattr(self._shown, names.get(role, role))
            return values
        nothing: dict[str, NDArray[Any]] = {
            "map": np.array(UNLABELLED, np.uint16),
            "to come": np.array(FINAL, np.uint8),
        }
        cube = self._session.need_cube()
        shape = cube.rows, cube.columns
        return np.broadcast_to(nothing.get(role, np.array(np.nan, np.float32)), shape)

    def _layer(self, role: str) -> Layer:
        values, shown = self._values(role), self._shown
        if role in NUMBERS:
            return scaled_image(values, name=role, limits=(0.0, 1.0), visible=False)
        if role == "to come":
            return Image(
                in_levels(values),
                name=role,
                colormap=VEIL,
                contrast_limits=(FINAL - 1, FINAL),
                axis_labels=("row", "column"),
                visible=shown is None or not shown.complete,
            )
        layer = Labels(
            in_levels(values), name=_name(shown), opacity=0.6, axis_labels=("row", "column")
        )
        layer.editable = False
        self._dressed = self._classes()
        dress(layer, self._dressed)
        return layer


def _name(shown: ShownMap | None) -> str:
    """Return the map's name, with its state."""
    state = "none yet" if shown is None else shown.state()
    return f"map ({state})" if state else "map"
